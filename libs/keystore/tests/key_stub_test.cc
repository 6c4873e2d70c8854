#include "camvault/keystore/key_stub.h"

#include <gtest/gtest.h>

#include "camvault/base/pem.h"

namespace camvault::keystore {
namespace {

TEST(KeyStub, NamesOfEveryLengthComeBackAndNothingElse) {
  for (std::size_t size = 1; size <= kMaxNamePart; ++size) {
    const auto name = KeyName::make(std::string(kMaxNamePart, 'a'), std::string(size, 'b')).value();
    const auto short_name = KeyName::make("a", std::string(size, 'b')).value();
    for (const auto& one : {name, short_name}) {
      auto der = read_pem(write_key_stub(one), "CAMVAULT KEY").value().front();
      ASSERT_EQ(read_key_stub(der).value(), one);
      for (std::size_t i = 0; i < 12; ++i) {  // everything in front of the name
        auto changed = der;
        changed[i] ^= 1;
        EXPECT_FALSE(read_key_stub(changed)) << i;
      }
      EXPECT_FALSE(read_key_stub(BytesView(der).first(der.size() - 1)));
      der.push_back('c');
      EXPECT_FALSE(read_key_stub(der));
    }
  }
  EXPECT_FALSE(read_key_stub({}));
  EXPECT_FALSE(read_key_stub(from_hex("300f0c0863616d7661756c740c03612f").value()));
}

}  // namespace
}  // namespace camvault::keystore
