// AX-4.1-2: what we pack others unpack; what others pack is refused unless it is as we pack it.
#include "camvault/evidence/zip.h"

#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::evidence {
namespace {

struct ZipTest : testing::Test {
  void SetUp() override {
    folder.write("clip.mp4", std::string(20'000, 'v'));
    std::filesystem::create_directories(folder / "certificates");
    folder.write("certificates/chain.pem", "pem");
    folder.write("empty.txt", "");
    ASSERT_TRUE(write_zip(folder / "out.zip", folder.path(),
                          {"clip.mp4", "certificates/chain.pem", "empty.txt"},
                          from_unix_seconds(1'780'000'000)));
    bytes = read_file(folder / "out.zip", 1 << 20).value();
  }
  Status unpack(const Bytes& zip) {
    const test_support::TemporaryFolder out;
    folder.write("in.zip", std::string(as_text(zip)));
    return unpack_zip(folder / "in.zip", out.path());
  }
  test_support::TemporaryFolder folder;
  Bytes bytes;
};

TEST_F(ZipTest, ComesBackAndOthersReadIt) {
  EXPECT_TRUE(looks_like_zip(folder / "out.zip"));
  const test_support::TemporaryFolder out;
  ASSERT_TRUE(unpack_zip(folder / "out.zip", out.path()));
  EXPECT_EQ(out.read("certificates/chain.pem"), "pem");
  EXPECT_EQ(out.read("clip.mp4").size(), 20'000u);
  EXPECT_EQ(out.read("empty.txt"), "");
  const auto python = test_support::run_program(
      {"python3", "-c",
       "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; i=z.infolist(); "
       "assert [m.filename for m in i]==['clip.mp4','certificates/chain.pem','empty.txt']; assert "
       "i[0].date_time==(2026,5,28,20,26,40), i[0].date_time",
       (folder / "out.zip").string()});
  EXPECT_EQ(python.exit_code, 0) << python.output;
}

TEST_F(ZipTest, EveryChangedByteOfContentAndDirectoryIsFound) {
  int accepted = 0;
  for (std::size_t i = 0; i < bytes.size();
       i = i < 200 || i + 400 >= bytes.size() ? i + 1 : std::min(i + 997, bytes.size() - 400)) {
    auto changed = bytes;
    changed[i] ^= 0x10;
    accepted += unpack(changed) ? 1 : 0;
  }
  // Times, versions and attributes say nothing about the content.
  // Per member: who made it (2 bytes), disk and attributes (8); of the end: disks, and one of the two counts.
  // They say nothing about the content.
  EXPECT_TRUE(unpack(bytes));
  EXPECT_EQ(accepted, 3 * 10 + 6 + 2);
  for (const std::size_t size : {std::size_t{0}, std::size_t{21}, bytes.size() / 2, bytes.size() - 1})
    EXPECT_FALSE(unpack(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
}

TEST_F(ZipTest, MembersAreReadInPlace) {
  const auto members = read_zip(bytes);
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 3u);
  EXPECT_EQ(members->at(0).name, "clip.mp4");
  EXPECT_EQ(members->at(1).content.data(), bytes.data() + 30 + 8 + 20'000 + 30 + 22);
  EXPECT_EQ(as_text(members->at(1).content), "pem");
  EXPECT_TRUE(members->at(2).content.empty());
  auto extra = bytes;
  extra.insert(extra.end() - 22, 0);  // behind the last entry of the directory, which is a byte longer
  ++extra[extra.size() - 10];
  EXPECT_EQ(read_zip(extra).error().code, Errc::malformed);
}

TEST_F(ZipTest, ArchivesOfOthersAreRefused) {
  for (const char* how : {"z.writestr('../evil', 'x')", "z.writestr('/evil', 'x')",
                          "z.writestr('a', 'x'*9999, zipfile.ZIP_DEFLATED)"}) {
    const auto path = (folder / "evil.zip").string();
    ASSERT_EQ(
        test_support::run_program(
            {"python3", "-c",
             std::string("import sys,zipfile; z=zipfile.ZipFile(sys.argv[1],'w'); ") + how + "; z.close()",
             path})
            .exit_code,
        0);
    const test_support::TemporaryFolder out;
    EXPECT_FALSE(unpack_zip(path, out.path())) << how;
    EXPECT_TRUE(std::filesystem::is_empty(out.path())) << how;
  }
}

}  // namespace
}  // namespace camvault::evidence
