// Writing video clips: MP4, Matroska and raw Annex B. The bytes of every NAL unit are stored exactly as given
// and in the order given: with a length of four bytes in front (MP4, Matroska) or a start code (Annex B).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "camvault/base/bytes.h"
#include "camvault/codec/unit.h"

namespace camvault::container {

enum class FileFormat : std::uint8_t { mp4, matroska, annex_b, obu };
std::string_view to_string(FileFormat format);

// By file name: .mp4 .m4v .mov | .mkv | .h264 .264 .avc .h265 .265 .hevc | .obu (.bin, .bit are refused: no
// guessing).
Result<FileFormat> format_of_name(const std::filesystem::path& path);
// The codec that a raw stream's name promises; none for containers.
std::optional<codec::Codec> codec_of_name(const std::filesystem::path& path);

struct WriterOptions {
  FileFormat format = FileFormat::mp4;
  codec::Codec codec = codec::Codec::h264;
  std::uint32_t timescale = 90'000;  // ticks per second of `pts` and `dts`
  // MP4 is written in fragments, one per GOP, so that the file of a killed recorder plays up to its last
  // fragment. finish() then adds one index over the whole file in place, which turns it into an ordinary MP4
  // for players that know nothing of fragments. False keeps the fragments (a stream that others read while it
  // grows).
  bool index_at_end = true;
};

// One picture.
struct AccessUnit {
  std::span<const BytesView> units;  // without start codes or lengths; at least one
  std::int64_t pts = 0;              // presentation and decoding time in ticks
  std::int64_t dts = 0;              // grows from one access unit to the next
  std::int64_t duration = 0;         // ticks; 0 = until the next one
  bool keyframe = false;             // decoding can start here
  bool continues = false;            // raw streams: the units belong to the access unit before
};

// One video track, one file, one thread. The first access unit must hold the parameter sets (the container's
// header is made from them; they stay in the stream as well). What was written before an error or a kill
// stays readable as described above. A writer that is destroyed without finish() leaves the file as a kill
// would.
class ClipWriter {
 public:
  virtual ~ClipWriter() = default;
  virtual Status write(const AccessUnit& access_unit) = 0;
  // Writes what is left and syncs the file to the disk. Nothing can be written afterwards.
  virtual Status finish() = 0;
  virtual std::uint64_t bytes_written() const = 0;
};

// Replaces a file that is there. AV1 is written as a raw stream (obu) only; rewrite_clip() copies AV1 in
// containers. Annex B refuses units that hold a start code (SEIs written without emulation
// prevention can): they would be read back as other units.
Result<std::unique_ptr<ClipWriter>> create_clip(const std::filesystem::path& path,
                                                const WriterOptions& options);

}  // namespace camvault::container
