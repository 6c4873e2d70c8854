// Hello and requests, as clients write them.
#include "camvault/ipc/request.h"

#include <limits>

#include "camvault/codec/cbor.h"
#include "camvault/keystore/encoding.h"
#include "camvault/keystore/registry.h"

namespace camvault::ipc {

using codec::CborWriter;
using keystore::number_of;
namespace tag = request_tag;

Result<Bytes> encode_hello(const Hello& hello) {
  CborWriter out;
  out.begin_map();
  out.text(hello_tag::kProtocol, kProtocol);
  out.unsigned_integer(hello_tag::kMinVersion, hello.min);
  out.unsigned_integer(hello_tag::kMaxVersion, hello.max);
  out.end();
  return out.take();
}

namespace {
void write_use(CborWriter& out, const KeyUse& use) {
  out.text(tag::kKey, use.key.text());
  out.unsigned_integer(tag::kPurpose, number_of(use.purpose));
}
void write_name(CborWriter& out, const KeyName& name) {
  out.text(tag::kKey, name.text());
}
void write_new_key(CborWriter& out, const KeyName& name, keystore::KeyType type,
                   const keystore::KeyPolicy& policy) {
  write_name(out, name);
  out.unsigned_integer(tag::kType, number_of(type));
  out.key(tag::kPolicy);
  keystore::write_policy(out, policy);
}
void write_algorithm(CborWriter& out, crypto::SignatureScheme scheme, crypto::HashAlg hash) {
  out.unsigned_integer(tag::kScheme, number_of(scheme));
  out.unsigned_integer(tag::kHash, number_of(hash));
}
void write_data(CborWriter& out, BytesView data) {
  out.bytes(tag::kData, data);
}
void write_additional(CborWriter& out, BytesView additional) {
  out.bytes(tag::kAdditional, additional);
}

// One overload per operation, in the order of their numbers.
void write_body(CborWriter&, const request::Status&) {}
void write_body(CborWriter& out, const request::List& r) {
  out.text(tag::kAfter, r.after);
}
void write_body(CborWriter& out, const request::Info& r) {
  write_name(out, r.key);
}
void write_backend(CborWriter& out, std::string_view backend) {
  if (backend.empty()) return;
  out.text(tag::kBackend, backend);
}
void write_body(CborWriter& out, const request::Generate& r) {
  write_new_key(out, r.key, r.type, r.policy);
  write_backend(out, r.backend);
}
void write_body(CborWriter& out, const request::Import& r) {
  write_new_key(out, r.key, r.type, r.policy);
  write_data(out, r.data);
}
void write_body(CborWriter& out, const request::Remove& r) {
  write_name(out, r.key);
}
void write_body(CborWriter& out, const request::PublicKey& r) {
  write_name(out, r.key);
}
void write_body(CborWriter& out, const request::SignDigest& r) {
  write_use(out, r.use);
  write_algorithm(out, r.scheme, r.hash);
  write_data(out, r.digest.view());
}
void write_body(CborWriter& out, const request::SignMessage& r) {
  write_use(out, r.use);
  write_algorithm(out, r.scheme, r.hash);
  write_data(out, r.message);
}
void write_body(CborWriter& out, const request::Random& r) {
  out.unsigned_integer(tag::kCount, r.count);
}
void write_body(CborWriter& out, const request::Encrypt& r) {
  write_use(out, r.use);
  write_data(out, r.plaintext);
  write_additional(out, r.additional);
}
void write_body(CborWriter& out, const request::Decrypt& r) {
  write_use(out, r.use);
  write_data(out, r.sealed);
  write_additional(out, r.additional);
}
void write_body(CborWriter& out, const request::Mac& r) {
  write_use(out, r.use);
  write_data(out, r.message);
}
void write_body(CborWriter& out, const request::Attest& r) {
  write_name(out, r.key);
  write_data(out, r.nonce);
  out.text(tag::kAttester, r.attester.text());
}
void write_body(CborWriter& out, const request::Move& r) {
  write_name(out, r.key);
  write_backend(out, r.backend);
  out.boolean(tag::kNewKey, r.mode == keystore::MoveMode::new_key);
}
void write_body(CborWriter& out, const request::Certify& r) {
  write_name(out, r.key);
  write_data(out, r.nonce);
}
void write_body(CborWriter& out, const request::Attester& r) {
  write_name(out, r.key);
}
void write_body(CborWriter& out, const request::Activate& r) {
  write_name(out, r.key);
  write_data(out, r.credential);
}
void write_body(CborWriter& out, const request::Agree& r) {
  write_use(out, r.use);
  write_data(out, r.peer);
}
void write_body(CborWriter& out, const request::Compare& r) {
  write_use(out, r.use);
  write_data(out, r.candidate);
}
void write_body(CborWriter& out, const request::Derive& r) {
  write_use(out, r.use);
  write_data(out, r.derivation.salt);
  write_additional(out, r.derivation.info);
  out.unsigned_integer(tag::kCount, r.derivation.size);
  out.unsigned_integer(tag::kKdf, number_of(r.derivation.kdf));
  out.unsigned_integer(tag::kRounds, r.derivation.rounds);
}
void write_body(CborWriter& out, const request::ReadCounter& r) {
  write_name(out, r.key);
}
void write_body(CborWriter& out, const request::IncrementCounter& r) {
  write_name(out, r.key);
}
void write_body(CborWriter& out, const request::Seal& r) {
  write_name(out, r.key);
  write_data(out, r.plain);
  write_backend(out, r.backend);
}
void write_body(CborWriter& out, const request::Unseal& r) {
  write_name(out, r.key);
  write_data(out, r.sealed);
}
void write_body(CborWriter& out, const request::Backup& r) {
  write_name(out, r.key);
}
void write_body(CborWriter& out, const request::Restore& r) {
  write_new_key(out, r.key, r.type, r.policy);
  write_data(out, r.data);
}
void write_body(CborWriter& out, const request::TlsShare& r) {
  out.unsigned_integer(tag::kTlsGroup, number_of(r.group));
}
void write_body(CborWriter& out, const request::TlsAgree& r) {
  write_data(out, r.share);
  write_additional(out, r.peer);
}
void write_body(CborWriter& out, const request::TlsPsk& r) {
  write_use(out, r.use);
}
void write_body(CborWriter& out, const request::TlsDerive& r) {
  const auto& d = r.derivation;
  out.unsigned_integer(tag::kHash, number_of(d.hash));
  write_data(out, d.secret);
  write_additional(out, d.before);
  out.unsigned_integer(tag::kCount, d.size);
  out.unsigned_integer(tag::kTlsStep, number_of(d.step));
  out.bytes(tag::kLabel, d.label);
  out.bytes(tag::kContext, d.data);
}
}  // namespace

Result<Bytes> encode_request(const Request& request) {
  CborWriter out;
  out.begin_map();
  out.unsigned_integer(tag::kId, request.id);
  out.unsigned_integer(tag::kOperation, static_cast<std::uint64_t>(request.operation()));
  std::visit([&](const auto& body) { write_body(out, body); }, request.body);
  out.end();
  return out.take();
}

}  // namespace camvault::ipc
