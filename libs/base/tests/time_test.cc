#include "camvault/base/time.h"

#include <gtest/gtest.h>

#include <limits>

namespace camvault {
namespace {

TEST(Iso8601, WritesAndReads) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2026-11-21T10:00:00.04Z", "2000-02-29T23:59:59.9999999Z",
                           "1601-01-01T00:00:02Z", "9999-12-31T23:59:59Z", "0000-03-01T00:00:00Z"}) {
    const auto time = from_iso8601(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(to_iso8601(*time), text);
  }
  EXPECT_EQ(from_iso8601("2027-01-01").value(), from_unix_seconds(1798761600));
}

TEST(Iso8601, RefusesNeighbours) {
  for (const char* text :
       {"", "2026", "2026-13-01", "2026-02-29", "2026-11-21T24:00:00Z", "2026-11-21T10:00:00",
        "2026-11-21T10:00:00+01:00", "2026-11-21T10:00:00.Z", "2026-11-21T10:00:00Zx"}) {
    EXPECT_FALSE(from_iso8601(text)) << text;
  }
}

TEST(Iso8601, WritesTheEndsOfTime) {
  EXPECT_EQ(to_iso8601(Timestamp::min()).front(), '-');
  EXPECT_EQ(to_iso8601(Timestamp::max()).front(), '+');
}

}  // namespace
}  // namespace camvault
