// AX-4.1-2: a bundle is checked by everybody's sha256sum, and by us.
#include "camvault/evidence/checksums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::evidence {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Checksums, FolderIsCheckedByUsAndBySha256sum) {
  const auto engine = crypto_openssl::make_openssl_engine();
  const test_support::TemporaryFolder folder;
  folder.write("clip.mp4", "video");
  folder.write("report.json", "{}");
  std::vector<Checksum> sums;
  for (const auto* name : {"clip.mp4", "report.json"})
    sums.push_back({name, sha256_of_file(*engine, folder / name).value()});
  folder.write("SHA256SUMS", write_checksums(sums));
  const auto read = read_checksums(write_checksums(sums)).value();
  EXPECT_THAT(check_folder(*engine, folder.path(), read).value(), IsEmpty());
  EXPECT_EQ(
      test_support::run_program({"sh", "-c", "cd " + folder.path().string() + " && sha256sum -c SHA256SUMS"})
          .exit_code,
      0);
  folder.write("clip.mp4", "other");
  folder.write("extra.txt", "");
  std::filesystem::remove(folder / "report.json");
  EXPECT_THAT(check_folder(*engine, folder.path(), read).value(),
              ElementsAre("clip.mp4: changed", "extra.txt: not listed", "report.json: missing"));
  std::filesystem::remove(folder / "clip.mp4");
  std::filesystem::create_symlink("/etc/hostname", folder / "clip.mp4");
  EXPECT_THAT(check_folder(*engine, folder.path(), read).value(), testing::Contains("clip.mp4: missing"));
}

TEST(Checksums, NamesThatLeaveTheFolderAreRefused) {
  const std::string sum(64, 'a');
  EXPECT_TRUE(read_checksums(sum + "  certificates/chain.pem\n"));
  for (const auto* name : {"/etc/passwd", "../x", "a/../b", ".hidden", "a//b", "a/", "", "a b", "a\\b"})
    EXPECT_FALSE(read_checksums(sum + "  " + name + "\n")) << name;
  EXPECT_FALSE(read_checksums(sum + "  a\n" + sum + "  a\n"));
  EXPECT_FALSE(read_checksums(sum + "  a"));
  EXPECT_FALSE(read_checksums(sum + " a\n"));
  EXPECT_FALSE(read_checksums(std::string(64, 'x') + "  a\n"));
}

}  // namespace
}  // namespace camvault::evidence
