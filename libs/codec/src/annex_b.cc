#include "camvault/codec/annex_b.h"

#include "camvault/codec/unit.h"
#include "zero_pair.h"

namespace camvault::codec {

std::size_t find_start_code(BytesView bytes, std::size_t from) {
  const auto* data = bytes.data();
  const std::size_t size = bytes.size();
  if (size < 3) return size;
  const std::size_t last = size - 3;  // where a start code can begin at most
  std::size_t at = from;
  while (at <= last) {
    while (size - at > kPairBlock && !has_zero_pair(data + at)) at += kPairBlock;
    // A pair is near, or the end. A start code that begins in these bytes may end after them.
    const std::size_t stop = size - at > kPairBlock ? at + kPairBlock : last + 1;
    while (at < stop && at <= last) {
      if (data[at + 2] > 1) {
        at += 3;  // no start code begins at at, at + 1 or at + 2
      } else if (data[at] == 0 && data[at + 1] == 0 && data[at + 2] == 1) {
        return at;
      } else {
        ++at;
      }
    }
  }
  return size;
}

AnnexBReader::AnnexBReader(BytesView stream) : stream_(stream), position_(find_start_code(stream)) {}

std::optional<AnnexBReader::Found> AnnexBReader::next() {
  while (position_ < stream_.size()) {
    const std::size_t begin = position_ + 3;
    position_ = find_start_code(stream_, begin);
    const auto unit = without_trailing_zeros(stream_.subspan(begin, position_ - begin));
    if (!unit.empty()) return Found{unit, begin};
  }
  return std::nullopt;
}

}  // namespace camvault::codec
