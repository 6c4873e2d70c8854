#include "dispatch.h"

#include "camvault/base/log.h"

namespace camvault::keystored {

using ipc::ResponseResult;
using keystore::Answer;
using keystore::Refusal;
using keystore_engine::Caller;
using keystore_engine::Engine;
namespace request = ipc::request;

namespace {
struct Handler {
  Engine& engine;
  const ServiceFacts& facts;
  const Caller& who;
  keystore_tls::Vault* vault;

  Answer<ResponseResult> operator()(const request::Status&) const {
    CAM_TRY(auto counts, engine.counts(who));
    if (counts.damaged.size() > ipc::kMaxDamagedListed) counts.damaged.resize(ipc::kMaxDamagedListed);
    return keystore::ServiceStatus{.version = facts.version,
                                   .keys = counts.keys,
                                   .damaged = std::move(counts.damaged),
                                   .mechanisms = facts.mechanisms,
                                   .backends = backends(),
                                   .root_key = engine.root_key()};
  }
  Answer<ResponseResult> operator()(const request::List& r) const {
    CAM_TRY(auto page, engine.list(who, r.after, ipc::kMaxListPage));
    return page;
  }
  Answer<ResponseResult> operator()(const request::Info& r) const {
    CAM_TRY(auto info, engine.info(who, r.key));
    return info;
  }
  Answer<ResponseResult> operator()(const request::Generate& r) const {
    CAM_TRY(auto info, engine.generate(who, r.key, r.type, r.policy, r.backend));
    return info;
  }
  Answer<ResponseResult> operator()(const request::Import& r) const {
    CAM_TRY(auto info, engine.import_key(who, r.key, r.type, r.policy, Secret(r.data)));
    return info;
  }
  Answer<ResponseResult> operator()(const request::Remove& r) const {
    CAM_TRY_STATUS(engine.remove(who, r.key));
    return std::monostate{};
  }
  Answer<ResponseResult> operator()(const request::PublicKey& r) const {
    return bytes(engine.public_key(who, r.key));
  }
  Answer<ResponseResult> operator()(const request::SignDigest& r) const {
    return bytes(engine.sign_digest(who, r.use, r.scheme, r.hash, r.digest));
  }
  Answer<ResponseResult> operator()(const request::SignMessage& r) const {
    return bytes(engine.sign_message(who, r.use, r.scheme, r.hash, r.message));
  }
  Answer<ResponseResult> operator()(const request::Random& r) const {
    return bytes(engine.random(who, r.count));
  }
  Answer<ResponseResult> operator()(const request::Encrypt& r) const {
    return bytes(engine.encrypt(who, r.use, r.plaintext, r.additional));
  }
  Answer<ResponseResult> operator()(const request::Decrypt& r) const {
    return revealed(engine.decrypt(who, r.use, r.sealed, r.additional));
  }
  Answer<ResponseResult> operator()(const request::Mac& r) const {
    return bytes(engine.mac(who, r.use, r.message));
  }
  Answer<ResponseResult> operator()(const request::Attest& r) const {
    return bytes(engine.attest(who, r.key, r.attester, r.nonce));
  }

  Answer<ResponseResult> operator()(const request::Move& r) const {
    CAM_TRY(auto info, engine.move(who, r.key, r.backend, r.mode));
    return info;
  }

  std::vector<keystore::BackendStatus> backends() const {
    auto all = engine.backends();
    for (std::size_t i = 0; i < all.size() && facts.silent; ++i) {
      const auto silent = facts.silent(i);
      if (!silent) continue;
      all[i].usable = false;
      all[i].health = "does not answer, for " + std::to_string(silent->count()) + " s now";
    }
    return all;
  }

  Answer<ResponseResult> operator()(const request::Certify& r) const {
    return bytes(engine.certify(who, r.key, r.nonce));
  }
  Answer<ResponseResult> operator()(const request::Attester& r) const {
    return bytes(engine.attester(who, r.key));
  }
  Answer<ResponseResult> operator()(const request::Activate& r) const {
    return revealed(engine.activate(who, r.key, r.credential));
  }
  Answer<ResponseResult> operator()(const request::Agree& r) const {
    return revealed(engine.agree(who, r.use, r.peer));
  }
  Answer<ResponseResult> operator()(const request::Compare& r) const {
    CAM_TRY(const bool same, engine.compare(who, r.use, r.candidate));
    return ResponseResult(same);
  }
  Answer<ResponseResult> operator()(const request::Derive& r) const {
    return revealed(engine.derive(who, r.use, r.derivation));
  }
  Answer<ResponseResult> operator()(const request::ReadCounter& r) const {
    CAM_TRY(const auto value, engine.read_counter(who, r.key));
    return ResponseResult(value);
  }
  Answer<ResponseResult> operator()(const request::IncrementCounter& r) const {
    CAM_TRY(const auto value, engine.increment_counter(who, r.key));
    return ResponseResult(value);
  }
  Answer<ResponseResult> operator()(const request::Seal& r) const {
    return bytes(engine.seal(who, r.key, r.plain, r.backend));
  }
  Answer<ResponseResult> operator()(const request::Unseal& r) const {
    return revealed(engine.unseal(who, r.key, r.sealed));
  }
  Answer<ResponseResult> operator()(const request::Backup& r) const {
    return bytes(engine.backup(who, r.key));
  }
  Answer<ResponseResult> operator()(const request::Restore& r) const {
    CAM_TRY(auto info, engine.restore(who, r.key, r.type, r.policy, Secret(r.data)));
    return info;
  }

  Answer<ResponseResult> operator()(const request::TlsShare& r) const {
    CAM_TRY_STATUS(engine.permit_tls_share(who));
    return bytes(vault->new_share(r.group));
  }
  Answer<ResponseResult> operator()(const request::TlsAgree& r) const {
    return bytes(vault->agree(r.share, r.peer));
  }
  Answer<ResponseResult> operator()(const request::TlsPsk& r) const {
    CAM_TRY(auto psk, engine.tls_psk(who, r.use));
    return bytes(vault->keep_psk(std::move(psk)));
  }
  Answer<ResponseResult> operator()(const request::TlsDerive& r) const {
    return bytes(vault->derive(r.derivation));
  }

  // The caller's own data, or what his key's policy gives him, on its way to him.
  static Answer<ResponseResult> revealed(Answer<Secret> answer) {
    CAM_TRY(const auto secret, std::move(answer));
    return secret.reveal([](BytesView bytes) { return ResponseResult(to_bytes(bytes)); });
  }
  static Answer<ResponseResult> bytes(Answer<Bytes> answer) {
    CAM_TRY(auto value, std::move(answer));
    return value;
  }
};

// Refusals by policy are in the audit already; what failed here is the operator's business.
void log_failure(const Caller& who, const ipc::Request& request, const Refusal& refusal) {
  using keystore::ServiceError;
  switch (refusal.error) {
    case ServiceError::denied:
    case ServiceError::not_found:
    case ServiceError::wrong_purpose:
    case ServiceError::wrong_algorithm:
      return;
    default:
      break;
  }
  const bool ours = refusal.error == ServiceError::internal || refusal.error == ServiceError::storage ||
                    refusal.error == ServiceError::damaged || refusal.error == ServiceError::unavailable;
  log(ours ? LogLevel::error : LogLevel::info, std::string(keystore::to_string(request.operation())) +
                                                   (request.key() ? " " + request.key()->text() : "") +
                                                   " for uid " + std::to_string(who.uid) +
                                                   " failed: " + refusal.why);
}
}  // namespace

ipc::Response dispatch(Engine& engine, const ServiceFacts& facts, const Caller& who,
                       keystore_tls::Vault* vault, const ipc::Request& request) {
  ipc::Response response{.id = request.id, .error = {}, .result = {}};
  auto answer = std::visit(Handler{engine, facts, who, vault}, request.body);
  if (answer) {
    response.result = std::move(*answer);
  } else {
    log_failure(who, request, answer.error());
    response.error = answer.error().error;
  }
  return response;
}

}  // namespace camvault::keystored
