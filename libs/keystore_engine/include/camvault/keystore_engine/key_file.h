// The file of one key: what the engine knows about it in clear, authenticated, and the backend's handle
// sealed. docs/formats/keystore-files.md describes every byte.
#pragma once

#include <optional>
#include <string>

#include "camvault/base/bytes.h"
#include "camvault/keystore/keystore.h"

namespace camvault::keystore_engine {

// Tags of the CBOR maps in a key file. A tag, once used, keeps its meaning for ever.
namespace key_file_tag {
inline constexpr std::int64_t kVersion = 0;   // outer map
inline constexpr std::int64_t kMetadata = 1;  // byte string that holds the inner map
inline constexpr std::int64_t kSealed = 2;    // byte string

inline constexpr std::int64_t kInfo = 0;  // inner map: keystore/encoding.h
inline constexpr std::int64_t kSpki = 1;  // byte string, empty for symmetric keys
}  // namespace key_file_tag

inline constexpr std::uint64_t kKeyFileVersion = 1;

struct KeyRecord {
  keystore::KeyInfo info;
  Bytes spki;
};

struct KeyFile {
  KeyRecord record;
  Bytes metadata;  // as read: what is authenticated is never encoded anew
  Bytes sealed;
};

Result<Bytes> encode_metadata(const KeyRecord& record);
Result<KeyRecord> decode_metadata(BytesView metadata);

Result<Bytes> encode_key_file(BytesView metadata, BytesView sealed);
// Errc::malformed for everything that encode_key_file does not write, Errc::unsupported for another version.
Result<KeyFile> decode_key_file(BytesView file);

// What seals a key to its metadata: text, version, metadata.
Bytes additional_data(BytesView metadata);

// "application@name.key"; '@' is in no name. Nothing for a file name that is not of this form.
std::string file_name_of(const keystore::KeyName& name);
std::optional<keystore::KeyName> key_name_of(std::string_view file_name);

}  // namespace camvault::keystore_engine
