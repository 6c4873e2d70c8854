// Keys in this process: OpenSSL objects in a locked heap, closed by the root key on disk.
#pragma once

#include <memory>
#include <string>

#include "camvault/keystore_engine/backend.h"

namespace camvault::keystore_software {

// Puts private key numbers into memory of their own: locked, not in core dumps, guarded by unmapped pages.
// Call once, before any key exists. False if the system did not allow it; keys then live in ordinary memory.
bool use_locked_heap();

// `name`: what key files call it.
std::shared_ptr<keystore_engine::Backend> make_software_backend(std::string name = "software");

crypto::Digest sha256(BytesView message);  // for EngineConfig

// For keystore_engine::EngineConfig: CMS AuthEnvelopedData with AES-256-GCM (RFC 5083, 5084) for the key of
// an X.509 certificate: RSA (OAEP) or an elliptic curve (RFC 5753). DER. Errc::usage if it is none of these.
Result<Bytes> encrypt_to_owner(BytesView certificate_der, const Secret& plain);
// One certificate, PEM or DER, that encrypt_to_owner can use: its DER. Errc::usage otherwise.
Result<Bytes> read_owner_certificate(BytesView pem_or_der);

// The other way, where the owner is: `certificate` and `private_key` are his, PEM (the key not encrypted).
// What was changed, or is for another owner, is Errc::invalid.
Result<Secret> decrypt_as_owner(BytesView message, BytesView certificate, const Secret& private_key);

}  // namespace camvault::keystore_software
