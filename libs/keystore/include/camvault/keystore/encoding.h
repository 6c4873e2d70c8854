// Policies and key descriptions as CBOR: one encoding for key files and for messages, with its tags. A tag,
// once used, keeps its meaning for ever. docs/formats/keystore-files.md shows it.
#pragma once

#include "camvault/codec/cbor.h"
#include "camvault/keystore/keystore.h"

namespace camvault::keystore {

namespace policy_tag {
inline constexpr std::int64_t kPurpose = 0;  // number
inline constexpr std::int64_t kSchemes = 1;  // array of numbers, ascending
inline constexpr std::int64_t kHashes = 2;   // array of numbers, ascending
inline constexpr std::int64_t kUids = 3;     // array of uids, ascending
inline constexpr std::int64_t kBackup = 4;   // true; absent otherwise
}  // namespace policy_tag

namespace key_info_tag {
inline constexpr std::int64_t kName = 0;     // "application/name"
inline constexpr std::int64_t kType = 1;     // number
inline constexpr std::int64_t kPolicy = 2;   // map
inline constexpr std::int64_t kOrigin = 3;   // number
inline constexpr std::int64_t kCreated = 4;  // seconds since 1970, not negative
inline constexpr std::int64_t kBackend = 5;  // text
}  // namespace key_info_tag

// What a backup holds, once its owner has decrypted it (docs/formats/keystore-backup.md).
namespace backup_tag {
inline constexpr std::int64_t kName = 0;     // kBackupName
inline constexpr std::int64_t kVersion = 1;  // kBackupVersion
inline constexpr std::int64_t kInfo = 2;     // key description
inline constexpr std::int64_t kKey = 3;      // bytes, as import takes them
}  // namespace backup_tag
inline constexpr std::string_view kBackupName = "camvault key backup";
inline constexpr std::uint64_t kBackupVersion = 1;

// Sealed data begins with the name of the backend that opens it: one byte of size, the name. Empty if it does
// not. Decides which queue a request waits in; what it says is authenticated later.
std::string_view backend_of_sealed(BytesView sealed);

// The readers refuse what the writers do not write (Errc::malformed): unknown tags and numbers, wrong order,
// policies that do not fit the type.
void write_policy(codec::CborWriter& out, const KeyPolicy& policy);
Result<KeyPolicy> read_policy(codec::CborReader& in);
void write_key_info(codec::CborWriter& out, const KeyInfo& info);
Result<KeyInfo> read_key_info(codec::CborReader& in);

// One registered number, as enumerator.
Result<KeyType> read_key_type(codec::CborReader& in);
Result<Purpose> read_purpose(codec::CborReader& in);
Result<crypto::SignatureScheme> read_scheme(codec::CborReader& in);
Result<crypto::HashAlg> read_hash(codec::CborReader& in);
Result<KeyName> read_key_name(codec::CborReader& in);

}  // namespace camvault::keystore
