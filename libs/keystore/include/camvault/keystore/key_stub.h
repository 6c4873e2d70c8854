// A file in place of a key, for programs that only take files: PEM with the key's name, and nothing else.
// Public.
//
//   -----BEGIN CAMVAULT KEY-----      SEQUENCE { UTF8String "camvault", UTF8String "camera/https" }, DER
#pragma once

#include <string>

#include "camvault/base/bytes.h"
#include "camvault/keystore/key_name.h"

namespace camvault::keystore {

std::string write_key_stub(const KeyName& name);  // PEM
// Of the DER inside. Errc::malformed for everything that is no stub.
Result<KeyName> read_key_stub(BytesView der);

}  // namespace camvault::keystore
