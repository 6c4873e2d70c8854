// The units of a raw stream, and the guess which codec it is.
#include "camvault/codec/annex_b.h"
#include "clip_sources.h"

namespace camvault::codec {

namespace {

// Parameter sets come first, or after one group of pictures where a stream was cut.
constexpr std::size_t kGuessBytes = 8u << 20;
constexpr std::size_t kGuessUnits = 500;

// How well the header fits a codec: a unit that such a stream begins with in practice weighs more than all
// others.
constexpr int kCertain = 1000;
constexpr int kFits = 1;
constexpr int kDoesNotFit = -4;

bool is_h264_profile(std::uint8_t profile) {
  switch (profile) {  // ITU-T H.264, 7.3.2.1.1 and annex A
    case 44:
    case 66:
    case 77:
    case 83:
    case 86:
    case 88:
    case 100:
    case 110:
    case 118:
    case 122:
    case 128:
    case 134:
    case 135:
    case 138:
    case 139:
    case 144:
    case 244:
      return true;
    default:
      return false;
  }
}

int fit_h264(BytesView unit) {
  if ((unit[0] & 0x80) != 0) return kDoesNotFit;
  const auto type = unit[0] & 0x1f;
  const bool is_reference = (unit[0] & 0x60) != 0;
  switch (type) {
    case 7:  // profile, constraint flags with two reserved zero bits, level
      if (!is_reference || unit.size() < 4) return kDoesNotFit;
      return is_h264_profile(unit[1]) && (unit[2] & 0x03) == 0 ? kCertain : kDoesNotFit;
    case 5:
    case 8:
    case 13:
    case 15:
      return is_reference ? kFits : kDoesNotFit;
    case 6:
    case 9:
    case 10:
    case 11:
    case 12:  // 7.4.1: nal_ref_idc is 0
      return is_reference ? kDoesNotFit : kFits;
    case 1:
    case 14:
    case 20:
      return kFits;
    default:
      return kDoesNotFit;
  }
}

int fit_h265(BytesView unit) {
  if (unit.size() < 2 || (unit[0] & 0x80) != 0) return kDoesNotFit;
  const auto type = unit[0] >> 1;
  const auto layer = (unit[0] & 1) << 5 | unit[1] >> 3;
  const auto temporal_id_plus1 = unit[1] & 7;
  if (temporal_id_plus1 == 0 || layer != 0) return kDoesNotFit;
  const bool is_first_sublayer = temporal_id_plus1 == 1;
  if (type == 32) {  // VPS, 7.3.2.1: 16 reserved bits of 1 at the third byte of the payload
    const bool certain = is_first_sublayer && unit.size() >= 6 && unit[4] == 0xff && unit[5] == 0xff;
    return certain ? kCertain : kDoesNotFit;
  }
  if (type >= 16 && type <= 21) return is_first_sublayer ? kFits : kDoesNotFit;
  if (type == 33) return is_first_sublayer ? kFits : kDoesNotFit;
  if (type <= 9 || (type >= 34 && type <= 40)) return kFits;
  return kDoesNotFit;
}

class AnnexBSource final : public UnitSource {
 public:
  AnnexBSource(ClipBytes clip, std::size_t window) : window_(clip, window), size_(clip.size()) {
    info_.format = ClipFormat::annex_b;
    info_.bytes_stay = clip.in_memory();
    run_.reserve(kMaxRun);
  }

  Status open(std::optional<Codec> codec) {
    CAM_TRY_STATUS(rewind());
    if (code_ == size_) return fail(Errc::malformed, "neither MP4 nor a raw stream of H.264 or H.265");
    if (!codec) {
      Bytes keep;
      CAM_TRY(const auto beginning,
              window_.clip().read(0, std::min<std::uint64_t>(size_, kGuessBytes), keep));
      codec = guess_codec(beginning);
    }
    if (!codec) return fail(Errc::malformed, "a raw stream that looks neither like H.264 nor like H.265");
    info_.codec = *codec;
    return ok();
  }

  const ClipInfo& info() const override { return info_; }

  Result<std::span<const Unit>> read() override {
    run_.clear();
    if (!failed_) fill();
    if (run_.empty() && failed_) return tl::unexpected(*failed_);
    return std::span<const Unit>(run_);
  }

  // To the first start code: what comes before belongs to no unit.
  Status rewind() override {
    failed_.reset();
    code_ = 0;
    for (;;) {
      if (!window_.has(code_, std::min<std::uint64_t>(size_ - code_, kStartCode)))
        CAM_TRY_STATUS(window_.move(code_, 0));
      const auto rest = window_.from(code_);
      const auto found = find_start_code(rest);
      if (found < rest.size() || window_.reaches_end()) {
        code_ += found;
        return ok();
      }
      code_ += rest.size() - std::min(rest.size(), kStartCode - 1);  // it may begin here
    }
  }

 private:
  static constexpr std::size_t kStartCode = 3;

  void fill() {
    while (run_.size() < kMaxRun && code_ < size_) {
      const auto begin = code_ + kStartCode;
      // All bytes of the unit and those that end it are in memory, or it is the last one.
      if (window_.has(code_, kStartCode)) {
        const auto rest = window_.from(begin);
        const auto length = find_start_code(rest);
        if (length < rest.size() || window_.reaches_end()) {
          const auto unit = without_trailing_zeros(rest.first(length));
          if (!unit.empty()) run_.push_back({unit, begin, std::nullopt});
          code_ = begin + length;
          continue;
        }
      }
      if (!run_.empty()) return;  // the units that it has must stay where they are
      // Twice as much each time: a unit of any length costs linear time.
      const auto known = window_.has(code_, kStartCode) ? window_.end() - code_ : 0;
      if (auto moved = window_.move(code_, 2 * known); !moved) {
        failed_ = moved.error();
        return;
      }
    }
  }

  Window window_;
  std::uint64_t size_;
  std::uint64_t code_ = 0;  // the start code before the next unit; size_ at the end
  ClipInfo info_;
  std::vector<Unit> run_;
  std::optional<Error> failed_;
};

}  // namespace

std::optional<Codec> guess_codec(BytesView stream) {
  AnnexBReader reader(stream.first(std::min(stream.size(), kGuessBytes)));
  int h264 = 0;
  int h265 = 0;
  for (std::size_t i = 0; i < kGuessUnits; ++i) {
    const auto unit = reader.next();
    if (!unit) break;
    h264 += fit_h264(unit->bytes);
    h265 += fit_h265(unit->bytes);
  }
  if (h264 > h265 && h264 > 0) return Codec::h264;
  if (h265 > h264 && h265 > 0) return Codec::h265;
  return std::nullopt;
}

Result<std::unique_ptr<UnitSource>> open_annex_b(ClipBytes clip, std::optional<Codec> codec,
                                                 std::size_t window) {
  auto source = std::make_unique<AnnexBSource>(clip, window);
  CAM_TRY_STATUS(source->open(codec));
  return std::unique_ptr<UnitSource>(std::move(source));
}

}  // namespace camvault::codec
