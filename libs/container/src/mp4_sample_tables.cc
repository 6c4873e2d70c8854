#include "mp4_sample_tables.h"

#include <algorithm>

namespace camvault::container {

Status SampleTables::each_sample(const UseSample& use) const {
  // A sample lasts until the next one decodes; only the last has to take its stored duration.
  std::optional<FragmentSample> held;
  for (const auto offset : moofs_) {
    ByteReader in(file_.subspan(static_cast<std::size_t>(offset)));
    CAM_TRY(const auto moof, next_box(in));
    CAM_TRY_STATUS(walk_moof(moof.body, offset, defaults_, [&](const FragmentSample& sample) -> Status {
      if (held) {
        if (sample.dts > held->dts)
          held->duration =
              static_cast<std::uint32_t>(std::min<std::uint64_t>(sample.dts - held->dts, UINT32_MAX));
        CAM_TRY_STATUS(use(*held));
      }
      held = sample;
      return ok();
    }));
  }
  return held ? use(*held) : ok();
}

Result<TrackTotals> SampleTables::totals() const {
  TrackTotals totals;
  CAM_TRY_STATUS(each_sample([&](const FragmentSample& sample) -> Status {
    if (totals.samples == UINT32_MAX) return fail(Errc::limit, "more than 2^32 samples");
    if (totals.samples++ == 0) totals.start = sample.dts;
    totals.duration += sample.duration;
    const auto end =
        static_cast<std::int64_t>(sample.dts - totals.start + sample.duration) + sample.composition_offset;
    if (end > 0) totals.shown_until = std::max(totals.shown_until, static_cast<std::uint64_t>(end));
    totals.offsets |= sample.composition_offset != 0;
    totals.negative_offsets |= sample.composition_offset < 0;
    totals.all_sync &= sample.sync;
    totals.large |= sample.offset > UINT32_MAX;
    return ok();
  }));
  return totals;
}

// A table of (count, value) runs: stts and ctts.
Status SampleTables::write_runs(FileAppender& out, std::uint32_t type, std::uint32_t version,
                                const ValueOf& value_of) const {
  return out.box(type, [&]() -> Status {
    CAM_TRY_STATUS(out.u32(version << 24));
    const auto count_at = out.position();
    CAM_TRY_STATUS(out.u32(0));
    std::uint32_t entries = 0;
    std::uint32_t run = 0;
    std::uint32_t value = 0;
    const auto close = [&]() -> Status {
      if (run == 0) return ok();
      ++entries;
      CAM_TRY_STATUS(out.u32(run));
      return out.u32(value);
    };
    CAM_TRY_STATUS(each_sample([&](const FragmentSample& sample) -> Status {
      const auto next = value_of(sample);
      if (run > 0 && next != value) {
        CAM_TRY_STATUS(close());
        run = 0;
      }
      value = next;
      ++run;
      return ok();
    }));
    CAM_TRY_STATUS(close());
    return out.patch(count_at, entries);
  });
}

Status SampleTables::write(FileAppender& out, BytesView stbl, const TrackTotals& totals,
                           const MetadataDescription* metadata) const {
  return out.box(fourcc("stbl"), [&]() -> Status {
    const auto stsd = find_box(stbl, fourcc("stsd"));
    if (!stsd) return fail(Errc::malformed, "track without sample description");
    CAM_TRY_STATUS(out.raw(metadata != nullptr ? BytesView(metadata->sample_description) : stsd->whole));
    CAM_TRY_STATUS(write_runs(out, fourcc("stts"), 0, [](const FragmentSample& s) { return s.duration; }));
    if (totals.offsets) {
      CAM_TRY_STATUS(write_runs(
          out, fourcc("ctts"), totals.negative_offsets ? 1 : 0,
          [](const FragmentSample& s) { return static_cast<std::uint32_t>(s.composition_offset); }));
    }
    if (!totals.all_sync) CAM_TRY_STATUS(write_stss(out));
    CAM_TRY_STATUS(write_stsc(out));
    CAM_TRY_STATUS(out.box(fourcc("stsz"), [&]() -> Status {
      CAM_TRY_STATUS(out.u64(0));  // version, flags, no common size
      CAM_TRY_STATUS(out.u32(totals.samples));
      return each_sample([&](const FragmentSample& s) { return out.u32(s.size); });
    }));
    return write_chunk_offsets(out, totals.large);
  });
}

Status SampleTables::write_stss(FileAppender& out) const {
  return out.box(fourcc("stss"), [&]() -> Status {
    CAM_TRY_STATUS(out.u32(0));
    const auto count_at = out.position();
    CAM_TRY_STATUS(out.u32(0));
    std::uint32_t number = 0;
    std::uint32_t entries = 0;
    CAM_TRY_STATUS(each_sample([&](const FragmentSample& sample) -> Status {
      ++number;
      if (!sample.sync) return ok();
      ++entries;
      return out.u32(number);
    }));
    return out.patch(count_at, entries);
  });
}

// One chunk per run of a fragment.
Status SampleTables::write_stsc(FileAppender& out) const {
  return out.box(fourcc("stsc"), [&]() -> Status {
    CAM_TRY_STATUS(out.u32(0));
    const auto count_at = out.position();
    CAM_TRY_STATUS(out.u32(0));
    std::uint32_t chunk = 0;
    std::uint32_t in_chunk = 0;
    std::uint32_t last_written = 0;
    std::uint32_t entries = 0;
    const auto close = [&]() -> Status {
      if (in_chunk == 0 || in_chunk == last_written) return ok();
      last_written = in_chunk;
      ++entries;
      CAM_TRY_STATUS(out.u32(chunk));
      CAM_TRY_STATUS(out.u32(in_chunk));
      return out.u32(1);
    };
    CAM_TRY_STATUS(each_sample([&](const FragmentSample& sample) -> Status {
      if (sample.first_of_run) {
        CAM_TRY_STATUS(close());
        ++chunk;
        in_chunk = 0;
      }
      ++in_chunk;
      return ok();
    }));
    CAM_TRY_STATUS(close());
    return out.patch(count_at, entries);
  });
}

Status SampleTables::write_chunk_offsets(FileAppender& out, bool large) const {
  return out.box(large ? fourcc("co64") : fourcc("stco"), [&]() -> Status {
    CAM_TRY_STATUS(out.u32(0));
    const auto count_at = out.position();
    CAM_TRY_STATUS(out.u32(0));
    std::uint32_t entries = 0;
    CAM_TRY_STATUS(each_sample([&](const FragmentSample& sample) -> Status {
      if (!sample.first_of_run) return ok();
      ++entries;
      return large ? out.u64(sample.offset) : out.u32(static_cast<std::uint32_t>(sample.offset));
    }));
    return out.patch(count_at, entries);
  });
}

}  // namespace camvault::container
