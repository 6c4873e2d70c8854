// Units behind lengths of four bytes, big endian, and nothing else: how test vectors and other programs hand
// over raw units of any codec.
#include "camvault/base/byte_reader.h"
#include "piece_source.h"

namespace camvault::codec {

namespace {

// Larger than any picture of any level; a length beyond it is no unit, whatever the size of the file.
constexpr std::uint32_t kMaxUnit = 256U << 20;
constexpr std::size_t kLengthSize = 4;

class UnitsSource final : public PieceSource {
 public:
  UnitsSource(ClipBytes clip, Codec codec, std::size_t window) : PieceSource(clip, window, 0) {
    info_.format = ClipFormat::units;
    info_.codec = codec;
  }

 private:
  Result<bool> next() override {
    CAM_TRY(const auto head, need(kLengthSize));
    if (!head) return false;
    ByteReader in(*head);
    const auto length = in.u32();
    if (!length) return fail(Errc::malformed, "the file ends inside the length of a unit: it is cut");
    if (*length == 0) return fail(Errc::malformed, "a unit of length 0");
    if (*length > kMaxUnit) return fail(Errc::malformed, "a unit longer than 256 MB");
    if (*length > left() - kLengthSize)
      return fail(Errc::malformed, "the file ends inside a unit: it is cut");
    CAM_TRY(const auto piece, need(kLengthSize + *length));
    if (!piece) return false;
    give(piece->subspan(kLengthSize), position_ + kLengthSize, std::nullopt);
    position_ += piece->size();
    return true;
  }
};

}  // namespace

Result<std::unique_ptr<UnitSource>> open_units(ClipBytes clip, Codec codec, std::size_t window) {
  return std::unique_ptr<UnitSource>(std::make_unique<UnitsSource>(clip, codec, window));
}

}  // namespace camvault::codec
