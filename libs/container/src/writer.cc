#include "camvault/container/writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "av_muxer.h"
#include "camvault/codec/annex_b.h"
#include "camvault/codec/obu.h"
#include "mp4_index.h"
#include "output_file.h"
#include "video_track.h"

namespace camvault::container {

namespace {

std::string extension_of(const std::filesystem::path& path) {
  auto text = path.extension().string();
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Status sync_file(int fd) {
  if (::fdatasync(fd) != 0) return fail(Errc::io, "cannot sync the file: " + errno_text(errno));
  return ok();
}

// MP4 and Matroska. The header is written with the first access unit, which holds the parameter sets.
class ContainerWriter final : public ClipWriter {
 public:
  ContainerWriter(UniqueFd file, const WriterOptions& options) : file_(std::move(file)), options_(options) {}

  Status write(const AccessUnit& access_unit) override {
    if (finished_) return fail(Errc::usage, "the file is finished");
    if (access_unit.units.empty()) return fail(Errc::usage, "access unit without units");
    if (!muxer_) CAM_TRY_STATUS(begin(access_unit));
    sample_.clear();
    CAM_TRY_STATUS(append_with_lengths(sample_, access_unit.units));
    Packet packet;
    packet.pts = access_unit.pts;
    packet.dts = access_unit.dts;
    if (last_dts_ && access_unit.dts > *last_dts_) step_ = access_unit.dts - *last_dts_;
    last_dts_ = access_unit.dts;
    packet.duration = access_unit.duration > 0 ? access_unit.duration : step_;
    packet.keyframe = access_unit.keyframe;
    packet.data = sample_;
    return muxer_->write(packet);
  }

  Status finish() override {
    if (finished_) return fail(Errc::usage, "the file is finished");
    finished_ = true;
    if (!muxer_) return fail(Errc::usage, "no picture was written");
    CAM_TRY(auto file, muxer_->finish());
    if (options_.format == FileFormat::mp4 && options_.index_at_end)
      CAM_TRY_STATUS(add_mp4_index(file.get()));
    return sync_file(file.get());
  }

  std::uint64_t bytes_written() const override { return muxer_ ? muxer_->bytes_written() : 0; }

 private:
  Status begin(const AccessUnit& access_unit) {
    ParameterSets sets(options_.codec);
    for (const auto unit : access_unit.units) CAM_TRY_STATUS(sets.add(unit));
    CAM_TRY(const auto track, make_video_track(options_.codec, sets, options_.timescale));
    CAM_TRY(auto muxer, AvMuxer::create(std::move(file_), {&track, 1}, {options_.format, true}));
    muxer_.emplace(std::move(muxer));
    return ok();
  }

  UniqueFd file_;
  WriterOptions options_;
  std::optional<AvMuxer> muxer_;
  Bytes sample_;
  std::optional<std::int64_t> last_dts_;
  std::int64_t step_ = 0;
  bool finished_ = false;
};

// Raw streams: units behind start codes, or OBUs (AV1 specification 5.2) with a temporal delimiter before
// each temporal unit.
class RawWriter final : public ClipWriter {
 public:
  RawWriter(UniqueFd file, bool obus) : file_(std::move(file)), obus_(obus) {}

  Status write(const AccessUnit& access_unit) override {
    if (finished_) return fail(Errc::usage, "the file is finished");
    if (obus_) {
      CAM_TRY_STATUS(add_obus(access_unit));
      return buffer_.size() < kSpill ? ok() : flush();
    }
    for (const auto unit : access_unit.units) {
      if (unit.empty()) return fail(Errc::unsupported, "an empty unit cannot be written as Annex B");
      if (codec::find_start_code(unit) < unit.size()) {
        return fail(Errc::unsupported,
                    "a unit holds a start code (SEI without emulation prevention): write MP4 or Matroska");
      }
      append_with_start_code(buffer_, unit);
    }
    return buffer_.size() < kSpill ? ok() : flush();
  }

  Status finish() override {
    if (finished_) return fail(Errc::usage, "the file is finished");
    finished_ = true;
    CAM_TRY_STATUS(flush());
    return sync_file(file_.get());
  }

  std::uint64_t bytes_written() const override { return written_ + buffer_.size(); }

 private:
  static constexpr std::size_t kSpill = 256 * 1024;

  Status add_obus(const AccessUnit& access_unit) {
    constexpr std::uint8_t kDelimiter[] = {0x12, 0x00};
    if (access_unit.units.empty()) return ok();
    const auto first = codec::read_obu_header(access_unit.units.front());
    const bool has_delimiter = first && first->type == codec::ObuType::temporal_delimiter;
    if (!has_delimiter && !access_unit.continues) append(buffer_, kDelimiter);
    for (const auto unit : access_unit.units) {
      const auto header = codec::read_obu_header(unit);
      if (!header || !header->has_size || header->size() != unit.size())
        return fail(Errc::unsupported, "an OBU without its size cannot be written into a raw stream");
      append(buffer_, unit);
    }
    return ok();
  }

  Status flush() {
    BytesView left = buffer_;
    while (!left.empty()) {
      const auto n = ::write(file_.get(), left.data(), left.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail(Errc::io, "cannot write the file: " + errno_text(errno));
      left = left.subspan(static_cast<std::size_t>(n));
    }
    written_ += buffer_.size();
    buffer_.clear();
    return ok();
  }

  UniqueFd file_;
  bool obus_;
  Bytes buffer_;
  std::uint64_t written_ = 0;
  bool finished_ = false;
};

}  // namespace

std::string_view to_string(FileFormat format) {
  switch (format) {
    case FileFormat::mp4:
      return "MP4";
    case FileFormat::matroska:
      return "Matroska";
    case FileFormat::annex_b:
      return "Annex B";
    case FileFormat::obu:
      return "OBUs";
  }
  return "?";
}

Result<FileFormat> format_of_name(const std::filesystem::path& path) {
  const auto extension = extension_of(path);
  if (extension == ".mp4" || extension == ".m4v" || extension == ".mov") return FileFormat::mp4;
  if (extension == ".mkv") return FileFormat::matroska;
  if (extension == ".obu") return FileFormat::obu;
  if (codec_of_name(path)) return FileFormat::annex_b;
  return fail(Errc::usage,
              path.filename().string() + ": the name must end in .mp4, .mkv, .h264, .h265 or .obu");
}

std::optional<codec::Codec> codec_of_name(const std::filesystem::path& path) {
  const auto extension = extension_of(path);
  if (extension == ".h264" || extension == ".264" || extension == ".avc") return codec::Codec::h264;
  if (extension == ".obu") return codec::Codec::av1;
  if (extension == ".h265" || extension == ".265" || extension == ".hevc") return codec::Codec::h265;
  return std::nullopt;
}

Result<std::unique_ptr<ClipWriter>> create_clip(const std::filesystem::path& path,
                                                const WriterOptions& options) {
  CAM_TRY(auto file, create_output(path));
  if (options.format == FileFormat::annex_b || options.format == FileFormat::obu)
    return std::unique_ptr<ClipWriter>(new RawWriter(std::move(file), options.format == FileFormat::obu));
  if (options.codec == codec::Codec::av1)
    return fail(Errc::unsupported,
                "AV1 is written as a raw stream (.obu) only, or copied from another container");
  return std::unique_ptr<ClipWriter>(new ContainerWriter(std::move(file), options));
}

}  // namespace camvault::container
