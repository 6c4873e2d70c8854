#include "camvault/crypto_openssl/signed_message.h"

#include "signed_data.h"

namespace camvault::crypto_openssl {

Result<Bytes> sign_message(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                           BytesView content, std::string_view content_type, Timestamp at) {
  return make_signed_data(key, chain, content, content_type, Placement::attached, at);
}

Result<SignedMessage> read_signed_message(const crypto::Engine& engine, BytesView message) {
  return check_signed_data(engine, message, Placement::attached);
}

}  // namespace camvault::crypto_openssl
