#include "camvault/keystore_tls/vault.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "camvault/base/byte_writer.h"
#include "camvault/base/owned.h"

namespace camvault::keystore_tls {
namespace {

using crypto::HashAlg;
using keystore::ServiceError;
using keystore::TlsDerivation;
using keystore::TlsGroup;
using keystore::TlsStep;

// The other side of a handshake, with its secrets in the open.
Bytes openly(const char* algorithm, std::vector<std::pair<const char*, Bytes>> values, std::size_t size,
             int mode = 0) {
  const Owned<EVP_KDF, EVP_KDF_free> kdf(EVP_KDF_fetch(nullptr, algorithm, nullptr));
  const Owned<EVP_KDF_CTX, EVP_KDF_CTX_free> context(EVP_KDF_CTX_new(kdf.get()));
  char hash[] = "SHA256";
  std::vector<OSSL_PARAM> params = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0)};
  if (mode != 0) params.push_back(OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode));
  for (auto& [name, value] : values)
    params.push_back(OSSL_PARAM_construct_octet_string(name, value.data(), value.size()));
  params.push_back(OSSL_PARAM_construct_end());
  Bytes out(size);
  EXPECT_EQ(EVP_KDF_derive(context.get(), out.data(), out.size(), params.data()), 1);
  return out;
}
Bytes bytes_of(std::string_view text) {
  return to_bytes(as_bytes(text));
}
Bytes join(std::string_view text, const Bytes& more) {
  auto out = bytes_of(text);
  append(out, more);
  return out;
}

struct Shared {
  Bytes handle;
  Bytes secret;  // as the peer has it
};
Shared exchange(Vault& vault, TlsGroup group = TlsGroup::x25519) {
  const auto share = vault.new_share(group).value();
  const BytesView handle = BytesView(share).first(keystore::kTlsHandle);
  const BytesView point = BytesView(share).subspan(keystore::kTlsHandle);
  using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
  const Key own(group == TlsGroup::x25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")
                                          : EVP_EC_gen("P-256"));
  const Key peer(EVP_PKEY_new());
  EXPECT_EQ(EVP_PKEY_copy_parameters(peer.get(), own.get()), 1);
  EXPECT_EQ(EVP_PKEY_set1_encoded_public_key(peer.get(), point.data(), point.size()), 1);
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr));
  Shared out;
  out.secret.resize(32);
  std::size_t size = 32;
  EXPECT_EQ(EVP_PKEY_derive_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_derive_set_peer(context.get(), peer.get()), 1);
  EXPECT_EQ(EVP_PKEY_derive(context.get(), out.secret.data(), &size), 1);
  unsigned char* encoded = nullptr;
  const auto length = EVP_PKEY_get1_encoded_public_key(own.get(), &encoded);
  out.handle = vault.agree(handle, BytesView(encoded, length)).value();
  OPENSSL_free(encoded);
  EXPECT_EQ(out.handle.size(), 32U);
  EXPECT_NE(out.handle, out.secret);
  EXPECT_FALSE(vault.agree(handle, point));  // a share is used once
  return out;
}

TlsDerivation prf(BytesView secret, BytesView seed, std::uint32_t size) {
  return {.step = TlsStep::prf_1_2, .secret = secret, .data = seed, .size = size};
}
TlsDerivation expand(BytesView secret, std::string_view label, std::uint32_t size, BytesView context = {}) {
  return {
      .step = TlsStep::expand_1_3, .secret = secret, .label = as_bytes(label), .data = context, .size = size};
}
TlsDerivation extract(BytesView before, BytesView input) {
  return {.step = TlsStep::extract_1_3, .secret = input, .before = before};
}
TlsDerivation mac(BytesView secret, BytesView message) {
  return {.step = TlsStep::mac_1_3, .secret = secret, .data = message};
}

// NC-3.4-1: what comes out is what the peer has, and the secrets between are not among it.
TEST(Vault, TheScheduleOfTls12IsThePeers) {
  for (const auto group : {TlsGroup::x25519, TlsGroup::secp256r1}) {
    Vault vault;
    const auto shared = exchange(vault, group);
    const Bytes randoms(64, 7);
    const auto master = vault.derive(prf(shared.handle, join("extended master secret", randoms), 48)).value();
    ASSERT_EQ(master.size(), 48U);
    const auto open = openly("TLS1-PRF",
                             {{OSSL_KDF_PARAM_SECRET, shared.secret},
                              {OSSL_KDF_PARAM_SEED, join("extended master secret", randoms)}},
                             48);
    EXPECT_NE(master, open);
    const auto seed = join("key expansion", randoms);
    EXPECT_EQ(vault.derive(prf(master, seed, 104)).value(),
              openly("TLS1-PRF", {{OSSL_KDF_PARAM_SECRET, open}, {OSSL_KDF_PARAM_SEED, seed}}, 104));
    const auto finished = join("client finished", randoms);
    EXPECT_EQ(vault.derive(prf(master, finished, 12)).value(),
              openly("TLS1-PRF", {{OSSL_KDF_PARAM_SECRET, open}, {OSSL_KDF_PARAM_SEED, finished}}, 12));
  }
}

TEST(Vault, TheScheduleOfTls13IsThePeers) {
  Vault vault;
  const auto shared = exchange(vault);
  const auto early = vault.derive(extract({}, {})).value();
  const auto handshake = vault.derive(extract(early, shared.handle)).value();
  const Bytes transcript(32, 9);
  const auto traffic = vault.derive(expand(handshake, "c hs traffic", 32, transcript)).value();
  const auto key = vault.derive(expand(traffic, "key", 16)).value();
  const auto finished = vault.derive(expand(traffic, "finished", 32)).value();
  const auto tag = vault.derive(mac(finished, transcript)).value();

  const auto stage = [](const Bytes& before, const Bytes& input) {
    std::vector<std::pair<const char*, Bytes>> values = {{OSSL_KDF_PARAM_PREFIX, bytes_of("tls13 ")},
                                                         {OSSL_KDF_PARAM_LABEL, bytes_of("derived")}};
    if (!input.empty()) values.emplace_back(OSSL_KDF_PARAM_KEY, input);
    if (!before.empty()) values.emplace_back(OSSL_KDF_PARAM_SALT, before);
    return openly("TLS13-KDF", values, 32, EVP_KDF_HKDF_MODE_EXTRACT_ONLY);
  };
  const auto labelled = [](const Bytes& secret, std::string_view label, const Bytes& context,
                           std::size_t size) {
    std::vector<std::pair<const char*, Bytes>> values = {{OSSL_KDF_PARAM_PREFIX, bytes_of("tls13 ")},
                                                         {OSSL_KDF_PARAM_LABEL, bytes_of(label)},
                                                         {OSSL_KDF_PARAM_KEY, secret}};
    if (!context.empty()) values.emplace_back(OSSL_KDF_PARAM_DATA, context);
    return openly("TLS13-KDF", values, size, EVP_KDF_HKDF_MODE_EXPAND_ONLY);
  };
  const auto open_handshake = stage(stage({}, {}), shared.secret);
  const auto open_traffic = labelled(open_handshake, "c hs traffic", transcript, 32);
  EXPECT_EQ(key, labelled(open_traffic, "key", {}, 16));
  Bytes expected(32);
  std::size_t size = 0;
  const auto open_finished = labelled(open_traffic, "finished", {}, 32);
  EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, open_finished.data(), open_finished.size(),
            transcript.data(), transcript.size(), expected.data(), expected.size(), &size);
  EXPECT_EQ(tag, expected);
  for (const auto& handle : {early, handshake, traffic, finished}) {
    EXPECT_NE(handle, open_handshake);
    EXPECT_NE(handle, open_traffic);
    EXPECT_NE(handle, open_finished);
  }
}

// NC-1-2: RFC 4279, RFC 5489.
TEST(Vault, PreSharedKeysOfTls12) {
  Vault vault;
  const Bytes psk(20, 0x5a);
  const auto handle = vault.keep_psk(Secret(psk)).value();
  const auto shared = exchange(vault);
  const auto put_together = [](BytesView other, BytesView key) {
    ByteWriter out;
    out.u16(static_cast<std::uint16_t>(other.size()));
    out.raw(other);
    out.u16(static_cast<std::uint16_t>(key.size()));
    out.raw(key);
    return out.take();
  };
  const auto seed = join("master secret", Bytes(64, 3));
  const auto expansion = join("key expansion", Bytes(64, 3));
  const auto both = [&](BytesView inside, BytesView outside) {
    const auto master = vault.derive(prf(inside, seed, 48));
    ASSERT_TRUE(master) << master.error().why;
    const auto open =
        openly("TLS1-PRF", {{OSSL_KDF_PARAM_SECRET, to_bytes(outside)}, {OSSL_KDF_PARAM_SEED, seed}}, 48);
    EXPECT_EQ(vault.derive(prf(*master, expansion, 40)).value(),
              openly("TLS1-PRF", {{OSSL_KDF_PARAM_SECRET, open}, {OSSL_KDF_PARAM_SEED, expansion}}, 40));
  };
  both(put_together(shared.handle, handle), put_together(shared.secret, psk));
  both(put_together(Bytes(20, 0), handle), put_together(Bytes(20, 0), psk));
  // Neighbours: other zeros, the two in the wrong order, something behind.
  EXPECT_FALSE(vault.derive(prf(put_together(Bytes(19, 0), handle), seed, 48)));
  EXPECT_FALSE(vault.derive(prf(put_together(handle, shared.handle), seed, 48)));
  auto longer = put_together(shared.handle, handle);
  longer.push_back(0);
  EXPECT_FALSE(vault.derive(prf(longer, seed, 48)));
  EXPECT_EQ(vault.keep_psk(Secret(Bytes(15, 1))).error().error, ServiceError::limit);
  EXPECT_EQ(vault.keep_psk(Secret(Bytes(65, 1))).error().error, ServiceError::limit);
}

// Each of these would give away a secret that stays: HMAC under it, another label, another cut of the label.
TEST(Vault, NoStepGivesAwayWhatAnotherProtects) {
  Vault vault;
  const auto shared = exchange(vault).handle;
  const auto randoms = Bytes(64, 1);
  const auto master = vault.derive(prf(shared, join("master secret", randoms), 48)).value();
  const auto stage = vault.derive(extract({}, shared)).value();
  const auto traffic = vault.derive(expand(stage, "s ap traffic", 32, Bytes(32))).value();
  for (const auto& secret : {shared, master, stage, traffic})
    EXPECT_EQ(vault.derive(mac(secret, randoms)).error().error, ServiceError::invalid);
  for (const char* label : {"key expansion", "client finished", "", "m", "EXPORTER"})
    EXPECT_FALSE(vault.derive(prf(shared, join(label, randoms), 48))) << label;
  for (const char* label : {"master secret", "extended master secret", "anything", ""})
    EXPECT_FALSE(vault.derive(prf(master, join(label, randoms), 48))) << label;
  EXPECT_FALSE(vault.derive(prf(shared, join("master secret", randoms), 47)));
  EXPECT_FALSE(vault.derive(expand(shared, "key", 16)));
  EXPECT_FALSE(vault.derive(expand(master, "key", 16)));
  EXPECT_FALSE(vault.derive(extract(shared, stage)));
  EXPECT_FALSE(vault.derive(prf(stage, join("master secret", randoms), 48)));
  EXPECT_FALSE(vault.derive(expand(stage, "c hs traffic", 16)));  // a handle of half a secret
  const auto kept = vault.derive(expand(stage, "c hs traffic", 32)).value();
  EXPECT_EQ(vault.derive(expand(kept, "finished", 32)).value().size(), 32U);
  EXPECT_EQ(vault.derive(expand(kept, "iv", 12)).value().size(), 12U);
}

TEST(Vault, HandlesOfOthersCutOnesAndForgedOnesAreNone) {
  Vault vault;
  Vault other;
  const auto handle = vault.derive(extract({}, {})).value();
  EXPECT_TRUE(vault.derive(expand(handle, "key", 16)));
  EXPECT_EQ(other.derive(expand(handle, "key", 16)).error().error, ServiceError::invalid);
  for (std::size_t size = 0; size < handle.size(); ++size)
    EXPECT_FALSE(vault.derive(expand(BytesView(handle).first(size), "key", 16)));
  for (std::size_t at = 0; at < handle.size(); ++at) {
    auto changed = handle;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 1);
    EXPECT_FALSE(vault.derive(expand(changed, "key", 16))) << at;
  }
  EXPECT_FALSE(vault.agree(handle, Bytes(32, 9)));
}

// RFC 7748 6.1, RFC 8446 7.4.2: points of small order, and points that are none.
TEST(Vault, BadPointsAreRefused) {
  Vault vault;
  const auto refused = [&](TlsGroup group, const Bytes& point) {
    const auto share = vault.new_share(group).value();
    return !vault.agree(BytesView(share).first(keystore::kTlsHandle), point);
  };
  EXPECT_TRUE(refused(TlsGroup::x25519, Bytes(32, 0)));
  EXPECT_TRUE(refused(TlsGroup::x25519, Bytes(31, 9)));
  EXPECT_FALSE(refused(TlsGroup::x25519, Bytes(32, 9)));
  Bytes point(65, 0);
  point[0] = 4;
  EXPECT_TRUE(refused(TlsGroup::secp256r1, point));
  EXPECT_TRUE(refused(TlsGroup::secp256r1, Bytes(1, 0)));
  EXPECT_TRUE(refused(TlsGroup::secp256r1, Bytes(33, 2)));
}

TEST(Vault, TheOldestSecretsGiveWay) {
  Vault vault;
  const auto first = vault.derive(extract({}, {})).value();
  const auto second = vault.derive(extract({}, {})).value();
  for (std::size_t i = 2; i < Vault::kMaxSecrets; ++i) ASSERT_TRUE(vault.derive(extract({}, {})));
  EXPECT_TRUE(vault.derive(expand(first, "key", 16)));  // used now: the other one is the oldest
  ASSERT_TRUE(vault.derive(extract({}, {})));
  EXPECT_TRUE(vault.derive(expand(first, "key", 16)));
  EXPECT_FALSE(vault.derive(expand(second, "key", 16)));
  const auto share = vault.new_share(TlsGroup::x25519).value();
  for (std::size_t i = 0; i < Vault::kMaxShares; ++i) ASSERT_TRUE(vault.new_share(TlsGroup::x25519));
  EXPECT_FALSE(vault.agree(BytesView(share).first(keystore::kTlsHandle), Bytes(32, 9)));
}

}  // namespace
}  // namespace camvault::keystore_tls
