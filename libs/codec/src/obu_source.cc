// AV1 as bare OBUs (AV1 specification 5.2) or in IVF, whose frames are temporal units.
#include <algorithm>
#include <limits>

#include "camvault/codec/obu.h"
#include "piece_source.h"

namespace camvault::codec {

namespace {

constexpr std::size_t kIvfHeader = 32;
constexpr std::size_t kIvfFrameHeader = 12;
constexpr std::size_t kLongestObuHeader = 10;  // header, extension, size of eight bytes

std::uint64_t little_endian(BytesView bytes) {
  std::uint64_t value = 0;
  for (auto i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

class ObuSource : public PieceSource {
 public:
  ObuSource(ClipBytes clip, std::size_t window, std::uint64_t begin = 0) : PieceSource(clip, window, begin) {
    info_.format = ClipFormat::obu;
    info_.codec = Codec::av1;
  }

 protected:
  // One OBU, which ends before `end`.
  Result<bool> next_obu(std::uint64_t end, std::optional<Timestamp> time) {
    const auto most = end - position_;
    CAM_TRY(const auto head, need(std::min<std::uint64_t>(most, kLongestObuHeader)));
    if (!head) return false;
    CAM_TRY(auto header, read_obu_header(*head));
    // Without a size it is the last of its temporal unit, which only IVF says.
    if (!header.has_size && info_.format == ClipFormat::obu)
      return fail(Errc::malformed, "AV1: an OBU without a size in a stream of OBUs");
    const auto size = header.has_size ? std::uint64_t{header.size()} : most;
    if (size > most) return fail(Errc::malformed, "AV1: the stream ends inside an OBU: it is cut");
    CAM_TRY(const auto obu, need(size));
    if (!obu) return false;
    give(*obu, position_, time);
    position_ += size;
    return true;
  }

  Result<bool> next() override { return next_obu(position_ + left(), std::nullopt); }
};

class IvfSource final : public ObuSource {
 public:
  // Frame times are in units of numerator / denominator seconds.
  IvfSource(ClipBytes clip, std::size_t window, BytesView head) : ObuSource(clip, window, kIvfHeader) {
    const auto number = [&](std::size_t at, std::size_t size) {
      return little_endian(head.subspan(at, size));
    };
    info_.format = ClipFormat::ivf;
    info_.width = static_cast<std::uint32_t>(number(12, 2));
    info_.height = static_cast<std::uint32_t>(number(14, 2));
    denominator_ = number(16, 4);
    numerator_ = number(20, 4);
    info_.timescale = static_cast<std::uint32_t>(denominator_);
  }

  Status rewind() override {
    end_ = 0;
    return ObuSource::rewind();
  }

 private:
  Result<bool> next() override {
    if (position_ < end_) return next_obu(end_, time_);
    CAM_TRY(const auto header, need(kIvfFrameHeader));
    if (!header) return false;
    if (header->size() < kIvfFrameHeader)
      return fail(Errc::malformed, "IVF: the file ends inside a frame header: it is cut");
    const auto size = little_endian(header->first(4));
    if (size > left() - kIvfFrameHeader)
      return fail(Errc::malformed, "IVF: the file ends inside a frame: it is cut");
    time_ = time_of(little_endian(header->subspan(4)));
    position_ += kIvfFrameHeader;
    end_ = position_ + size;
    return true;
  }

  std::optional<Timestamp> time_of(std::uint64_t pts) const {
    constexpr std::uint64_t kTicksPerSecond = 10'000'000;
    // A frame rate whose steps are too large for our clock has no times.
    if (denominator_ == 0 || pts > std::numeric_limits<std::uint32_t>::max() || numerator_ > 100)
      return std::nullopt;
    const auto steps = pts * numerator_;
    return Timestamp(Ticks(static_cast<std::int64_t>(steps / denominator_ * kTicksPerSecond +
                                                     steps % denominator_ * kTicksPerSecond / denominator_)));
  }

  std::uint64_t denominator_ = 0;
  std::uint64_t numerator_ = 0;
  std::uint64_t end_ = 0;  // of the running frame
  std::optional<Timestamp> time_;
};

}  // namespace

bool looks_like_obus(BytesView file) {
  const auto header = read_obu_header(file);
  return header && header->type == ObuType::temporal_delimiter && header->has_size &&
         header->payload_size == 0 && (file[0] & 1) == 0;
}

Result<std::unique_ptr<UnitSource>> open_obus(ClipBytes clip, std::size_t window) {
  return std::unique_ptr<UnitSource>(std::make_unique<ObuSource>(clip, window));
}

bool looks_like_ivf(BytesView file) {
  return file.size() >= kIvfHeader && as_text(file.first(4)) == "DKIF";
}

Result<std::unique_ptr<UnitSource>> open_ivf(ClipBytes clip, BytesView head, std::size_t window) {
  if (as_text(head.subspan(8, 4)) != "AV01") return fail(Errc::unsupported, "IVF: only AV1 is supported");
  if (little_endian(head.subspan(6, 2)) != kIvfHeader)
    return fail(Errc::malformed, "IVF: length of the header");
  return std::unique_ptr<UnitSource>(std::make_unique<IvfSource>(clip, window, head));
}

}  // namespace camvault::codec
