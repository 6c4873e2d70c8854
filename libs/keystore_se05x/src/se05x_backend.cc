#include "camvault/keystore_se05x/se05x_backend.h"

#include <algorithm>

#include "attest.h"
#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/keystore_engine/module_values.h"
#include "camvault/keystore_se05x/key_file.h"
#include "camvault/keystore_software/private_key_parts.h"
#include "se05x_key.h"

namespace camvault::keystore_se05x {

using keystore_engine::NewKey;

namespace {
constexpr std::uint8_t kHandleVersion = 1;
constexpr std::size_t kSymmetricKey = 32;
constexpr std::size_t kMaxHmacKey = 64;

Secret handle_of(ObjectId id) {
  ByteWriter out;
  out.u8(kHandleVersion);
  out.u32(id);
  return Secret(out.view());
}

Result<ObjectId> object_of(const Secret& handle) {
  return handle.reveal([](BytesView bytes) -> Result<ObjectId> {
    ByteReader in(bytes);
    CAM_TRY(const auto version, in.u8());
    if (version != kHandleVersion) return fail(Errc::unsupported, "a handle of another version");
    CAM_TRY(const auto id, in.u32());
    CAM_TRY_STATUS(in.finish());
    if (id < object::kFirstKey || id > object::kLastKey)
      return fail(Errc::malformed, "a handle of no key of ours");
    return id;
  });
}

Curve curve_of(KeyType type) {
  switch (type) {
    case KeyType::ec_p384:
    case KeyType::ecdh_p384:
      return Curve::p384;
    case KeyType::ec_p521:
      return Curve::p521;
    case KeyType::ed25519:
      return Curve::ed25519;
    default:
      return Curve::p256;
  }
}

bool is_rsa(KeyType type) {
  return keystore_engine::modulus_bits(type) != 0;
}

// Nothing that would let the key leave or change: no WRITE, no GEN, no IMPORT_EXPORT.
std::uint32_t rights_of(KeyType type) {
  if (type == KeyType::aes_256) return may::kEncrypt | may::kDecrypt | may::kDelete;
  if (type == KeyType::hmac_sha256) return may::kSign | may::kDelete;
  if (keystore::is_agreement(type)) return may::kKeyAgreement | may::kRead | may::kDelete;
  return may::kSign | may::kRead | may::kDelete;
}

class Se05xBackend final : public keystore_engine::Backend {
 public:
  Se05xBackend(Se05xConfig config, std::shared_ptr<KeySet> keys)
      : config_(std::move(config)), keys_(std::move(keys)) {}

  std::string_view name() const override { return config_.name; }
  std::string_view kind() const override { return "se05x"; }

  keystore_engine::Capabilities capabilities() const override {
    const auto seen = keys_->seen();
    const auto has = [&](std::uint16_t bit) { return !seen.ever || (seen.version.features & bit) != 0; };
    keystore_engine::Capabilities out;
    for (const auto type : keystore::kAllKeyTypes) {
      if (type == KeyType::secret || type == KeyType::counter) continue;
      const bool symmetric = type == KeyType::aes_256 || type == KeyType::hmac_sha256;
      if (symmetric && !keys_->has_secure_channel()) continue;
      if (is_rsa(type) && !has(feature::kRsaCrt)) continue;
      if (type == KeyType::ed25519 && !has(feature::kEdDsa)) continue;
      if (type == KeyType::aes_256 && !has(feature::kAes)) continue;
      if (type == KeyType::hmac_sha256 && !has(feature::kHmac)) continue;
      out.key_types.push_back(type);
    }
    out.import = keys_->has_secure_channel();
    out.simulator = seen.simulator || is_simulated();
    out.protection =
        out.simulator
            ? "SIMULATOR: keys are in the state file of a program, readable for whoever reads that file."
        : keys_->has_secure_channel()
            ? "Keys are in a secure element and cannot be read out of it, by its policies. What crosses "
              "its bus is encrypted with the keys of its channel; whoever has those, and reaches the bus, "
              "can use the keys."
            : "Keys are in a secure element and cannot be read out of it, by its policies. Its bus is in "
              "clear: whoever reaches it sees what is signed and can use the keys.";
    out.counters = true;
    out.attests = true;
    out.rsa_signs_digests = false;  // see Applet::sign_rsa
    return out;
  }

  keystore_engine::Health health() const override {
    const auto seen = keys_->seen();
    keystore_engine::Health out{.usable = seen.usable, .detail = seen.health};
    if (seen.ever) {
      out.module = std::string(seen.simulator ? "SE05x simulator" : "NXP SE05x") + ", applet " +
                   std::to_string(seen.version.major) + "." + std::to_string(seen.version.minor) + "." +
                   std::to_string(seen.version.patch);
    }
    return out;
  }

  keystore_engine::SandboxNeeds needs() const override {
    keystore_engine::SandboxNeeds out;
    constexpr std::string_view kUnix = "sim:unix:";
    constexpr std::string_view kPty = "sim:pty:";
    const std::string_view bus = config_.bus;
    if (bus.starts_with(kUnix)) {
      out.unix_sockets = true;
      out.paths.push_back(
          {.path = std::filesystem::path(bus.substr(kUnix.size())).parent_path(), .write = true});
    } else if (bus.starts_with(kPty)) {
      out.paths.push_back({.path = bus.substr(kPty.size()), .write = true, .device = true});
    } else if (!is_simulated()) {
      out.paths.push_back({.path = bus.substr(0, bus.find(':')), .write = true, .device = true});
    }
    if (!config_.journal.empty()) out.paths.push_back({.path = config_.journal.parent_path(), .write = true});
    return out;
  }

  // Errors: a journal that cannot be written keeps its entries, and the next start tries again.
  void settle(std::vector<Secret> handles) override {
    std::vector<ObjectId> ids;
    for (const auto& handle : handles) {
      const auto id = object_of(handle);
      if (!id) return;  // of a later version: nothing is certain then
      ids.push_back(*id);
    }
    static_cast<void>(keys_->settle(ids).has_value());
  }
  bool is_quick(KeyType) const override { return false; }
  std::size_t parallel() const override { return 1; }  // one element does one thing at a time

  Result<NewKey> generate(KeyType type) override {
    return keys_->with([&](Applet& applet) {
      return add(applet, type, [&](ObjectId id) { return make(applet, id, type); });
    });
  }

  Result<NewKey> import_key(KeyType type, const Secret& key) override {
    if (!keys_->has_secure_channel())
      return fail(Errc::unsupported, "without a secure channel the key would cross the bus in clear");
    if (type == KeyType::secret || type == KeyType::counter)
      return fail(Errc::unsupported, "the element has no keys of that type");
    if (!keystore::has_public_half(type)) {
      const bool fits = type == KeyType::aes_256 ? key.size() == kSymmetricKey
                                                 : key.size() >= kSymmetricKey && key.size() <= kMaxHmacKey;
      if (!fits) return fail(Errc::invalid, "a symmetric key of another size");
      return keys_->with([&](Applet& applet) {
        return add(applet, type, [&](ObjectId id) {
          return applet.import_symmetric(id, type == KeyType::aes_256, key, keys_->policy(rights_of(type)));
        });
      });
    }
    CAM_TRY(const auto parts,
            key.reveal([&](BytesView der) { return keystore_software::take_apart(type, der); }));
    return keys_->with([&](Applet& applet) {
      return add(applet, type, [&](ObjectId id) -> Status {
        if (!is_rsa(type))
          return applet.import_ec(id, curve_of(type), parts.scalar, parts.point,
                                  keys_->policy(rights_of(type)));
        // A key is made by its first component and filled by the others, which its policy must allow.
        const RsaPrivate numbers{parts.prime1.clone(),    parts.prime2.clone(),      parts.exponent1.clone(),
                                 parts.exponent2.clone(), parts.coefficient.clone(), parts.public_exponent};
        return applet.import_rsa(id, static_cast<unsigned>(keystore_engine::modulus_bits(type)), numbers,
                                 keys_->policy(rights_of(type) | may::kWrite));
      });
    });
  }

  Result<std::shared_ptr<const keystore_engine::BackendKey>> open(KeyType type,
                                                                  const Secret& handle) override {
    CAM_TRY(const auto id, object_of(handle));
    CAM_TRY(const bool there, keys_->with([&](Applet& applet) { return applet.exists(id); }));
    if (!there) return fail(Errc::invalid, "the element does not hold the key's object");
    CAM_TRY_STATUS(keys_->recorded(id));
    return make_key(keys_, type, id);
  }

  Status destroy(KeyType, const Secret& handle) override {
    CAM_TRY(const auto id, object_of(handle));
    return keys_->forget(id);
  }

  Status random(std::span<std::uint8_t> out) override {
    return keys_->with([&](Applet& applet) { return applet.random(out); });
  }

  Result<Bytes> attest(KeyType type, const Secret& handle, BytesView nonce) override {
    if (!keystore::has_public_half(type))
      return fail(Errc::unsupported, "a symmetric key has no public half to speak about");
    CAM_TRY(const auto id, object_of(handle));
    return keys_->with(
        [&](Applet& applet) { return keystore_se05x::attest(applet, keys_->engine(), id, nonce); });
  }
  Result<Bytes> describe_attester() override {
    return keys_->with([&](Applet& applet) { return keystore_se05x::describe_attester(applet); });
  }

  Result<std::uint64_t> read_counter(std::uint32_t number) override {
    return with_counter(number, [](Applet& applet, ObjectId id) { return applet.counter(id); });
  }
  Result<std::uint64_t> increment_counter(std::uint32_t number) override {
    return with_counter(number, [](Applet& applet, ObjectId id) { return applet.increment(id); });
  }

 private:
  bool is_simulated() const { return config_.bus.starts_with("sim:"); }

  // Reserves a number, makes the object, reads its public half. Nothing stays behind if any of it fails.
  template <class Make>
  Result<NewKey> add(Applet& applet, KeyType type, Make&& make_object) {
    CAM_TRY(const auto id, keys_->reserve(applet));
    auto made = [&]() -> Result<NewKey> {
      CAM_TRY_STATUS(make_object(id));
      NewKey out{handle_of(id), {}};
      if (is_rsa(type)) {
        CAM_TRY(const auto parts, applet.rsa_public(id));
        CAM_TRY(out.spki, keystore_engine::spki_of_rsa(type, parts.modulus, parts.exponent));
      } else if (keystore::has_public_half(type)) {
        CAM_TRY(const auto point, applet.ec_point(id, curve_of(type)));
        CAM_TRY(out.spki, keystore_engine::spki_of_point(type, point));
      }
      return out;
    }();
    if (!made) keys_->give_up(applet, id);
    return made;
  }

  Status make(Applet& applet, ObjectId id, KeyType type) {
    const auto policy = keys_->policy(rights_of(type));
    if (is_rsa(type))
      return applet.generate_rsa(id, static_cast<unsigned>(keystore_engine::modulus_bits(type)), policy);
    if (type == KeyType::secret || type == KeyType::counter)
      return fail(Errc::unsupported, "the element has no keys of that type");
    if (keystore::has_public_half(type)) return applet.generate_ec(id, curve_of(type), policy);
    // The applet has no command that makes a symmetric key: its own random numbers are put in.
    if (!keys_->has_secure_channel())
      return fail(Errc::unsupported, "without a secure channel the key would cross the bus in clear");
    Status random = ok();
    const auto key =
        Secret::make(kSymmetricKey, [&](std::span<std::uint8_t> out) { random = applet.random(out); });
    CAM_TRY_STATUS(random);
    return applet.import_symmetric(id, type == KeyType::aes_256, key, policy);
  }

  template <class Use>
  Result<std::uint64_t> with_counter(std::uint32_t number, Use&& use) {
    if (number >= kCounters) return fail(Errc::usage, "no counter of that number");
    const auto id = object::kFirstCounter + number;
    return keys_->with([&](Applet& applet) -> Result<std::uint64_t> {
      CAM_TRY(const bool there, applet.exists(id));
      // No right to delete: a counter that could be made anew would start again.
      if (!there) CAM_TRY_STATUS(applet.create_counter(id, keys_->policy(may::kRead | may::kWrite)));
      return use(applet, id);
    });
  }

  Se05xConfig config_;
  std::shared_ptr<KeySet> keys_;
};

Result<ObjectId> login_object(const Se05xConfig& config) {
  CAM_TRY(const auto bytes, from_hex(config.login_object));
  ByteReader in(bytes);
  CAM_TRY(const auto id, in.u32());
  CAM_TRY_STATUS(in.finish());
  return id;
}

Status add_login(const Se05xConfig& config, ElementOptions& options) {
  if (config.login_object.empty()) return ok();
  CAM_TRY(const auto id, login_object(config));
  CAM_TRY(auto key, read_login_file(config.login_key));
  options.login = AesLogin{id, std::move(key)};
  return ok();
}
}  // namespace

Status check_config(const Se05xConfig& config) {
  if (config.bus.empty()) return fail(Errc::usage, "an SE05x needs a bus: \"/dev/i2c-1\"");
  if (config.login_object.empty() != config.login_key.empty())
    return fail(Errc::usage, "login_object and login_key go together");
  if (!config.login_object.empty() && !login_object(config))
    return fail(Errc::usage, "login_object is a number of eight hexadecimal digits");
  return ok();
}

Result<std::shared_ptr<keystore_engine::Backend>> make_se05x_backend(const Se05xConfig& config) {
  CAM_TRY_STATUS(check_config(config));
  const std::shared_ptr<const crypto::Engine> engine = crypto_openssl::make_openssl_engine();
  ElementOptions options{.open_bus = [bus = config.bus] { return open_bus(bus); },
                         .random = [engine](std::span<std::uint8_t> out) { engine->random(out); }};
  if (!config.scp03_keys.empty()) {
    CAM_TRY(options.platform_keys, read_key_file(config.scp03_keys));
  }
  CAM_TRY_STATUS(add_login(config, options));
  CAM_TRY(auto journal, Journal::open(config.journal));
  return std::make_shared<Se05xBackend>(
      config, std::make_shared<KeySet>(std::move(options), std::move(journal), engine));
}

}  // namespace camvault::keystore_se05x
