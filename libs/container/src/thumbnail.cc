#include "camvault/container/thumbnail.h"

#include <algorithm>
#include <set>

#include "av_thumbnailer.h"
#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/container/media_source.h"
#include "foreign_reader.h"
#include "sandbox.h"
#include "video_track.h"

namespace camvault::container {

namespace {

using codec::UnitKind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Pictures of one run of units, by first slices.
template <class Use>
Status each_unit(codec::UnitSource& source, Use&& use) {
  const auto codec = source.info().codec;
  std::uint64_t begun = 0;
  for (;;) {
    const auto run = source.read();
    // A clip that breaks off has its pictures up to there.
    if (!run || run->empty()) return ok();
    for (const auto& unit : *run) {
      const auto info = codec::classify(codec, unit.bytes);
      if (info.kind == UnitKind::slice && info.first_slice) ++begun;
      CAM_TRY(const auto go_on, use(unit, info, begun));
      if (!go_on) return ok();
    }
  }
}

// What the decoder is fed with for some of the wanted pictures: one stretch from a keyframe.
struct Stretch {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // the last wanted one
};

Result<std::vector<Stretch>> find_stretches(codec::UnitSource& source,
                                            const std::set<std::uint64_t>& wanted) {
  std::vector<Stretch> stretches;
  std::uint64_t keyframe = 0;
  CAM_TRY_STATUS(each_unit(
      source, [&](const codec::Unit&, const codec::UnitInfo& info, std::uint64_t begun) -> Result<bool> {
        if (info.kind != UnitKind::slice || !info.first_slice) return true;
        const auto picture = begun - 1;
        if (info.gop_start) keyframe = picture;
        if (wanted.contains(picture)) {
          if (stretches.empty() || stretches.back().first != keyframe)
            stretches.push_back({keyframe, picture});
          stretches.back().last = picture;
        }
        return picture < *wanted.rbegin();
      }));
  CAM_TRY_STATUS(source.rewind());
  return stretches;
}

class Session {
 public:
  Session(SandboxedChild child, steady_clock::time_point deadline)
      : child_(std::move(child)), deadline_(deadline) {}

  Status send(ThumbnailRequest kind, std::uint64_t picture, BytesView payload) {
    ByteWriter header;
    header.u32(static_cast<std::uint32_t>(kind));
    header.u64(picture);
    header.u32(static_cast<std::uint32_t>(payload.size()));
    CAM_TRY_STATUS(child_.write_all(header.view(), left()));
    return child_.write_all(payload, left());
  }

  // What came out of a stretch.
  Status flush(const std::set<std::uint64_t>& wanted, std::map<std::uint64_t, Bytes>& jpeg) {
    CAM_TRY_STATUS(send(ThumbnailRequest::flush, 0, {}));
    for (;;) {
      std::uint8_t header[kThumbnailHeaderSize];
      CAM_TRY_STATUS(child_.read_exactly(header, sizeof header, left()));
      ByteReader in(header);
      CAM_TRY(const auto kind, in.u32());
      CAM_TRY(const auto picture, in.u64());
      CAM_TRY(const auto size, in.u32());
      if (kind == static_cast<std::uint32_t>(ThumbnailRequest::flush)) return ok();
      if (!wanted.contains(picture) || size > kMaxThumbnailSize)
        return fail(Errc::malformed, "answer of the sandboxed decoder");
      Bytes data(size);
      CAM_TRY_STATUS(child_.read_exactly(data.data(), data.size(), left()));
      // JPEG begins with FF D8: whoever shows it expects no other kind of file.
      if (size < 2 || data[0] != 0xff || data[1] != 0xd8)
        return fail(Errc::malformed, "answer of the sandboxed decoder");
      jpeg[picture] = std::move(data);
    }
  }

 private:
  milliseconds left() const {
    const auto time = std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now());
    return std::max(time, milliseconds(0));
  }

  SandboxedChild child_;
  steady_clock::time_point deadline_;
};

// Parameter sets that only the container's header has. Without them a damaged clip may still have its own.
Bytes header_sets(const std::filesystem::path& clip, const codec::ClipInfo& info) {
  Bytes stream;
  if (info.format == codec::ClipFormat::annex_b) return stream;
  const auto reader = ForeignReader::open(clip);
  const auto video = reader ? reader->video_track() : std::nullopt;
  if (!video) return stream;
  for (const auto unit : units_of_configuration(info.codec, reader->tracks()[*video].config))
    append_with_start_code(stream, unit);
  return stream;
}

Status decode(codec::UnitSource& source, const std::set<std::uint64_t>& wanted,
              const std::vector<Stretch>& stretches, Bytes picture_bytes, Session& session,
              std::map<std::uint64_t, Bytes>& jpeg) {
  constexpr std::size_t kMaxPicture = std::size_t{64} << 20;
  auto stretch = stretches.begin();
  std::uint64_t current = UINT64_MAX;  // the picture that picture_bytes holds
  const auto send_picture = [&]() -> Status {
    if (current == UINT64_MAX) return ok();
    const auto kind = wanted.contains(current) ? ThumbnailRequest::wanted_picture : ThumbnailRequest::picture;
    CAM_TRY_STATUS(session.send(kind, current, picture_bytes));
    picture_bytes.clear();
    if (current == stretch->last) {
      CAM_TRY_STATUS(session.flush(wanted, jpeg));
      ++stretch;
    }
    current = UINT64_MAX;
    return ok();
  };
  CAM_TRY_STATUS(each_unit(
      source, [&](const codec::Unit& unit, const codec::UnitInfo& info, std::uint64_t begun) -> Result<bool> {
        const bool is_slice = info.kind == UnitKind::slice;
        const bool is_set = info.kind == UnitKind::parameter_set;
        // A picture ends before its successor's first slice and before parameter sets.
        if (current != UINT64_MAX && (is_set || (is_slice && info.first_slice)))
          CAM_TRY_STATUS(send_picture());
        if (stretch == stretches.end()) return false;
        if (is_slice && info.first_slice && begun - 1 >= stretch->first) current = begun - 1;
        // SEIs are left out: the decoder needs none, and some hold start codes.
        if (!is_set && (!is_slice || current == UINT64_MAX)) return true;
        if (unit.bytes.size() > kMaxPicture - std::min(kMaxPicture, picture_bytes.size()))
          return fail(Errc::limit, "picture larger than 64 MB");
        append_with_start_code(picture_bytes, unit.bytes);
        return true;
      }));
  return stretch == stretches.end() ? ok() : send_picture();
}

}  // namespace

Result<Thumbnails> make_thumbnails(const std::filesystem::path& clip, std::span<const std::uint64_t> pictures,
                                   const ThumbnailOptions& options) {
  if (pictures.size() > kMaxThumbnails) return fail(Errc::limit, "more than 200 thumbnails");
  if (options.width < 16 || options.width > 1920)
    return fail(Errc::usage, "thumbnails are 16 to 1920 pixels wide");
  CAM_TRY(const auto source, open_media(clip, {options.codec}));
  Thumbnails result;
  const std::set<std::uint64_t> wanted(pictures.begin(), pictures.end());
  if (wanted.empty()) return result;
  CAM_TRY(const auto stretches, find_stretches(*source, wanted));
  if (stretches.empty()) return result;
  if (options.patience <= options.patience.zero()) {
    result.incomplete = "no time was left for thumbnails";
    return result;
  }
  SandboxLimits limits;
  limits.processor_time =
      std::chrono::duration_cast<std::chrono::seconds>(options.patience) + std::chrono::seconds(1);
  limits.memory = std::size_t{1536} << 20;
  const auto codec = source->info().codec;
  CAM_TRY(auto child, SandboxedChild::start(-1, limits, [&](const SandboxedChild::Descriptors& fds) {
            return run_thumbnailer(codec, options.width, fds.from_parent, fds.to_parent);
          }));
  Session session(std::move(child), steady_clock::now() + options.patience);
  auto status = decode(*source, wanted, stretches, header_sets(clip, source->info()), session, result.jpeg);
  if (!status) result.incomplete = status.error().what;
  return result;
}

Result<std::map<std::uint64_t, std::uint64_t>> pictures_at(const std::filesystem::path& clip,
                                                           std::span<const std::uint64_t> offsets,
                                                           std::optional<codec::Codec> codec) {
  CAM_TRY(const auto source, open_media(clip, {codec}));
  const std::set<std::uint64_t> wanted(offsets.begin(), offsets.end());
  std::map<std::uint64_t, std::uint64_t> result;
  CAM_TRY_STATUS(each_unit(
      *source,
      [&](const codec::Unit& unit, const codec::UnitInfo& info, std::uint64_t begun) -> Result<bool> {
        if (wanted.contains(unit.offset)) {
          const auto picture = info.kind == UnitKind::slice && begun > 0 ? begun - 1 : begun;
          result.try_emplace(unit.offset, picture);
        }
        return result.size() < wanted.size();
      }));
  return result;
}

}  // namespace camvault::container
