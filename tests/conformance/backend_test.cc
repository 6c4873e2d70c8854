// Every operation of a backend, its refusals and limits, against every kind of module. AX-3.1-1..3, IP-4.4-1,
// SP-4.2.11.
#include <gmock/gmock.h>

#include <cstdio>
#include <mutex>
#include <set>
#include <thread>

#include "camvault/keystore_software/software_backend.h"
#include "conformance.h"

namespace camvault::conformance {
namespace {

constexpr std::size_t kMostMessage = 48 * 1024;  // keystore::kMaxMessage

class BackendConformance : public Conformance {};

TEST_P(BackendConformance, SaysWhatItIs) {
  const auto can = backend_->capabilities();
  const auto health = backend_->health();
  EXPECT_EQ(backend_->name(), "under-test");
  EXPECT_FALSE(backend_->kind().empty());
  EXPECT_GT(can.protection.size(), 40u);
  EXPECT_TRUE(health.usable) << health.detail;
  EXPECT_FALSE(can.key_types.empty());
  EXPECT_GE(backend_->parallel(), 1u);
  // Every module of this suite is a program, and is not to be mistaken for hardware.
  EXPECT_EQ(can.simulator, GetParam().name != "software");
  std::string types;
  for (const auto type : can.key_types) types += " " + std::string(to_string(type));
  std::printf("%s (%s): keys%s; import %s, sealing %s, counters %s; module: %s\n", GetParam().name.c_str(),
              std::string(backend_->kind()).c_str(), types.c_str(), can.import ? "yes" : "no",
              can.seals ? "yes" : "no", can.counters ? "yes" : "no",
              health.module.empty() ? "-" : health.module.c_str());
}

TEST_P(BackendConformance, SignsWithEveryTypeSchemeAndHashItOffers) {
  for (const auto type : signing_types()) {
    const auto made = backend_->generate(type);
    ASSERT_TRUE(made) << to_string(type) << ": " << made.error().what;
    const auto key = opened(type, *made);
    ASSERT_NE(key, nullptr) << to_string(type);
    for (const auto scheme : schemes_of(type)) {
      for (const auto hash : {HashAlg::sha256, HashAlg::sha384, HashAlg::sha512}) {
        const auto signed_well = signs(*key, type, made->spki, scheme, hash);
        EXPECT_TRUE(signed_well) << to_string(type) << " " << to_string(scheme) << " " << to_string(hash)
                                 << ": " << signed_well.error().what;
      }
    }
    const auto by_message = key->sign_message(schemes_of(type).front(), HashAlg::sha256, as_bytes("x"));
    EXPECT_TRUE(by_message) << to_string(type);
    if (!signs_digests(type)) {
      EXPECT_EQ(key->sign_digest(schemes_of(type).front(), HashAlg::sha256,
                                 openssl_->digest(HashAlg::sha256, as_bytes("x")))
                    .error()
                    .code,
                Errc::unsupported)
          << to_string(type);
    }
    EXPECT_TRUE(backend_->destroy(type, made->handle)) << to_string(type);
  }
}

TEST_P(BackendConformance, RefusesTypesItDoesNotOffer) {
  for (const auto type : keystore::kAllKeyTypes) {
    if (offers(type)) continue;
    EXPECT_EQ(backend_->generate(type).error().code, Errc::unsupported) << to_string(type);
  }
}

TEST_P(BackendConformance, RefusesWhatAKeyIsNotFor) {
  const auto type = signing_type();
  const auto made = backend_->generate(type).value();
  const auto key = opened(type, made);
  const auto digest = openssl_->digest(HashAlg::sha256, {});
  const auto wrong =
      crypto::is_rsa(*keystore::key_alg_of(type)) ? SignatureScheme::ecdsa : SignatureScheme::rsa_pss;
  EXPECT_EQ(key->sign_digest(wrong, HashAlg::sha256, digest).error().code, Errc::unsupported);
  EXPECT_EQ(key->sign_digest(SignatureScheme::ed25519, HashAlg::sha256, digest).error().code,
            Errc::unsupported);
  EXPECT_EQ(key->mac({}).error().code, Errc::unsupported);
  EXPECT_EQ(key->encrypt({}, {}).error().code, Errc::unsupported);
  EXPECT_EQ(key->decrypt({}, {}).error().code, Errc::unsupported);
  if (!offers(KeyType::hmac_sha256)) return;
  const auto mac_key = opened(KeyType::hmac_sha256, backend_->generate(KeyType::hmac_sha256).value());
  EXPECT_EQ(mac_key->sign_digest(SignatureScheme::ecdsa, HashAlg::sha256, digest).error().code,
            Errc::unsupported);
  EXPECT_EQ(mac_key->sign_message(SignatureScheme::ecdsa, HashAlg::sha256, {}).error().code,
            Errc::unsupported);
}

TEST_P(BackendConformance, ImportedKeysAreTheSameKeys) {
  CAM_NEEDS(backend_->capabilities().import, "import");
  const auto source = keystore_software::make_software_backend();
  for (const auto type : signing_types()) {
    const auto original = source->generate(type).value();
    const auto made = backend_->import_key(type, source->take_out(type, original.handle).value());
    if (!made && made.error().code == Errc::unsupported) {
      std::printf("%s does not import %s: %s\n", GetParam().name.c_str(),
                  std::string(to_string(type)).c_str(), made.error().what.c_str());
      continue;
    }
    ASSERT_TRUE(made) << to_string(type) << ": " << made.error().what;
    EXPECT_EQ(made->spki, original.spki) << to_string(type);
    const auto signed_well = signs(type, *made);
    EXPECT_TRUE(signed_well) << to_string(type) << ": " << signed_well.error().what;
  }
}

TEST_P(BackendConformance, RefusesToImportWhatIsNoKeyOfTheType) {
  CAM_NEEDS(backend_->capabilities().import, "import");
  const auto source = keystore_software::make_software_backend();
  const auto p384 = source->generate(KeyType::ec_p384).value();
  for (const auto type : signing_types()) {
    EXPECT_FALSE(backend_->import_key(type, Secret(as_bytes("not a key")))) << to_string(type);
    EXPECT_FALSE(backend_->import_key(type, Secret())) << to_string(type);
    if (type != KeyType::ec_p384) {
      EXPECT_FALSE(backend_->import_key(type, p384.handle)) << to_string(type);
    }
  }
  for (const auto type : {KeyType::aes_256, KeyType::hmac_sha256}) {
    if (!offers(type)) continue;
    EXPECT_FALSE(backend_->import_key(type, Secret(Bytes(31, 1)))) << to_string(type);
    EXPECT_FALSE(backend_->import_key(type, Secret(Bytes(65, 1)))) << to_string(type);
  }
}

TEST_P(BackendConformance, MacsAreThoseOfRfc4231AndOfAnyLength) {
  CAM_NEEDS(offers(KeyType::hmac_sha256), "HMAC-SHA256 keys");
  const auto software = keystore_software::make_software_backend();
  const auto made = backend_->import_key(KeyType::hmac_sha256, Secret(Bytes(32, 0x0b)));
  ASSERT_TRUE(made) << made.error().what;
  const auto key = opened(KeyType::hmac_sha256, *made);
  const auto other = software->open(KeyType::hmac_sha256, Secret(Bytes(32, 0x0b))).value();
  for (const std::size_t size : {0u, 1u, 55u, 64u, 1023u, 1024u, 1025u, 4096u, 49152u}) {
    const Bytes message(size, 0x5a);
    const auto tag = key->mac(message);
    ASSERT_TRUE(tag) << size << ": " << tag.error().what;
    EXPECT_EQ(*tag, other->mac(message).value()) << size;
  }
}

TEST_P(BackendConformance, EncryptsAndTellsEveryChangedBit) {
  CAM_NEEDS(offers(KeyType::aes_256), "AES-256-GCM keys");
  const auto made = backend_->generate(KeyType::aes_256).value();
  const auto key = opened(KeyType::aes_256, made);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kMostMessage}) {
    const Bytes plain(size, 0x33);
    const auto sealed = key->encrypt(plain, as_bytes("about it"));
    ASSERT_TRUE(sealed) << size << ": " << sealed.error().what;
    EXPECT_EQ(sealed->size(), size + 28);
    EXPECT_NE(*sealed, key->encrypt(plain, as_bytes("about it")).value());
    const auto back = key->decrypt(*sealed, as_bytes("about it"));
    ASSERT_TRUE(back) << size << ": " << back.error().what;
    EXPECT_TRUE(back->equals(plain));
    EXPECT_EQ(key->decrypt(*sealed, as_bytes("about it.")).error().code, Errc::invalid);
  }
  const auto sealed = key->encrypt(as_bytes("text"), {}).value();
  for (std::size_t at = 0; at < sealed.size(); at += 3) {
    auto changed = sealed;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 1u);
    EXPECT_EQ(key->decrypt(changed, {}).error().code, Errc::invalid) << at;
  }
  EXPECT_EQ(key->decrypt(BytesView(sealed).first(27), {}).error().code, Errc::invalid);
  EXPECT_TRUE(key->decrypt(sealed, {}));  // and still works
}

TEST_P(BackendConformance, RandomNumbersComeInAllSizesAndDiffer) {
  std::set<Bytes> seen;
  for (const std::size_t size : {16u, 17u, 31u, 32u, 33u, 48u, 65u, 1000u, 4096u}) {
    Bytes a(size);
    Bytes b(size);
    ASSERT_TRUE(backend_->random(a)) << size;
    ASSERT_TRUE(backend_->random(b)) << size;
    EXPECT_NE(a, b);
    EXPECT_NE(a, Bytes(size));
    // The end is filled, too: one of several is not zero.
    bool last = a.back() != 0 || b.back() != 0;
    for (int i = 0; i < 4 && !last; ++i) {
      ASSERT_TRUE(backend_->random(a));
      last = a.back() != 0;
    }
    EXPECT_TRUE(last) << size;
  }
}

TEST_P(BackendConformance, MoreKeysThanAModuleHoldsAtOnceTakeTurns) {
  const auto type = signing_type();
  std::vector<NewKey> made;
  std::vector<std::shared_ptr<const BackendKey>> keys;
  for (int i = 0; i < 12; ++i) {
    auto key = backend_->generate(type);
    ASSERT_TRUE(key) << i << ": " << key.error().what;
    keys.push_back(opened(type, *key));
    made.push_back(std::move(*key));
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto signed_well = signs(*keys[i], type, made[i].spki);
      ASSERT_TRUE(signed_well) << i << ": " << signed_well.error().what;
    }
  }
}

TEST_P(BackendConformance, ManyThreadsUseManyKinds) {
  const auto type = signing_type();
  const auto a = backend_->generate(type).value();
  const auto b = backend_->generate(type).value();
  const auto first = opened(type, a);
  const auto second = opened(type, b);
  std::mutex mutex;
  std::vector<std::string> failed;
  const auto expect = [&](const auto& result, const char* what) {
    if (result) return;
    const std::lock_guard lock(mutex);
    failed.push_back(std::string(what) + ": " + result.error().what);
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 15; ++i) {
        const auto& key = (t + i) % 2 == 0 ? a : b;
        expect(signs((t + i) % 2 == 0 ? *first : *second, type, key.spki), "sign");
        Bytes some(20);
        expect(backend_->random(some), "random");
      }
      const auto mine = backend_->generate(type);
      expect(mine, "generate");
      if (!mine) return;
      expect(signs(type, *mine), "sign with a new key");
      expect(backend_->destroy(type, mine->handle), "destroy");
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(failed, testing::IsEmpty());
}

TEST_P(BackendConformance, KeysOutliveARestartAndADestroyedOneDoesNot) {
  const auto type = signing_type();
  const auto kept = backend_->generate(type).value();
  const auto ended = backend_->generate(type).value();
  ASSERT_TRUE(backend_->destroy(type, ended.handle));
  reopen();
  EXPECT_TRUE(signs(type, kept));
  // Where the handle is the key itself (software, a TPM's blob), destroying is forgetting the handle.
  if (backend_->kind() == "pkcs11" || backend_->kind() == "se05x") {
    EXPECT_EQ(backend_->open(type, ended.handle).error().code, Errc::invalid);
  }
}

TEST_P(BackendConformance, RefusesHandlesThatAreNotItsOwn) {
  const auto type = signing_type();
  auto handle = backend_->generate(type).value().handle;
  const auto changed = [&](std::size_t at, bool cut) {
    return handle.reveal([&](BytesView bytes) {
      Bytes copy = to_bytes(cut ? bytes.first(at) : bytes);
      if (!cut) copy[at] = static_cast<std::uint8_t>(copy[at] ^ 0x40u);
      return Secret::absorb(std::move(copy));
    });
  };
  for (std::size_t size = 0; size < handle.size(); size += 1 + handle.size() / 16)
    EXPECT_FALSE(backend_->open(type, changed(size, true))) << size;
  for (std::size_t at = 0; at < handle.size(); at += 1 + handle.size() / 24) {
    // A changed handle does not open, or what it opens to does not sign: never a crash, and the backend goes
    // on.
    const auto key = backend_->open(type, changed(at, false));
    if (key)
      static_cast<void>(
          (*key)->sign_message(schemes_of(type).front(), HashAlg::sha256, as_bytes("x")).has_value());
  }
  EXPECT_TRUE(backend_->open(type, handle));
}

TEST_P(BackendConformance, OnlySoftwareGivesAKeyAway) {
  const auto type = signing_type();
  const auto made = backend_->generate(type).value();
  const auto taken = backend_->take_out(type, made.handle);
  EXPECT_EQ(taken.has_value(), backend_->kind() == "software");
}

TEST_P(BackendConformance, SealsToThePlatform) {
  if (!backend_->capabilities().seals) {
    EXPECT_EQ(backend_->seal_to_platform(Secret(as_bytes("x"))).error().code, Errc::unsupported);
    GTEST_SKIP() << GetParam().name << " does not have: sealing to the platform's state";
  }
  const Secret plain(Bytes(Backend::kMaxSealed, 0x77));
  const auto sealed = backend_->seal_to_platform(plain);
  ASSERT_TRUE(sealed) << sealed.error().what;
  reopen();
  const auto back = backend_->unseal_from_platform(*sealed);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_TRUE(back->equals(Bytes(Backend::kMaxSealed, 0x77)));
  EXPECT_FALSE(backend_->seal_to_platform(Secret(Bytes(Backend::kMaxSealed + 1, 1))));
  EXPECT_FALSE(backend_->seal_to_platform(Secret()));
  for (std::size_t at = 0; at < sealed->size(); at += 7) {
    auto changed = *sealed;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 0x10u);
    EXPECT_FALSE(backend_->unseal_from_platform(changed)) << at;
    EXPECT_FALSE(backend_->unseal_from_platform(BytesView(*sealed).first(at))) << at;
  }
}

TEST_P(BackendConformance, CountersOnlyGrow) {
  if (!backend_->capabilities().counters) {
    EXPECT_EQ(backend_->read_counter(0).error().code, Errc::unsupported);
    GTEST_SKIP() << GetParam().name << " does not have: counters";
  }
  auto last = backend_->increment_counter(3).value();
  EXPECT_EQ(backend_->read_counter(3).value(), last);
  for (int i = 0; i < 5; ++i) {
    const auto next = backend_->increment_counter(3);
    ASSERT_TRUE(next) << next.error().what;
    EXPECT_GT(*next, last);
    last = *next;
  }
  reopen();
  EXPECT_EQ(backend_->read_counter(3).value(), last);
  EXPECT_GT(backend_->increment_counter(4).value(), 0u);
  EXPECT_EQ(backend_->read_counter(3).value(), last);
  EXPECT_FALSE(backend_->read_counter(Backend::kCounters));
}

// One that was in use vanishes, is gone, and comes back: the same key objects work again, nobody starts
// anything anew.
TEST_P(BackendConformance, AModuleThatVanishesIsUnavailableAndThenThereAgain) {
  CAM_NEEDS(rig_->can_vanish(), "a way to vanish");
  const auto type = signing_type();
  const auto made = backend_->generate(type).value();
  const auto key = opened(type, made);
  ASSERT_TRUE(signs(*key, type, made.spki));
  for (int round = 0; round < 2; ++round) {
    rig_->vanish();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(signs(*key, type, made.spki).error().code, Errc::unavailable);
    EXPECT_EQ(backend_->generate(type).error().code, Errc::unavailable);
    EXPECT_FALSE(backend_->health().usable);
    EXPECT_FALSE(backend_->health().detail.empty());
    EXPECT_FALSE(backend_->capabilities().key_types.empty());  // what it could is still known
    rig_->come_back();
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // restarts of a library are a second apart
    const auto again = signs(*key, type, made.spki);
    EXPECT_TRUE(again) << round << ": " << again.error().what;
    EXPECT_TRUE(backend_->health().usable) << backend_->health().detail;
    EXPECT_TRUE(backend_->generate(type));
  }
}

TEST_P(BackendConformance, AModuleThatIsNotThereAtFirstIsFoundLater) {
  CAM_NEEDS(rig_->can_vanish(), "a way to vanish");
  const auto type = signing_type();
  const auto made = backend_->generate(type).value();
  backend_.reset();
  rig_->vanish();
  backend_ = rig_->open("under-test");
  backend_->start();
  EXPECT_EQ(backend_->open(type, made.handle).error().code, Errc::unavailable);
  rig_->come_back();
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_TRUE(signs(type, made));
}

INSTANTIATE_TEST_SUITE_P(Backends, BackendConformance, testing::ValuesIn(rig_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace camvault::conformance
