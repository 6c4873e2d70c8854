#include <limits>

#include "mp4_samples.h"

namespace camvault::codec::mp4 {

namespace {

using bmff::fourcc;
using bmff::Table;

tl::unexpected<Error> malformed(std::string_view what) {
  return fail(Errc::malformed, "MP4: " + std::string(what));
}

// stsz and stz2 (8.7.3).
class Sizes {
 public:
  static Result<Sizes> read(BytesView stbl, std::uint64_t file_size) {
    CAM_TRY(const auto stsz, bmff::find(stbl, fourcc("stsz")));
    CAM_TRY(const auto stz2, bmff::find(stbl, fourcc("stz2")));
    if (stsz && stz2) return malformed("stsz and stz2 together");
    if (!stsz && !stz2) return malformed("no sample sizes");
    Sizes sizes;
    ByteReader in(stsz ? *stsz : *stz2);
    CAM_TRY_STATUS(bmff::full_box(in));
    if (stsz) {
      CAM_TRY(sizes.same_, in.u32());
      CAM_TRY(sizes.count_, in.u32());
      sizes.bits_ = sizes.same_ != 0 ? 0 : 32;
      if (sizes.same_ != 0 && std::uint64_t{sizes.count_} * sizes.same_ > file_size) {
        return malformed("more samples than the file has room for");
      }
    } else {
      CAM_TRY_STATUS(in.skip(3));
      CAM_TRY(sizes.bits_, in.u8());
      if (sizes.bits_ != 4 && sizes.bits_ != 8 && sizes.bits_ != 16) return malformed("field size of stz2");
      CAM_TRY(sizes.count_, in.u32());
    }
    const auto bytes = (std::uint64_t{sizes.count_} * sizes.bits_ + 7) / 8;
    if (bytes > in.remaining()) return malformed("a table claims more rows than its box holds");
    CAM_TRY(sizes.bytes_, in.take(static_cast<std::size_t>(bytes)));
    return sizes;
  }

  std::uint32_t count() const { return count_; }

  std::uint32_t at(std::uint32_t sample) const {
    if (bits_ == 0) return same_;
    if (bits_ == 4) return sample % 2 == 0 ? bytes_[sample / 2] >> 4u : bytes_[sample / 2] & 0x0fu;
    std::uint32_t value = 0;
    const std::size_t width = bits_ / 8u;
    for (const auto byte : bytes_.subspan(std::size_t{sample} * width, width)) value = value << 8 | byte;
    return value;
  }

 private:
  BytesView bytes_;
  std::uint32_t count_ = 0;
  std::uint32_t same_ = 0;
  std::uint8_t bits_ = 0;  // of one entry; 0: all have the same size
};

// Runs of equal values (stts, ctts: 8.6.1): (count, value) rows. Steps one sample at a time.
class Runs {
 public:
  Runs() = default;
  explicit Runs(Table table) : table_(table) {}

  // The value of the next sample; empty behind the last row.
  std::optional<std::uint32_t> next() {
    while (row_ < table_.rows() && used_ == table_.at(row_, 0)) {
      ++row_;
      used_ = 0;
    }
    if (row_ == table_.rows()) return std::nullopt;
    ++used_;
    return table_.at(row_, 1);
  }

 private:
  Table table_;
  std::size_t row_ = 0;
  std::uint32_t used_ = 0;
};

Result<Table> read_table(BytesView box, std::size_t columns) {
  ByteReader in(box);
  CAM_TRY_STATUS(bmff::full_box(in));
  CAM_TRY(const auto count, in.u32());
  return Table::make(in, count, columns);
}

struct Tables {
  Sizes sizes;
  Table chunk_runs;     // stsc: first chunk, samples per chunk, description
  Table chunk_offsets;  // stco or co64
  bool wide_offsets = false;
  Table durations;     // stts
  Table compositions;  // ctts
};

class TableSource final : public SampleSource {
 public:
  TableSource(const VideoTrack& track, Tables tables) : track_(track), tables_(tables) { rewind(); }

  void rewind() override {
    sample_ = 0;
    chunk_ = 0;
    run_ = 0;
    left_in_chunk_ = 0;
    offset_ = 0;
    decode_time_ = 0;
    durations_ = Runs(tables_.durations);
    compositions_ = Runs(tables_.compositions);
  }

  Result<std::optional<Sample>> next() override {
    if (sample_ == tables_.sizes.count()) return std::optional<Sample>();
    if (left_in_chunk_ == 0) CAM_TRY_STATUS(next_chunk());
    Sample sample;
    sample.offset = offset_;
    sample.size = tables_.sizes.at(sample_);
    sample.length_size = length_size_;
    sample.description = description_;
    sample.time = next_time();
    if (offset_ > std::numeric_limits<std::uint64_t>::max() - sample.size) return malformed("chunk offset");
    offset_ += sample.size;
    --left_in_chunk_;
    ++sample_;
    return std::optional<Sample>(sample);
  }

 private:
  Status next_chunk() {
    if (chunk_ == tables_.chunk_offsets.rows()) return malformed("more samples than chunks to hold them");
    const auto& runs = tables_.chunk_runs;
    // 8.7.4: rows are sorted by their first chunk, which counts from 1.
    if (chunk_ == 0 && runs.at(0, 0) != 1) return malformed("stsc does not begin with chunk 1");
    if (chunk_ > 0 && run_ + 1 < runs.rows() && runs.at(run_ + 1, 0) == chunk_ + 1) ++run_;
    if (run_ + 1 < runs.rows() && runs.at(run_ + 1, 0) <= runs.at(run_, 0))
      return malformed("stsc is not in order");
    left_in_chunk_ = runs.at(run_, 1);
    if (left_in_chunk_ == 0) return malformed("a chunk without samples");
    const auto description = runs.at(run_, 2);
    if (description == 0 || description > track_.descriptions.size())
      return malformed("unknown sample description");
    length_size_ = track_.descriptions[description - 1].length_size;
    description_ = description;
    offset_ = tables_.wide_offsets ? tables_.chunk_offsets.wide(chunk_) : tables_.chunk_offsets.at(chunk_, 0);
    ++chunk_;
    return ok();
  }

  std::optional<Timestamp> next_time() {
    const auto duration = durations_.next();
    const auto composition = compositions_.next();
    if (!duration) return std::nullopt;
    // Version 0 of ctts is unsigned by the letter; writers put negative offsets there, and none needs the
    // upper half.
    const auto offset = static_cast<std::int32_t>(composition.value_or(0));
    const auto time = presentation_time(decode_time_, offset, track_.timescale);
    decode_time_ += *duration;  // cannot pass 2^64: below 2^32 samples of below 2^32 units
    return time;
  }

  VideoTrack track_;
  Tables tables_;
  std::uint32_t sample_ = 0;
  std::size_t chunk_ = 0;  // the next one, from 0
  std::size_t run_ = 0;    // row of stsc
  std::uint32_t left_in_chunk_ = 0;
  std::uint8_t length_size_ = 4;
  std::uint32_t description_ = 1;
  std::uint64_t offset_ = 0;
  std::uint64_t decode_time_ = 0;
  Runs durations_;
  Runs compositions_;
};

}  // namespace

std::optional<Timestamp> presentation_time(std::uint64_t decode_time, std::int64_t offset,
                                           std::uint32_t timescale) {
  constexpr std::uint64_t kTicks = 10'000'000;
  // Far outside of every clip, and small enough for what follows.
  constexpr std::uint64_t kMaxSeconds = 100'000'000'000;
  if (timescale == 0 || decode_time / timescale > kMaxSeconds) return std::nullopt;
  const auto signed_time = static_cast<std::int64_t>(decode_time);
  if (signed_time < 0) return std::nullopt;
  std::int64_t time = 0;
  if (__builtin_add_overflow(signed_time, offset, &time)) return std::nullopt;
  const auto scale = static_cast<std::int64_t>(timescale);
  auto seconds = time / scale;
  auto rest = time % scale;
  if (rest < 0) {
    rest += scale;
    --seconds;
  }
  const auto ticks = static_cast<std::int64_t>(kTicks);
  // rest * 10^7 < 2^32 * 2^24
  return Timestamp(Ticks(seconds * ticks + rest * ticks / scale));
}

Result<TableSamples> open_tables(const VideoTrack& track, std::uint64_t file_size) {
  const auto stbl = track.sample_tables;
  Tables tables;
  CAM_TRY(tables.sizes, Sizes::read(stbl, file_size));
  CAM_TRY(const auto stsc, bmff::require(stbl, fourcc("stsc")));
  CAM_TRY(tables.chunk_runs, read_table(stsc, 3));
  CAM_TRY(const auto stco, bmff::find(stbl, fourcc("stco")));
  CAM_TRY(const auto co64, bmff::find(stbl, fourcc("co64")));
  if (stco && co64) return malformed("stco and co64 together");
  if (!stco && !co64) return malformed("no chunk offsets");
  tables.wide_offsets = co64.has_value();
  CAM_TRY(tables.chunk_offsets, read_table(co64 ? *co64 : *stco, co64 ? 2 : 1));
  CAM_TRY(const auto stts, bmff::find(stbl, fourcc("stts")));
  if (stts) {
    CAM_TRY(tables.durations, read_table(*stts, 2));
  }
  CAM_TRY(const auto ctts, bmff::find(stbl, fourcc("ctts")));
  if (ctts) {
    CAM_TRY(tables.compositions, read_table(*ctts, 2));
  }
  const std::uint64_t count = tables.sizes.count();
  return TableSamples{std::make_unique<TableSource>(track, tables), count};
}

}  // namespace camvault::codec::mp4
