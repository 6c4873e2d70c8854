// CMS SignedData (RFC 5652) of one signer with SHA-2: what signed messages and detached signatures share.
#pragma once

#include "camvault/crypto/engine.h"
#include "camvault/crypto/key.h"
#include "camvault/crypto_openssl/signed_message.h"

namespace camvault::crypto_openssl {

enum class Placement : std::uint8_t { attached, detached };
using SignedData = SignedMessage;

Result<Bytes> make_signed_data(crypto::SigningKey& key, const std::vector<crypto::Certificate>& chain,
                               BytesView content, std::string_view content_type, Placement placement,
                               Timestamp at);
// `beside`: what a detached signature is of.
Result<SignedData> check_signed_data(const crypto::Engine& engine, BytesView message, Placement placement,
                                     BytesView beside = {});

}  // namespace camvault::crypto_openssl
