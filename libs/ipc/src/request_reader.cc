// Hello and requests, read from whoever is connected.
#include "camvault/ipc/request.h"

#include "camvault/codec/cbor.h"
#include "camvault/keystore/encoding.h"
#include "camvault/keystore/registry.h"
#include "numbers.h"

namespace camvault::ipc {

using codec::CborReader;
using keystore::Operation;
namespace tag = request_tag;

Result<Hello> decode_hello(BytesView frame) {
  CAM_TRY(auto in, CborReader::open(frame));
  CAM_TRY(auto map, in.map());
  CAM_TRY(const auto protocol, map.text(hello_tag::kProtocol));
  if (protocol != kProtocol) return fail(Errc::malformed, "another protocol");
  Hello hello;
  CAM_TRY_STATUS(map.key(hello_tag::kMinVersion));
  CAM_TRY(hello.min, read_u32(map));
  CAM_TRY_STATUS(map.key(hello_tag::kMaxVersion));
  CAM_TRY(hello.max, read_u32(map));
  CAM_TRY_STATUS(map.finish());
  if (hello.min == 0 || hello.min > hello.max) return fail(Errc::malformed, "an empty range of versions");
  return hello;
}

namespace {
Result<KeyName> read_name(CborReader& in) {
  CAM_TRY_STATUS(in.key(tag::kKey));
  return keystore::read_key_name(in);
}
Result<KeyUse> read_use(CborReader& in) {
  CAM_TRY(auto name, read_name(in));
  CAM_TRY_STATUS(in.key(tag::kPurpose));
  CAM_TRY(const auto purpose, keystore::read_purpose(in));
  return KeyUse{std::move(name), purpose};
}
Result<crypto::SignatureScheme> read_scheme(CborReader& in) {
  CAM_TRY_STATUS(in.key(tag::kScheme));
  return keystore::read_scheme(in);
}
Result<crypto::HashAlg> read_hash(CborReader& in) {
  CAM_TRY_STATUS(in.key(tag::kHash));
  return keystore::read_hash(in);
}
Result<BytesView> read_data(CborReader& in) {
  CAM_TRY(const auto data, in.bytes(tag::kData));
  if (data.size() > keystore::kMaxMessage) return fail(Errc::malformed, "data longer than the limit");
  return data;
}
Result<BytesView> read_additional(CborReader& in) {
  CAM_TRY_STATUS(in.key(tag::kAdditional));
  return in.bytes();
}
Result<request::Generate> read_new_key(CborReader& in) {
  CAM_TRY(auto name, read_name(in));
  CAM_TRY_STATUS(in.key(tag::kType));
  CAM_TRY(const auto type, keystore::read_key_type(in));
  CAM_TRY_STATUS(in.key(tag::kPolicy));
  CAM_TRY(auto policy, keystore::read_policy(in));
  return request::Generate{.key = std::move(name), .type = type, .policy = std::move(policy)};
}
Result<std::string> read_backend(CborReader& in) {
  if (!in.at_key(tag::kBackend)) return std::string();
  CAM_TRY(const auto backend, in.text());
  if (!keystore::is_backend_name(backend)) return fail(Errc::malformed, "a backend's name of another form");
  return std::string(backend);
}

Result<RequestBody> read_list(CborReader& in) {
  CAM_TRY(const auto after, in.text(tag::kAfter));
  if (!after.empty() && !KeyName::parse(after)) return fail(Errc::malformed, "a page that begins at no name");
  return request::List{std::string(after)};
}
Result<RequestBody> read_generate(CborReader& in) {
  CAM_TRY(auto key, read_new_key(in));
  CAM_TRY(key.backend, read_backend(in));
  return key;
}
Result<RequestBody> read_move(CborReader& in) {
  CAM_TRY(auto key, read_name(in));
  CAM_TRY(auto backend, read_backend(in));
  if (backend.empty()) return fail(Errc::malformed, "a move to no backend");
  CAM_TRY(const auto new_key, in.boolean(tag::kNewKey));
  return request::Move{std::move(key), std::move(backend),
                       new_key ? keystore::MoveMode::new_key : keystore::MoveMode::same_key};
}
Result<RequestBody> read_import(CborReader& in) {
  CAM_TRY(auto key, read_new_key(in));
  CAM_TRY(const auto data, read_data(in));
  return request::Import{std::move(key.key), key.type, std::move(key.policy), data};
}
Result<RequestBody> read_sign_digest(CborReader& in) {
  CAM_TRY(auto use, read_use(in));
  CAM_TRY(const auto scheme, read_scheme(in));
  CAM_TRY(const auto hash, read_hash(in));
  CAM_TRY(const auto data, read_data(in));
  if (data.size() != crypto::digest_size(hash)) return fail(Errc::malformed, "a digest of another size");
  crypto::Digest digest;
  std::copy(data.begin(), data.end(), digest.bytes.begin());
  digest.size = static_cast<std::uint8_t>(data.size());
  return request::SignDigest{std::move(use), scheme, hash, digest};
}
Result<RequestBody> read_sign_message(CborReader& in) {
  CAM_TRY(auto use, read_use(in));
  CAM_TRY(const auto scheme, read_scheme(in));
  CAM_TRY(const auto hash, read_hash(in));
  CAM_TRY(const auto data, read_data(in));
  return request::SignMessage{std::move(use), scheme, hash, data};
}
Result<RequestBody> read_random(CborReader& in) {
  CAM_TRY_STATUS(in.key(tag::kCount));
  CAM_TRY(const auto count, read_u32(in));
  return request::Random{count};
}
template <class Body>
Result<RequestBody> read_aead(CborReader& in) {
  CAM_TRY(auto use, read_use(in));
  CAM_TRY(const auto data, read_data(in));
  CAM_TRY(const auto additional, read_additional(in));
  return Body{std::move(use), data, additional};
}
Result<RequestBody> read_attest(CborReader& in) {
  CAM_TRY(auto key, read_name(in));
  CAM_TRY(const auto nonce, read_data(in));
  CAM_TRY_STATUS(in.key(tag::kAttester));
  CAM_TRY(auto attester, keystore::read_key_name(in));
  return request::Attest{std::move(key), std::move(attester), nonce};
}
template <class Body>
Result<RequestBody> read_name_and_data(CborReader& in) {
  CAM_TRY(auto key, read_name(in));
  CAM_TRY(const auto data, read_data(in));
  return Body{std::move(key), data};
}
template <class Body>
Result<RequestBody> read_use_and_data(CborReader& in) {
  CAM_TRY(auto use, read_use(in));
  CAM_TRY(const auto data, read_data(in));
  return Body{std::move(use), data};
}
template <class E>
Result<E> read_enumerator(CborReader& in, std::int64_t key) {
  CAM_TRY(const auto number, in.unsigned_integer(key));
  const auto value = keystore::from_number<E>(number);
  if (!value) return fail(Errc::malformed, "an unknown number");
  return *value;
}
Result<RequestBody> read_derive(CborReader& in) {
  CAM_TRY(auto use, read_use(in));
  keystore::Derivation d;
  CAM_TRY(d.salt, read_data(in));
  CAM_TRY(d.info, read_additional(in));
  CAM_TRY_STATUS(in.key(tag::kCount));
  CAM_TRY(d.size, read_u32(in));
  CAM_TRY(d.kdf, read_enumerator<keystore::Kdf>(in, tag::kKdf));
  CAM_TRY_STATUS(in.key(tag::kRounds));
  CAM_TRY(d.rounds, read_u32(in));
  return request::Derive{std::move(use), d};
}
Result<RequestBody> read_seal(CborReader& in) {
  CAM_TRY(auto key, read_name(in));
  CAM_TRY(const auto data, read_data(in));
  CAM_TRY(auto backend, read_backend(in));
  return request::Seal{std::move(key), data, std::move(backend)};
}
Result<RequestBody> read_restore(CborReader& in) {
  CAM_TRY(auto key, read_new_key(in));
  CAM_TRY(const auto data, read_data(in));
  return request::Restore{std::move(key.key), key.type, std::move(key.policy), data};
}
Result<RequestBody> read_tls_share(CborReader& in) {
  CAM_TRY(const auto group, read_enumerator<keystore::TlsGroup>(in, tag::kTlsGroup));
  return request::TlsShare{group};
}
Result<RequestBody> read_tls_agree(CborReader& in) {
  CAM_TRY(const auto share, read_data(in));
  CAM_TRY(const auto peer, read_additional(in));
  return request::TlsAgree{share, peer};
}
Result<RequestBody> read_tls_psk(CborReader& in) {
  CAM_TRY(auto use, read_use(in));
  return request::TlsPsk{std::move(use)};
}
Result<RequestBody> read_tls_derive(CborReader& in) {
  keystore::TlsDerivation d;
  CAM_TRY(d.hash, read_hash(in));
  CAM_TRY(d.secret, read_data(in));
  CAM_TRY(d.before, read_additional(in));
  CAM_TRY_STATUS(in.key(tag::kCount));
  CAM_TRY(d.size, read_u32(in));
  CAM_TRY(d.step, read_enumerator<keystore::TlsStep>(in, tag::kTlsStep));
  CAM_TRY(d.label, in.bytes(tag::kLabel));
  CAM_TRY(d.data, in.bytes(tag::kContext));
  return request::TlsDerive{d};
}
template <class Body>
Result<RequestBody> read_named(CborReader& in) {
  CAM_TRY(auto name, read_name(in));
  return Body{std::move(name)};
}

Result<RequestBody> read_body(Operation operation, CborReader& in) {
  switch (operation) {
    case Operation::status:
      return request::Status{};
    case Operation::list:
      return read_list(in);
    case Operation::info:
      return read_named<request::Info>(in);
    case Operation::generate:
      return read_generate(in);
    case Operation::import_key:
      return read_import(in);
    case Operation::remove:
      return read_named<request::Remove>(in);
    case Operation::public_key:
      return read_named<request::PublicKey>(in);
    case Operation::sign_digest:
      return read_sign_digest(in);
    case Operation::sign_message:
      return read_sign_message(in);
    case Operation::random:
      return read_random(in);
    case Operation::encrypt:
      return read_aead<request::Encrypt>(in);
    case Operation::decrypt:
      return read_aead<request::Decrypt>(in);
    case Operation::mac:
      return read_use_and_data<request::Mac>(in);
    case Operation::attest:
      return read_attest(in);
    case Operation::move:
      return read_move(in);
    case Operation::certify:
      return read_name_and_data<request::Certify>(in);
    case Operation::attester:
      return read_named<request::Attester>(in);
    case Operation::activate:
      return read_name_and_data<request::Activate>(in);
    case Operation::agree:
      return read_use_and_data<request::Agree>(in);
    case Operation::compare:
      return read_use_and_data<request::Compare>(in);
    case Operation::derive:
      return read_derive(in);
    case Operation::read_counter:
      return read_named<request::ReadCounter>(in);
    case Operation::increment_counter:
      return read_named<request::IncrementCounter>(in);
    case Operation::seal:
      return read_seal(in);
    case Operation::unseal:
      return read_name_and_data<request::Unseal>(in);
    case Operation::backup:
      return read_named<request::Backup>(in);
    case Operation::restore:
      return read_restore(in);
    case Operation::tls_share:
      return read_tls_share(in);
    case Operation::tls_agree:
      return read_tls_agree(in);
    case Operation::tls_psk:
      return read_tls_psk(in);
    case Operation::tls_derive:
      return read_tls_derive(in);
  }
  return fail(Errc::malformed, "an unknown operation");
}
}  // namespace

Result<Request> decode_request(BytesView frame) {
  CAM_TRY(auto in, CborReader::open(frame));
  CAM_TRY(auto map, in.map());
  CAM_TRY_STATUS(map.key(tag::kId));
  CAM_TRY(const auto id, read_u32(map));
  CAM_TRY(const auto number, map.unsigned_integer(tag::kOperation));
  const auto operation = keystore::operation_from_number(number);
  if (!operation) return fail(Errc::malformed, "an unknown operation");
  CAM_TRY(auto body, read_body(*operation, map));
  CAM_TRY_STATUS(map.finish());
  return Request{.id = id, .body = std::move(body)};
}

}  // namespace camvault::ipc
