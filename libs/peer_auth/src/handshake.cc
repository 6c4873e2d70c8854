#include "camvault/peer_auth/handshake.h"

#include <algorithm>

#include "camvault/base/byte_writer.h"
#include "messages.h"

namespace camvault::peer_auth {

using crypto::HashAlg;

namespace {
constexpr std::string_view kLabel = "Camvault peer authentication 1";
constexpr std::size_t kMaxContext = 256;

enum class Side : std::uint8_t { initiator = 1, responder = 2 };

Status check(const Setup& setup) {
  if (setup.environment.engine == nullptr || setup.environment.clock == nullptr || setup.ours == nullptr ||
      setup.peers == nullptr)
    return fail(Errc::usage, "the handshake lacks a part");
  if (setup.peers->anchors.empty()) return fail(Errc::denied, "a policy that trusts nobody believes nobody");
  if (setup.ours->chain().size() > kMaxChain)
    return fail(Errc::usage, "a device shows at most 4 certificates");
  if (setup.context.size() > kMaxContext) return fail(Errc::usage, "a context has at most 256 bytes");
  return ok();
}

std::vector<Bytes> own_chain(const Setup& setup) {
  std::vector<Bytes> out;
  for (const auto& certificate : setup.ours->chain()) out.push_back(certificate.der);
  return out;
}

Bytes fresh_nonce(const Setup& setup) {
  Bytes nonce(kNonce);
  setup.environment.engine->random(nonce);
  return nonce;
}

// Both nonces and both leaves: a signature is worth nothing to anybody else, at any other time, on any other
// link, or as the other side's. All fields but the last have one size.
Bytes statement(const Setup& setup, Side who, BytesView initiator_nonce, BytesView responder_nonce,
                BytesView initiator_leaf, BytesView responder_leaf) {
  const auto& engine = *setup.environment.engine;
  ByteWriter out;
  out.raw(as_bytes(kLabel));
  out.u8(static_cast<std::uint8_t>(who));
  out.raw(initiator_nonce);
  out.raw(responder_nonce);
  out.raw(engine.digest(HashAlg::sha256, initiator_leaf).view());
  out.raw(engine.digest(HashAlg::sha256, responder_leaf).view());
  out.raw(setup.context);
  return out.take();
}

Result<Bytes> sign(const Setup& setup, BytesView words) {
  auto& key = *setup.ours->key();
  if (key.alg() == crypto::KeyAlg::ed25519) return key.sign_message(words);
  return key.sign(crypto::default_scheme(key.alg()), HashAlg::sha256,
                  setup.environment.engine->digest(HashAlg::sha256, words));
}

bool is_signed(const Setup& setup, const crypto::PublicKey& key, BytesView words, BytesView signature) {
  if (key.alg() == crypto::KeyAlg::ed25519) return key.verify_message(words, signature);
  return key.verify_digest(crypto::default_scheme(key.alg()), HashAlg::sha256,
                           setup.environment.engine->digest(HashAlg::sha256, words), signature);
}

Result<Peer> judged(const Setup& setup, const std::vector<Bytes>& chain) {
  if (equal(chain.front(), setup.ours->leaf().der)) return fail(Errc::denied, "the other side is ourselves");
  const auto& engine = *setup.environment.engine;
  std::vector<crypto::Certificate> certificates;
  for (const auto& der : chain) {
    auto certificate = engine.certificate_from_der(der);
    if (!certificate) return fail(Errc::malformed, "a certificate that cannot be read");
    certificates.push_back(std::move(*certificate));
  }
  auto judgement =
      tls::judge(engine, *setup.peers, tls::Role::client, certificates, {}, setup.environment.clock->now());
  if (!judgement.good()) return fail(Errc::invalid, judgement.reason);
  return Peer{std::move(judgement.path)};
}
}  // namespace

Result<Initiator> Initiator::create(Setup setup) {
  CAM_TRY_STATUS(check(setup));
  Initiator out;
  out.nonce_ = fresh_nonce(setup);
  CAM_TRY(out.hello_, encode(Hello{out.nonce_, own_chain(setup)}));
  out.setup_ = std::move(setup);
  return out;
}

Result<Bytes> Initiator::answer(BytesView message) {
  if (std::exchange(used_, true)) return fail(Errc::usage, "a handshake is used once");
  CAM_TRY(const auto challenge, decode_challenge(message));
  CAM_TRY(auto peer, judged(setup_, challenge.chain));
  const auto words = [&](Side side) {
    return statement(setup_, side, nonce_, challenge.nonce, setup_.ours->leaf().der, challenge.chain.front());
  };
  if (!is_signed(setup_, *peer.path.front().key, words(Side::responder), challenge.signature))
    return fail(Errc::invalid, "the other side does not have the key of its certificate");
  CAM_TRY(auto signature, sign(setup_, words(Side::initiator)));
  CAM_TRY(auto finish, encode(Finish{std::move(signature)}));
  peer_ = std::move(peer);
  return finish;
}

Result<Responder> Responder::create(Setup setup) {
  CAM_TRY_STATUS(check(setup));
  Responder out;
  out.setup_ = std::move(setup);
  return out;
}

Result<Bytes> Responder::challenge(BytesView message) {
  if (state_ != State::fresh) return fail(Errc::usage, "a handshake is used once");
  state_ = State::done;
  CAM_TRY(const auto hello, decode_hello(message));
  CAM_TRY(candidate_, judged(setup_, hello.chain));
  const auto nonce = fresh_nonce(setup_);
  const auto words = [&](Side side) {
    return statement(setup_, side, hello.nonce, nonce, hello.chain.front(), setup_.ours->leaf().der);
  };
  expected_ = words(Side::initiator);
  CAM_TRY(auto signature, sign(setup_, words(Side::responder)));
  CAM_TRY(auto out, encode(Challenge{nonce, own_chain(setup_), std::move(signature)}));
  state_ = State::challenged;
  return out;
}

Status Responder::finish(BytesView message) {
  if (std::exchange(state_, State::done) != State::challenged)
    return fail(Errc::usage, "a handshake is used once, in its order");
  CAM_TRY(const auto finish, decode_finish(message));
  if (!is_signed(setup_, *candidate_.path.front().key, expected_, finish.signature))
    return fail(Errc::invalid, "the other side does not have the key of its certificate");
  peer_ = std::move(candidate_);
  return ok();
}

}  // namespace camvault::peer_auth
