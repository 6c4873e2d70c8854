#include "token_uri.h"

#include <gtest/gtest.h>

namespace camvault::keystore_pkcs11 {
namespace {

TokenUri::Token camera() {
  return {.label = "My camera", .serial = "00ff", .manufacturer = "Maker", .model = "M1", .slot_id = 7};
}

TEST(TokenUri, NamesATokenByWhatItSaysOfItself) {
  for (const auto* text : {"pkcs11:", "pkcs11:token=My%20camera", "pkcs11:token=My camera;serial=00ff",
                           "pkcs11:manufacturer=Maker;model=M1;slot-id=7"}) {
    const auto uri = parse_token_uri(text);
    ASSERT_TRUE(uri) << text << ": " << uri.error().what;
    EXPECT_TRUE(uri->matches(camera())) << text;
  }
  for (const auto* text : {"pkcs11:token=my camera", "pkcs11:token=My camera;serial=00fe", "pkcs11:slot-id=8",
                           "pkcs11:model=", "pkcs11:token=My%20camera%20"}) {
    const auto uri = parse_token_uri(text);
    ASSERT_TRUE(uri) << text << ": " << uri.error().what;
    EXPECT_FALSE(uri->matches(camera())) << text;
  }
}

TEST(TokenUri, RefusesPinsObjectsRepetitionsAndBadEscapes) {
  for (const auto* text : {"", "pkcs12:", "pkcs11:token", "pkcs11:object=key", "pkcs11:id=%01",
                           "pkcs11:token=a?pin-value=1234", "pkcs11:token=a;token=b", "pkcs11:slot-id=x",
                           "pkcs11:slot-id=1;slot-id=1", "pkcs11:slot-id=", "pkcs11:token=%2",
                           "pkcs11:token=%zz", "pkcs11:token=%00", "pkcs11:;token=a", "PKCS11:token=a"}) {
    EXPECT_FALSE(parse_token_uri(text)) << text;
  }
  EXPECT_TRUE(parse_token_uri("pkcs11:token=" + std::string(400, 'a')));
  EXPECT_EQ(parse_token_uri("pkcs11:token=" + std::string(600, 'a')).error().code, Errc::limit);
}

}  // namespace
}  // namespace camvault::keystore_pkcs11
