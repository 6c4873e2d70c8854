// SP-4.2: where a signing key comes from, and what is said when it is not there.
#include "camvault/key_source/signing_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::key_source {
namespace {

using testing::HasSubstr;

Status write_text(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  return write_file_atomically(path, as_bytes(text));
}

TEST(SigningIdentity, AKeyFileSigns) {
  const test_support::TemporaryFolder folder;
  const auto key = crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
  key->private_pem_for_tests().reveal(
      [&](BytesView pem) { ASSERT_TRUE(write_text(folder.path() / "key.pem", as_text(pem))); });
  ASSERT_TRUE(write_text(folder.path() / "chain.pem", "chain\n"));
  KeySource source;
  source.key_file = folder.path() / "key.pem";
  source.chain = folder.path() / "chain.pem";
  const auto identity = open_identity(source);
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->key->spki_der(), key->spki_der());
  EXPECT_EQ(identity->chain_pem, "chain\n");
}

TEST(SigningIdentity, WhatIsMissingIsNamed) {
  const test_support::TemporaryFolder folder;
  KeySource source;
  source.root = folder.path();
  auto identity = open_identity(source);
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().code, Errc::not_found);
  EXPECT_THAT(identity.error().what, HasSubstr("media-signing-chain.pem"));
  ASSERT_TRUE(write_text(RootLayout{folder.path()}.media_signing_chain(), "chain\n"));
  identity = open_identity(source);
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().code, Errc::unavailable);
  EXPECT_THAT(identity.error().what, HasSubstr("keystored"));
  source.key = "no name";
  identity = open_identity(source);
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().code, Errc::usage);
}

}  // namespace
}  // namespace camvault::key_source
