#include "camvault/keystore_engine/backend.h"

namespace camvault::keystore_engine {

namespace {
tl::unexpected<Error> not_this_key() {
  return fail(Errc::unsupported, "keys of this type do not do that");
}
}  // namespace

Result<Bytes> BackendKey::sign_digest(crypto::SignatureScheme, crypto::HashAlg, const crypto::Digest&) const {
  return not_this_key();
}
Result<Bytes> BackendKey::sign_message(crypto::SignatureScheme, crypto::HashAlg, BytesView) const {
  return not_this_key();
}
Result<Bytes> BackendKey::encrypt(BytesView, BytesView) const {
  return not_this_key();
}
Result<Secret> BackendKey::decrypt(BytesView, BytesView) const {
  return not_this_key();
}
Result<Bytes> BackendKey::mac(BytesView) const {
  return not_this_key();
}
Result<Secret> BackendKey::agree(BytesView) const {
  return not_this_key();
}
Result<bool> BackendKey::compare(BytesView) const {
  return not_this_key();
}
Result<Secret> BackendKey::derive(const keystore::Derivation&) const {
  return not_this_key();
}

Health Backend::health() const {
  return {.usable = true, .detail = "ready"};
}

void Backend::settle(std::vector<Secret>) {}

Status Backend::destroy(KeyType, const Secret&) {
  return ok();
}

Result<Secret> Backend::take_out(KeyType, const Secret&) {
  return fail(Errc::unsupported, "no key ever leaves this module");
}

Result<Bytes> Backend::attest(KeyType, const Secret&, BytesView) {
  return fail(Errc::unsupported, "this module does not speak about its keys");
}

Result<Bytes> Backend::describe_attester() {
  return fail(Errc::unsupported, "this module has no attestation key of its own");
}

Result<Secret> Backend::activate_credential(BytesView) {
  return fail(Errc::unsupported, "this module opens no credentials");
}

Result<Bytes> Backend::seal_to_platform(const Secret&) {
  return fail(Errc::unsupported, "this module knows no state of the platform");
}

Result<Secret> Backend::unseal_from_platform(BytesView) {
  return fail(Errc::unsupported, "this module knows no state of the platform");
}

Result<std::uint64_t> Backend::read_counter(std::uint32_t) {
  return fail(Errc::unsupported, "this module has no counters");
}

Result<std::uint64_t> Backend::increment_counter(std::uint32_t) {
  return fail(Errc::unsupported, "this module has no counters");
}

}  // namespace camvault::keystore_engine
