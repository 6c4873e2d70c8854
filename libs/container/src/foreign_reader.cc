#include "foreign_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "av_demuxer.h"
#include "camvault/codec/annex_b.h"
#include "camvault/codec/obu.h"
#include "video_track.h"

namespace camvault::container {

namespace {

tl::unexpected<Error> explain(std::uint32_t number) {
  switch (static_cast<DemuxFailure>(number)) {
    case DemuxFailure::not_recognised:
      return fail(Errc::malformed, "not a media file that we know (MP4, Matroska, MPEG-TS)");
    case DemuxFailure::no_tracks:
      return fail(Errc::malformed, "the container has no tracks");
    case DemuxFailure::too_many_tracks:
      return fail(Errc::limit, "the container has more than 32 tracks");
    case DemuxFailure::packet_too_large:
      return fail(Errc::limit, "a sample is larger than 128 MB");
    case DemuxFailure::damaged:
      break;
  }
  return fail(Errc::malformed, "the container is damaged");
}

constexpr std::size_t kMaxTracksSize = kMaxTracks * (kMaxConfigSize + 1024);

}  // namespace

Result<ForeignReader> ForeignReader::open(const std::filesystem::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    const auto code = errno == ENOENT ? Errc::not_found : errno == EACCES ? Errc::denied : Errc::io;
    return fail(code, "cannot open " + path.string() + ": " + errno_text(errno));
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail(Errc::usage, path.string() + " is not a regular file");
  ForeignReader reader(std::move(file));
  CAM_TRY_STATUS(reader.start());
  return reader;
}

Status ForeignReader::start() {
  CAM_TRY(auto child, SandboxedChild::start(file_.get(), {}, [](const SandboxedChild::Descriptors& fds) {
            return run_demuxer(fds.input, fds.to_parent);
          }));
  child_.emplace(std::move(child));
  std::uint8_t header[kRecordHeaderSize];
  CAM_TRY_STATUS(child_->read_exactly(header, sizeof header, kPatience));
  CAM_TRY(const auto record, read_record(header));
  if (record.kind == RecordKind::failure) return explain(record.packet.track);
  if (record.kind != RecordKind::tracks || record.payload_size > kMaxTracksSize)
    return fail(Errc::malformed, "record of the sandboxed reader");
  Bytes payload(record.payload_size);
  CAM_TRY_STATUS(child_->read_exactly(payload.data(), payload.size(), kPatience));
  ByteReader in(payload);
  CAM_TRY(const auto count, in.u32());
  if (count > kMaxTracks) return fail(Errc::limit, "too many tracks");
  tracks_.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    CAM_TRY(auto track, read_track(in));
    tracks_.push_back(std::move(track));
  }
  return in.finish();
}

std::optional<std::uint32_t> ForeignReader::video_track() const {
  for (std::uint32_t i = 0; i < tracks_.size(); ++i) {
    if (tracks_[i].kind == TrackKind::video && codec_of(tracks_[i])) return i;
  }
  return std::nullopt;
}

Result<std::optional<Record>> ForeignReader::next() {
  if (!child_) return std::optional<Record>();
  std::uint8_t header[kRecordHeaderSize];
  CAM_TRY_STATUS(child_->read_exactly(header, sizeof header, kPatience));
  CAM_TRY(const auto record, read_record(header));
  if (record.kind == RecordKind::failure) return explain(record.packet.track);
  if (record.kind == RecordKind::end) {
    child_.reset();
    return std::optional<Record>();
  }
  if (record.kind != RecordKind::packet || record.packet.track >= tracks_.size())
    return fail(Errc::malformed, "record of the sandboxed reader");
  return std::optional<Record>(record);
}

Status ForeignReader::take_payload(std::uint8_t* data, std::size_t size) {
  if (!child_) return fail(Errc::usage, "the container was read to its end");
  return child_->read_exactly(data, size, kPatience);
}

Status ForeignReader::rewind() {
  child_.reset();
  return start();
}

Status split_sample(BytesView sample, unsigned length_size, std::vector<BytesView>& units) {
  if (length_size == 0) {
    codec::AnnexBReader reader(sample);
    while (const auto found = reader.next()) units.push_back(found->bytes);
    return ok();
  }
  std::size_t position = 0;
  while (length_size == kObus && position < sample.size()) {
    const auto rest = sample.subspan(position);
    CAM_TRY(const auto header, codec::read_obu_header(rest));
    if (header.size() > rest.size()) return fail(Errc::malformed, "unit longer than its sample");
    units.push_back(rest.first(header.size()));
    position += header.size();
  }
  while (position < sample.size()) {
    if (sample.size() - position < length_size)
      return fail(Errc::malformed, "bytes behind the last unit of a sample");
    std::size_t length = 0;
    for (unsigned i = 0; i < length_size; ++i) length = length << 8 | sample[position++];
    if (length > sample.size() - position) return fail(Errc::malformed, "unit longer than its sample");
    units.push_back(sample.subspan(position, length));
    position += length;
  }
  return ok();
}

Result<unsigned> length_size_of(const Track& track) {
  const auto codec = codec_of(track);
  if (!codec) return fail(Errc::unsupported, "not H.264, H.265 or AV1");
  if (*codec == codec::Codec::av1) return kObus;
  const auto& config = track.config;
  // ISO/IEC 14496-15, 5.3.3.1.2 and 8.3.3.1.2; anything else is a stream with start codes.
  const std::size_t place = *codec == codec::Codec::h264 ? 4 : 21;
  const bool start_codes = config.size() >= 3 && config[0] == 0 && config[1] == 0 && config[2] <= 1;
  if (config.empty() || start_codes) return 0u;
  if (config.size() <= place || config[0] > 1) return fail(Errc::malformed, "decoder configuration");
  return (config[place] & 3u) + 1u;
}

}  // namespace camvault::container
