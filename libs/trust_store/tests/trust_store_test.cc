// The folder: what goes in comes out, of the same kind; what does not belong there is never trusted and never
// silent.
#include "camvault/trust_store/trust_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "anchors.h"
#include "camvault/base/file.h"
#include "camvault/test_support/temporary_folder.h"
#include "camvault/trust_store/location.h"

namespace camvault::trust_store {
namespace {

using namespace test;
namespace fs = std::filesystem;

class TrustStoreTest : public testing::Test {
 protected:
  Status add(const Anchor& anchor) {
    return store_.add(anchor, crypto_openssl::certificate_pem(anchor.certificate));
  }
  fs::path file_of(const Anchor& anchor) const {
    return store_.folder() / (std::string(to_string(anchor.kind)) + "s") /
           (anchor.certificate.sha256 + ".pem");
  }

  test_support::TemporaryFolder folder_;
  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  TrustStore store_{folder_ / "deep/trust", *engine_};
  Anchor maker_ = make_anchor("maker root", Kind::maker);
  Anchor owner_ = make_anchor("owner root", Kind::owner);
  Anchor tsa_ = make_anchor("time root", Kind::tsa);
};

TEST_F(TrustStoreTest, KindsStayApart) {
  EXPECT_FALSE(store_.exists());
  EXPECT_EQ(store_.load().error().code, Errc::not_found);
  for (const auto* anchor : {&maker_, &owner_, &tsa_}) ASSERT_TRUE(add(*anchor));
  const auto content = store_.load().value();
  EXPECT_EQ(content.anchors.size(), 3u);
  EXPECT_TRUE(content.damaged.empty());
  ASSERT_EQ(content.of(Kind::maker).size(), 1u);
  EXPECT_EQ(content.of(Kind::maker).front().der, maker_.certificate.der);
  EXPECT_EQ(content.of(Kind::owner).front().der, owner_.certificate.der);
  EXPECT_EQ(content.of(Kind::tsa).front().der, tsa_.certificate.der);
}

TEST_F(TrustStoreTest, AddingAgainChangesTheLabelAlone) {
  ASSERT_TRUE(add(maker_));
  auto again = maker_;
  again.label = "another name";
  again.added = from_iso8601("2027-01-01").value();
  ASSERT_TRUE(add(again));
  const auto content = store_.load().value();
  ASSERT_EQ(content.anchors.size(), 1u);
  EXPECT_EQ(content.anchors[0].label, "another name");
  EXPECT_EQ(content.anchors[0].added, maker_.added);
}

TEST_F(TrustStoreTest, RemovesByFingerprintAndKind) {
  for (const auto* anchor : {&maker_, &owner_}) ASSERT_TRUE(add(*anchor));
  auto same_as_tsa = maker_;
  same_as_tsa.kind = Kind::tsa;
  ASSERT_TRUE(add(same_as_tsa));
  const auto fingerprint = maker_.certificate.sha256;
  EXPECT_EQ(store_.remove(fingerprint.substr(0, 7), {}).error().code, Errc::usage);
  EXPECT_EQ(store_.remove("not hex at all", {}).error().code, Errc::usage);
  EXPECT_EQ(store_.remove("../" + fingerprint, {}).error().code, Errc::usage);
  EXPECT_EQ(store_.remove(fingerprint, Kind::owner).error().code, Errc::not_found);
  EXPECT_EQ(store_.remove(std::string(64, '0'), {}).error().code, Errc::not_found);
  EXPECT_EQ(store_.remove(fingerprint.substr(0, 12), Kind::tsa)->size(), 1u);
  EXPECT_EQ(store_.load()->anchors.size(), 2u);
  EXPECT_EQ(store_.remove(fingerprint, {})->front().label, "maker root");
  EXPECT_EQ(store_.load()->anchors.size(), 1u);
  EXPECT_EQ(store_.remove(fingerprint, {}).error().code, Errc::not_found);
}

TEST_F(TrustStoreTest, WhatDoesNotBelongThereIsNamedAndNotTrusted) {
  ASSERT_TRUE(add(maker_));
  ASSERT_TRUE(add(owner_));
  const auto makers = store_.folder() / "makers";
  const auto content_of_maker = read_file(file_of(maker_), 1 << 20).value();
  const auto text = as_text(content_of_maker);
  const auto put = [&](const std::string& name, std::string_view content) {
    ASSERT_TRUE(write_file_atomically(makers / name, as_bytes(content)));
  };
  const std::string zeros(64, '0');
  put("root.pem", text);                           // a person copied it there
  put(zeros + ".pem", text);                       // another certificate's name
  put(std::string(64, '1') + ".pem", "nonsense");  // half a disk
  ASSERT_EQ(::mkfifo((makers / (std::string(64, '2') + ".pem")).c_str(), 0600), 0);  // would block a reader
  fs::create_directory(makers / (std::string(64, '3') + ".pem"));
  fs::create_symlink("/etc/passwd", makers / (std::string(64, '4') + ".pem"));
  put(".left-over", "half written");
  const auto content = store_.load().value();
  EXPECT_EQ(content.of(Kind::maker).size(), 1u);
  EXPECT_EQ(content.of(Kind::owner).size(), 1u);
  EXPECT_EQ(content.damaged.size(), 6u);
}

TEST_F(TrustStoreTest, LeftoversAreSweptWhenTheyAreOld) {
  ASSERT_TRUE(add(maker_));
  const auto fresh = store_.folder() / "makers/.fresh";
  const auto old = store_.folder() / "makers/.old";
  for (const auto& file : {fresh, old}) ASSERT_TRUE(write_file_atomically(file, as_bytes("x")));
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  ASSERT_TRUE(add(make_anchor("next", Kind::maker)));
  EXPECT_TRUE(fs::exists(fresh));  // somebody may be writing it
  EXPECT_FALSE(fs::exists(old));
}

TEST_F(TrustStoreTest, RefusesWhatItCouldNotReadBack) {
  auto bad = maker_;
  bad.label = "two\nlines";
  EXPECT_EQ(add(bad).error().code, Errc::usage);
  const auto pem = crypto_openssl::certificate_pem(owner_.certificate);
  EXPECT_EQ(store_.add(maker_, pem).error().code, Errc::usage);
  EXPECT_EQ(store_.add(maker_, "no certificate").error().code, Errc::usage);
  EXPECT_EQ(store_.add(owner_, pem + pem).error().code, Errc::usage);
  EXPECT_EQ(TrustStore({}, *engine_).add(maker_, pem).error().code, Errc::usage);
}

TEST(Location, FollowsTheXdgSpecification) {
  std::map<std::string, std::string> variables;
  const Environment environment = [&](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
  EXPECT_EQ(default_location(environment), "");
  variables["HOME"] = "/h/ann";
  EXPECT_EQ(default_location(environment), "/h/ann/.config/camvault/trust");
  variables["XDG_CONFIG_HOME"] = "relative";
  EXPECT_EQ(default_location(environment), "/h/ann/.config/camvault/trust");
  variables["XDG_CONFIG_HOME"] = "/cfg";
  EXPECT_EQ(default_location(environment), "/cfg/camvault/trust");
  variables["CAMVAULT_TRUST"] = "/elsewhere";
  EXPECT_EQ(default_location(environment), "/elsewhere");
  variables["CAMVAULT_TRUST"] = "";
  EXPECT_EQ(default_location(environment), "");
}

}  // namespace
}  // namespace camvault::trust_store
