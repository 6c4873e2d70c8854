// The stream that keystored and its clients read from each other: frames, hello, requests, answers. Laws:
// frames come back whole and in order however the stream is cut; what is accepted re-encodes to itself.
#include <algorithm>

#include "camvault/ipc/frame.h"
#include "camvault/ipc/request.h"
#include "camvault/ipc/response.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::ipc;

void judge(BytesView frame) {
  if (const auto hello = decode_hello(frame)) {
    law(hello->min != 0 && hello->min <= hello->max, "a range of versions");
    law(equal(encode_hello(*hello).value(), frame), "an accepted hello re-encodes to itself");
  }
  if (const auto reply = decode_hello_reply(frame)) {
    law(equal(encode_hello_reply(*reply).value(), frame), "an accepted reply re-encodes to itself");
  }
  if (const auto request = decode_request(frame)) {
    law(equal(encode_request(*request).value(), frame), "an accepted request re-encodes to itself");
    const auto operation = static_cast<std::uint64_t>(request->operation());
    law(keystore::operation_from_number(operation).has_value(), "the operation is in the registry");
  }
  for (std::uint64_t number = 1; const auto operation = keystore::operation_from_number(number); ++number) {
    if (const auto response = decode_response(*operation, frame)) {
      law(equal(encode_response(*response).value(), frame), "an accepted answer re-encodes to itself");
      law(response_id(frame).value() == response->id, "the id is the id");
    }
  }
}

#ifdef CAMVAULT_PLANTED_BUG
// Planted: the header's four bytes forgotten when the length is compared with what is there.
unsigned planted_frame_sum(BytesView stream) {
  if (stream.size() < 5 || stream[0] != 0 || stream[1] != 0) return 0;
  const std::size_t length = std::size_t{stream[2]} << 8 | stream[3];
  if (length > stream.size()) return 0;
  unsigned sum = 0;
  for (std::size_t i = 0; i < length; ++i) sum += stream.data()[kFrameHeader + i];
  return sum;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{data[0]} * 16 + 1;  // how the stream is cut
  const BytesView stream(data + 1, size - 1);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_frame_sum(stream));
#endif
  FrameReader frames;
  Bytes seen;
  bool broken = false;
  for (std::size_t at = 0; at < stream.size() && !broken;) {
    const auto room = frames.room();
    law(!room.empty(), "there is room as long as no whole frame waits");
    const auto count = std::min({piece, room.size(), stream.size() - at});
    std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), count, room.begin());
    frames.filled(count);
    at += count;
    for (;;) {
      const auto frame = frames.next();
      broken = !frame;
      if (broken || !*frame) break;
      law(!(*frame)->empty() && (*frame)->size() <= kMaxFrame, "frames have 1 to 65536 bytes");
      judge(**frame);
      law(append_frame(seen, **frame).has_value(), "a frame can be written again");
    }
  }
  law(seen.size() <= stream.size() && std::equal(seen.begin(), seen.end(), stream.begin()),
      "frames in order, nothing lost");
  return 0;
}
