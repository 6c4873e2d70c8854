#include "camvault/ipc/frame.h"

#include <gtest/gtest.h>

namespace camvault::ipc {
namespace {

void feed(FrameReader& frames, BytesView bytes) {
  auto room = frames.room();
  ASSERT_GE(room.size(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), room.begin());
  frames.filled(bytes.size());
}

TEST(Frames, ComeBackWholeHoweverTheStreamIsCut) {
  Bytes stream;
  ASSERT_TRUE(append_frame(stream, as_bytes("one")));
  ASSERT_TRUE(append_frame(stream, Bytes(kMaxFrame, 7)));
  ASSERT_TRUE(append_frame(stream, as_bytes("three")));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{4096}, stream.size()}) {
    FrameReader frames;
    std::vector<std::size_t> sizes;
    for (std::size_t at = 0; at < stream.size();) {
      const auto room = frames.room().size();
      ASSERT_GT(room, 0u);
      const auto count = std::min({piece, stream.size() - at, room});
      feed(frames, BytesView(stream).subspan(at, count));
      at += count;
      for (auto frame = frames.next().value(); frame; frame = frames.next().value())
        sizes.push_back(frame->size());
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{3, kMaxFrame, 5})) << piece;
    EXPECT_FALSE(frames.in_frame());
  }
}

TEST(Frames, RefusesEmptyAndOversizedOnesBeforeTheirBytesArrive) {
  FrameReader empty;
  feed(empty, Bytes{0, 0, 0, 0});
  EXPECT_EQ(empty.next().error().code, Errc::malformed);
  FrameReader large;
  feed(large, Bytes{0, 1, 0, 1});
  EXPECT_EQ(large.next().error().code, Errc::limit);
  FrameReader huge;
  feed(huge, Bytes{0xff, 0xff, 0xff, 0xff});
  EXPECT_EQ(huge.next().error().code, Errc::limit);
  Bytes out;
  EXPECT_FALSE(append_frame(out, {}));
  EXPECT_FALSE(append_frame(out, Bytes(kMaxFrame + 1)));
  EXPECT_TRUE(out.empty());
}

TEST(Frames, OverwriteWhatWasTaken) {
  FrameReader frames;
  Bytes stream;
  ASSERT_TRUE(append_frame(stream, as_bytes("a secret in a frame")));
  feed(frames, stream);
  const auto* at = frames.next().value()->data();
  frames.room();
  EXPECT_EQ(BytesView(at, 19).front(), 0);
  EXPECT_EQ(BytesView(at, 19).back(), 0);
}

}  // namespace
}  // namespace camvault::ipc
