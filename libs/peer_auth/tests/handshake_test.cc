// NA-2.2-1: both directions pass; replay, swapped nonce, foreign CA and all the rest fail.
#include "camvault/peer_auth/handshake.h"

#include <gtest/gtest.h>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/refusals/corpus.h"

namespace camvault::peer_auth {
namespace {

struct World {
  SystemClock clock;
  std::unique_ptr<crypto::Engine> engine = crypto_openssl::make_openssl_engine();
  refusals::Corpus cameras{{false, {}, "CAM-000001", clock.now()}};
  refusals::Corpus doors{{false, {}, "DOOR-00001", clock.now()}};  // another maker

  static tls::Policy trust(const refusals::Corpus& corpus) {
    tls::Policy policy;
    policy.anchors = corpus.anchors();
    policy.crls = corpus.lists();
    return policy;
  }
  std::shared_ptr<const tls::Credential> credential(const refusals::Case& identity) const {
    return tls::Credential::create(engine->certificates_from_pem(identity.chain_pem).value(),
                                   crypto_openssl::LocalKey::from_pem(identity.key_pem).value())
        .value();
  }
  tls::Environment environment() const { return {engine.get(), &clock}; }
};
const World& world() {
  static const World kWorld;
  return kWorld;
}

struct Device {
  std::shared_ptr<const tls::Credential> credential;
  tls::Policy peers;
  Bytes context = to_bytes(as_bytes("rs485 channel 3"));

  Setup setup() const { return {world().environment(), credential.get(), &peers, context}; }
  Initiator initiator() const { return Initiator::create(setup()).value(); }
  Responder responder() const { return Responder::create(setup()).value(); }
};
Device camera() {
  return {world().credential(world().cameras.good()), World::trust(world().doors)};
}
Device door() {
  return {world().credential(world().doors.good()), World::trust(world().cameras)};
}

TEST(PeerAuth, BothKnowEachOtherInBothDirectionsWithEveryKey) {
  for (const auto alg : {crypto::KeyAlg::ec_p256, crypto::KeyAlg::ec_p384, crypto::KeyAlg::rsa_2048,
                         crypto::KeyAlg::ed25519}) {
    SCOPED_TRACE(std::string(to_string(alg)));
    const Device a{world().credential(world().cameras.good_of(alg)), World::trust(world().doors)};
    const auto b = door();
    for (const bool turned : {false, true}) {
      auto initiator = (turned ? b : a).initiator();
      auto responder = (turned ? a : b).responder();
      const auto challenge = responder.challenge(initiator.hello());
      ASSERT_TRUE(challenge) << challenge.error().what;
      EXPECT_EQ(responder.peer().serial(), "");  // nothing is proven yet
      const auto finish = initiator.answer(*challenge);
      ASSERT_TRUE(finish) << finish.error().what;
      EXPECT_EQ(initiator.peer().serial(), turned ? "CAM-000001" : "DOOR-00001");
      ASSERT_TRUE(responder.finish(*finish));
      EXPECT_EQ(responder.peer().serial(), turned ? "DOOR-00001" : "CAM-000001");
    }
  }
}

TEST(PeerAuth, ReplayedMessagesProveNothing) {
  const auto a = camera();
  const auto b = door();
  auto initiator = a.initiator();
  auto responder = b.responder();
  const auto challenge = responder.challenge(initiator.hello()).value();
  const auto finish = initiator.answer(challenge).value();
  ASSERT_TRUE(responder.finish(finish));
  // All that was said, said again to somebody else.
  auto again = b.responder();
  ASSERT_TRUE(again.challenge(initiator.hello()));
  EXPECT_EQ(again.finish(finish).error().code, Errc::invalid);
  EXPECT_EQ(again.peer().serial(), "");
  auto another = a.initiator();
  EXPECT_EQ(another.answer(challenge).error().code, Errc::invalid);
  // And a handshake is used once.
  EXPECT_EQ(responder.finish(finish).error().code, Errc::usage);
  EXPECT_EQ(responder.challenge(initiator.hello()).error().code, Errc::usage);
  EXPECT_EQ(initiator.answer(challenge).error().code, Errc::usage);
}

TEST(PeerAuth, SignaturesOfOneSideAreNotTheOthers) {
  const auto a = camera();
  const auto b = door();
  // Our own messages, sent back.
  auto initiator = a.initiator();
  auto mirror = a.responder();
  EXPECT_EQ(mirror.challenge(initiator.hello()).error().code, Errc::denied);
  // The responder's signature, as the initiator's.
  auto responder = b.responder();
  const auto challenge = responder.challenge(initiator.hello()).value();
  auto second = b.responder();
  ASSERT_TRUE(second.challenge(initiator.hello()));
  EXPECT_FALSE(second.finish(challenge));
}

TEST(PeerAuth, EveryChangedByteIsRefused) {
  const auto a = camera();
  const auto b = door();
  auto reference = a.initiator();
  const auto challenge_bytes = b.responder().challenge(reference.hello()).value().size();
  for (std::size_t at = 0; at < challenge_bytes; at += 7) {
    auto initiator = a.initiator();
    auto responder = b.responder();
    auto challenge = responder.challenge(initiator.hello()).value();
    if (at >= challenge.size()) break;
    challenge[at] = static_cast<std::uint8_t>(challenge[at] ^ 0x20);
    EXPECT_FALSE(initiator.answer(challenge)) << at;
  }
  for (std::size_t at = 0; at < reference.hello().size(); at += 7) {
    auto initiator = a.initiator();
    auto responder = b.responder();
    auto hello = initiator.hello();
    hello[at] = static_cast<std::uint8_t>(hello[at] ^ 0x20);
    const auto challenge = responder.challenge(hello);
    EXPECT_FALSE(challenge && initiator.answer(*challenge)) << at;  // a swapped nonce among them
  }
  for (std::size_t size = 0; size < reference.hello().size(); ++size)
    EXPECT_EQ(b.responder().challenge(BytesView(reference.hello()).first(size)).error().code,
              Errc::malformed);
  EXPECT_FALSE(b.responder().challenge(Bytes(kMaxMessage + 1)));
}

TEST(PeerAuth, AnotherLinkIsAnotherHandshake) {
  const auto a = camera();
  auto b = door();
  b.context = to_bytes(as_bytes("rs485 channel 4"));
  auto initiator = a.initiator();
  auto responder = b.responder();
  EXPECT_EQ(initiator.answer(responder.challenge(initiator.hello()).value()).error().code, Errc::invalid);
}

// Missing intermediate, expired, not yet valid, revoked, foreign CA, non-CA signer, weak key, wrong usage.
TEST(PeerAuth, NobodyTakesTheCertificatesThatNobodyMayTake) {
  const auto b = door();
  int refused = 0;
  for (const auto& identity : world().cameras.bad()) {
    // A good certificate of another device (the caller's list says who may come), and a key that is so weak
    // that not even our own side takes it.
    if (identity.by_name || !crypto_openssl::LocalKey::from_pem(identity.key_pem)) continue;
    SCOPED_TRACE(identity.name);
    const Device a{world().credential(identity), World::trust(world().doors)};
    EXPECT_EQ(b.responder().challenge(a.initiator().hello()).error().code, Errc::invalid);
    auto initiator = b.initiator();
    auto responder = a.responder();
    const auto challenge = responder.challenge(initiator.hello());
    ASSERT_TRUE(challenge);
    EXPECT_EQ(initiator.answer(*challenge).error().code, Errc::invalid);
    ++refused;
  }
  EXPECT_GE(refused, 8);
  Device nobody{b.credential, {}};
  EXPECT_EQ(Initiator::create(nobody.setup()).error().code, Errc::denied);
}

}  // namespace
}  // namespace camvault::peer_auth
