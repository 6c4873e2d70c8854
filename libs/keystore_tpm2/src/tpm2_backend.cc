#include "camvault/keystore_tpm2/tpm2_backend.h"

#include "attest.h"
#include "blob.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_software/private_key_parts.h"
#include "platform.h"
#include "templates.h"
#include "tpm2_key.h"

namespace camvault::keystore_tpm2 {

using keystore::KeyType;
using keystore_engine::NewKey;
using Repeat = Worker::Repeat;

namespace {
constexpr std::size_t kAuthorisation = 32;

Result<Secret> new_authorisation() {
  Status random = ok();
  auto value = Secret::make(kAuthorisation, [&](std::span<std::uint8_t> out) { random = random_bytes(out); });
  CAM_TRY_STATUS(random);
  return value;
}

Status check_type(Tpm& tpm, KeyType type) {
  const auto& types = tpm.facts().key_types;
  if (std::find(types.begin(), types.end(), type) == types.end())
    return fail(Errc::unsupported, "the TPM has no keys of type " + std::string(keystore::to_string(type)));
  return ok();
}

Result<NewKey> new_key(KeyType type, const Blob& blob) {
  CAM_TRY(auto spki, spki_of(type, blob.public_area));
  // The TPM's word for its public half: a point that is on no curve must not become a key of ours.
  static const auto engine = crypto_openssl::make_openssl_engine();
  if (!spki.empty() && !engine->public_key_from_spki(spki))
    return fail(Errc::malformed, "the TPM gave a public key that is none");
  CAM_TRY(auto handle, write_blob(blob));
  return NewKey{std::move(handle), std::move(spki)};
}

// Part 1, 27.5: the public half of an HMAC key commits to it by a seed.
Status fill_hmac(const Secret& key, TPMT_PUBLIC& area, TPMT_SENSITIVE& sensitive) {
  if (key.size() < 32 || key.size() > 64) return fail(Errc::invalid, "an HMAC key has 32 to 64 bytes");
  Bytes seed(32);
  CAM_TRY_STATUS(random_bytes(seed));
  CAM_TRY(sensitive.seedValue, to_tpm2b<TPM2B_DIGEST>(seed));
  return key.reveal([&](BytesView bits) -> Status {
    CAM_TRY(sensitive.sensitive.bits, to_tpm2b<TPM2B_SENSITIVE_DATA>(bits));
    CAM_TRY(const auto unique, sha256(seed, bits));
    CAM_TRY(area.unique.keyedHash, to_tpm2b<TPM2B_DIGEST>(unique));
    return ok();
  });
}

Status fill_pair(KeyType type, const Secret& key, TPMT_PUBLIC& area, TPMT_SENSITIVE& sensitive) {
  CAM_TRY(const auto parts,
          key.reveal([&](BytesView der) { return keystore_software::take_apart(type, der); }));
  if (area.type == TPM2_ALG_RSA) {
    if (parts.public_exponent != Bytes{0x01, 0x00, 0x01})
      return fail(Errc::unsupported, "the TPM takes RSA keys with the exponent 65537 only");
    CAM_TRY(area.unique.rsa, to_tpm2b<TPM2B_PUBLIC_KEY_RSA>(parts.modulus));
    CAM_TRY(sensitive.sensitive.rsa,
            parts.prime1.reveal([](BytesView prime) { return to_tpm2b<TPM2B_PRIVATE_KEY_RSA>(prime); }));
    return ok();
  }
  const BytesView point(parts.point);
  const auto size = (point.size() - 1) / 2;
  CAM_TRY(area.unique.ecc.x, to_tpm2b<TPM2B_ECC_PARAMETER>(point.subspan(1, size)));
  CAM_TRY(area.unique.ecc.y, to_tpm2b<TPM2B_ECC_PARAMETER>(point.subspan(1 + size)));
  CAM_TRY(sensitive.sensitive.ecc,
          parts.scalar.reveal([](BytesView scalar) { return to_tpm2b<TPM2B_ECC_PARAMETER>(scalar); }));
  return ok();
}

Result<Wrapped> wrap(KeyType type, const Secret& key, const Secret& authorisation,
                     TPM2B_PUBLIC& public_area) {
  auto& area = public_area.publicArea;
  TPMT_SENSITIVE sensitive{};
  sensitive.sensitiveType = area.type;
  CAM_TRY(sensitive.authValue,
          authorisation.reveal([](BytesView value) { return to_tpm2b<TPM2B_AUTH>(value); }));
  const auto filled =
      type == KeyType::hmac_sha256 ? fill_hmac(key, area, sensitive) : fill_pair(type, key, area, sensitive);
  auto wrapped =
      filled ? wrap_for_import(public_area, sensitive) : Result<Wrapped>(tl::unexpected(filled.error()));
  wipe(&sensitive, sizeof sensitive);
  return wrapped;
}

class Tpm2Backend final : public keystore_engine::Backend {
 public:
  Tpm2Backend(const Tpm2Options& options, TctiName where)
      : options_(options), where_(std::move(where)), worker_(std::make_shared<Worker>(where_)) {}

  std::string_view name() const override { return options_.name; }
  std::string_view kind() const override { return "tpm2"; }

  keystore_engine::Capabilities capabilities() const override {
    auto facts = worker_->facts();
    keystore_engine::Capabilities out;
    out.key_types = std::move(facts.key_types);
    out.import = true;
    out.simulator = facts.soft || where_.kind == TctiName::Kind::swtpm;
    out.seals = true;
    out.counters = true;
    out.attests = true;
    out.protection = out.simulator ? "This TPM is a program for tests: keys are in its memory and in its "
                                     "state file, and as safe as those."
                                   : "Keys are used inside the TPM and do not leave it in clear; their blobs "
                                     "on disk open in this TPM only. "
                                     "Whoever controls the keystore process can use keys while it does, and "
                                     "cannot take them away. What the "
                                     "chip withstands is its maker's word.";
    return out;
  }
  // What was seen last; asks the worker to look again, for whoever asks next.
  keystore_engine::Health health() const override {
    worker_->look();
    return worker_->health();
  }
  keystore_engine::SandboxNeeds needs() const override {
    keystore_engine::SandboxNeeds out;
    out.unix_sockets = where_.kind == TctiName::Kind::swtpm;
    if (where_.kind == TctiName::Kind::device) out.paths.push_back({.path = where_.path, .write = true});
    return out;
  }
  void start() override {
    worker_->start();
    worker_->look();
  }
  bool is_quick(KeyType) const override { return false; }
  std::size_t parallel() const override { return 1; }

  Result<NewKey> generate(KeyType type) override {
    CAM_TRY(const auto authorisation, new_authorisation());
    return worker_->run<NewKey>(Repeat::safe, [&](Tpm& tpm) -> Result<NewKey> {
      CAM_TRY_STATUS(check_type(tpm, type));
      CAM_TRY(const auto blob, authorisation.reveal([&](BytesView value) {
        return tpm.create(key_template(type, true), value, {});
      }));
      return new_key(type, blob);
    });
  }

  Result<NewKey> import_key(KeyType type, const Secret& key) override {
    if (type == KeyType::aes_256 || type == KeyType::ed25519 || type == KeyType::secret ||
        type == KeyType::counter)
      return fail(Errc::unsupported, "the TPM has no keys of that type");
    CAM_TRY(const auto authorisation, new_authorisation());
    TPM2B_PUBLIC public_area = key_template(type, false);
    CAM_TRY(auto wrapped, wrap(type, key, authorisation, public_area));
    auto made = worker_->run<NewKey>(Repeat::safe, [&](Tpm& tpm) -> Result<NewKey> {
      CAM_TRY_STATUS(check_type(tpm, type));
      CAM_TRY(auto private_area, tpm.import(public_area, wrapped.encryption_key, wrapped.duplicate));
      return new_key(
          type,
          {.public_area = public_area, .private_area = private_area, .authorisation = authorisation.clone()});
    });
    wipe(&wrapped, sizeof wrapped);
    return made;
  }

  Result<std::shared_ptr<const keystore_engine::BackendKey>> open(KeyType type,
                                                                  const Secret& handle) override {
    CAM_TRY(auto blob, handle.reveal([](BytesView bytes) { return read_blob(bytes); }));
    if (!spki_of(type, blob.public_area))
      return fail(Errc::invalid, "the handle is of a key of another type");
    auto key = std::make_shared<const Tpm2Key>(worker_, type, std::move(blob));
    CAM_TRY_STATUS(key->load());
    return key;
  }

  Status random(std::span<std::uint8_t> out) override {
    return worker_->run<void>(Repeat::safe, [&](Tpm& tpm) { return tpm.random(out); });
  }

  Result<Bytes> attest(KeyType type, const Secret& handle, BytesView nonce) override {
    CAM_TRY(const auto blob, handle.reveal([](BytesView bytes) { return read_blob(bytes); }));
    CAM_TRY(const auto spki, spki_of(type, blob.public_area));
    if (spki.empty()) return fail(Errc::unsupported, "a symmetric key has no public half to speak about");
    return worker_->run<Bytes>(Repeat::safe, [&](Tpm& tpm) { return certify(tpm, blob, nonce); });
  }
  Result<Bytes> describe_attester() override {
    return worker_->run<Bytes>(Repeat::safe, [&](Tpm& tpm) {
      return keystore_tpm2::describe_attester(tpm, capabilities().simulator);
    });
  }
  Result<Secret> activate_credential(BytesView credential) override {
    return worker_->run<Secret>(Repeat::safe, [&](Tpm& tpm) { return activate(tpm, credential); });
  }

  Result<Bytes> seal_to_platform(const Secret& plain) override {
    if (plain.empty() || plain.size() > kMaxSealed) return fail(Errc::limit, "1 to 128 bytes are sealed");
    return worker_->run<Bytes>(Repeat::safe, [&](Tpm& tpm) { return seal(tpm, plain); });
  }
  Result<Secret> unseal_from_platform(BytesView sealed) override {
    CAM_TRY(const auto blob, read_blob(sealed));
    return worker_->run<Secret>(Repeat::safe, [&](Tpm& tpm) { return unseal(tpm, blob); });
  }
  Result<std::uint64_t> read_counter(std::uint32_t number) override {
    return worker_->run<std::uint64_t>(Repeat::safe, [&](Tpm& tpm) { return read_nv_counter(tpm, number); });
  }
  Result<std::uint64_t> increment_counter(std::uint32_t number) override {
    return worker_->run<std::uint64_t>(Repeat::unsafe,
                                       [&](Tpm& tpm) { return increment_nv_counter(tpm, number); });
  }

 private:
  const Tpm2Options options_;
  const TctiName where_;
  const std::shared_ptr<Worker> worker_;
};
}  // namespace

Status check_options(const Tpm2Options& options) {
  CAM_TRY_STATUS(parse_tcti(options.tcti));
  return ok();
}

Result<std::shared_ptr<keystore_engine::Backend>> make_tpm2_backend(const Tpm2Options& options) {
  CAM_TRY(auto where, parse_tcti(options.tcti));
  // The library writes to standard error what it also returns; keystored's log is ours. Before there are
  // threads.
  ::setenv("TSS2_LOG", "all+NONE", 0);
  return std::make_shared<Tpm2Backend>(options, std::move(where));
}

}  // namespace camvault::keystore_tpm2
