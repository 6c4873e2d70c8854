#include "camvault/keystore_engine/key_file.h"

#include "camvault/codec/cbor.h"
#include "camvault/keystore/encoding.h"

namespace camvault::keystore_engine {

using codec::CborReader;
using codec::CborWriter;

namespace {
constexpr std::string_view kContext = "camvault key file";
constexpr std::string_view kSuffix = ".key";
}  // namespace

Result<Bytes> encode_metadata(const KeyRecord& record) {
  CborWriter out;
  out.begin_map();
  out.key(key_file_tag::kInfo);
  keystore::write_key_info(out, record.info);
  out.bytes(key_file_tag::kSpki, record.spki);
  out.end();
  return out.take();
}

Result<KeyRecord> decode_metadata(BytesView metadata) {
  CAM_TRY(auto in, CborReader::open(metadata));
  CAM_TRY(auto map, in.map());
  CAM_TRY_STATUS(map.key(key_file_tag::kInfo));
  CAM_TRY(auto info, keystore::read_key_info(map));
  CAM_TRY(const auto spki, map.bytes(key_file_tag::kSpki));
  CAM_TRY_STATUS(map.finish());
  if (spki.empty() == keystore::has_public_half(info.type))
    return fail(Errc::malformed, "a public key where none belongs, or none");
  // Without uids the key would be nobody's: the engine never writes that.
  if (info.policy.uids.empty()) return fail(Errc::malformed, "a key that nobody may use");
  return KeyRecord{.info = std::move(info), .spki = to_bytes(spki)};
}

Result<Bytes> encode_key_file(BytesView metadata, BytesView sealed) {
  CborWriter out;
  out.begin_map();
  out.unsigned_integer(key_file_tag::kVersion, kKeyFileVersion);
  out.bytes(key_file_tag::kMetadata, metadata);
  out.bytes(key_file_tag::kSealed, sealed);
  out.end();
  return out.take();
}

Result<KeyFile> decode_key_file(BytesView file) {
  CAM_TRY(auto in, CborReader::open(file));
  CAM_TRY(auto map, in.map());
  CAM_TRY(const auto version, map.unsigned_integer(key_file_tag::kVersion));
  if (version != kKeyFileVersion) return fail(Errc::unsupported, "a key file of a version we do not know");
  CAM_TRY(const auto metadata, map.bytes(key_file_tag::kMetadata));
  CAM_TRY(const auto sealed, map.bytes(key_file_tag::kSealed));
  CAM_TRY_STATUS(map.finish());
  CAM_TRY(auto record, decode_metadata(metadata));
  return KeyFile{.record = std::move(record), .metadata = to_bytes(metadata), .sealed = to_bytes(sealed)};
}

Bytes additional_data(BytesView metadata) {
  Bytes out = to_bytes(as_bytes(kContext));
  out.push_back(static_cast<std::uint8_t>(kKeyFileVersion));
  append(out, metadata);
  return out;
}

std::string file_name_of(const keystore::KeyName& name) {
  return std::string(name.application()) + "@" + std::string(name.name()) + std::string(kSuffix);
}

std::optional<keystore::KeyName> key_name_of(std::string_view file_name) {
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  file_name.remove_suffix(kSuffix.size());
  const auto at = file_name.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  auto name = keystore::KeyName::make(file_name.substr(0, at), file_name.substr(at + 1));
  if (!name) return std::nullopt;
  return std::move(*name);
}

}  // namespace camvault::keystore_engine
