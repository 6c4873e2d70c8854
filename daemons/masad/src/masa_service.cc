#include "masa_service.h"

#include "camvault/base/base64.h"
#include "camvault/base/file.h"
#include "camvault/base/log.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/service/own_ca.h"

namespace camvault::masad {

namespace {
constexpr std::size_t kMaxPem = 64 * 1024;
const Timestamp kNoEnd = from_unix_seconds(253'402'300'799);  // cameras have it for as long as they exist

http::Response give(std::string_view type, BytesView body) {
  http::Response out;
  out.headers.add("Content-Type", std::string(type));
  out.body = to_bytes(body);
  return out;
}

// A certificate that says nothing but whose the key is: it is trusted as it is, by cameras that have it.
Result<crypto::Certificate> open_signer(const std::filesystem::path& file, const crypto::Engine& engine,
                                        crypto::SigningKey& key, const std::string& organization,
                                        Timestamp now) {
  const auto pem = read_file(file, kMaxPem);
  if (pem) {
    CAM_TRY(auto certificates, engine.certificates_from_pem(as_text(*pem), 1));
    if (certificates.empty() || certificates.front().key->spki_der() != key.spki_der())
      return fail(Errc::invalid, file.string() + " is not the certificate of the key masa/voucher");
    return std::move(certificates.front());
  }
  if (pem.error().code != Errc::not_found) return tl::unexpected(pem.error());
  crypto_openssl::CertificateProfile profile;
  profile.not_before = now - service::kBackdated;
  profile.not_after = kNoEnd;
  crypto_openssl::SubjectName subject;
  subject.organization = organization;
  subject.common_name = "MASA";
  CAM_TRY(auto made, crypto_openssl::issue_self_signed(key, subject, profile, service::new_number(engine)));
  CAM_TRY_STATUS(write_file_atomically(file, as_bytes(crypto_openssl::certificate_pem(made))));
  return made;
}
}  // namespace

Result<std::unique_ptr<MasaService>> MasaService::open(const std::filesystem::path& folder,
                                                       const tls::Environment& environment,
                                                       keystore::Keystore& keystore, Owners& owners,
                                                       MasaSettings settings) {
  auto out = std::unique_ptr<MasaService>(new MasaService(environment, owners, std::move(settings)));
  const auto& engine = *environment.engine;
  const auto now = environment.clock->now();
  const auto& organization = out->settings_.organization;
  CAM_TRY(out->signer_key_, service::made_key(keystore, "masa/voucher", keystore::Purpose::ca_signing));
  CAM_TRY(out->ca_key_, service::made_key(keystore, "masa/ca", keystore::Purpose::ca_signing));
  CAM_TRY(out->tls_key_, service::made_key(keystore, "masa/tls", keystore::Purpose::tls));
  CAM_TRY(out->signer_, open_signer(folder / kSignerFile, engine, *out->signer_key_, organization, now));
  CAM_TRY(out->ca_,
          service::open_own_ca(folder / kCaFile, engine, *out->ca_key_, organization, "MASA CA", now));
  CAM_TRY_STATUS(out->context());
  return out;
}

// Registrars prove themselves with their requests (RFC 8995 5.5), not in TLS.
Result<std::shared_ptr<const tls::Context>> MasaService::context() {
  const auto now = environment_.clock->now();
  const std::lock_guard lock(mutex_);
  if (context_ != nullptr && now < context_until_) return context_;
  CAM_TRY(auto credential,
          service::server_credential(*environment_.engine, *ca_key_, ca_, tls_key_,
                                     {settings_.organization, "masad", settings_.names, {}}, now));
  CAM_TRY(auto made,
          tls::Context::server(environment_, std::move(credential), tls::ClientCertificates::none, {}));
  context_ = std::make_shared<const tls::Context>(std::move(made));
  context_until_ = now + service::kServerValidity / 2;
  return context_;
}

// Whether this owner may have it, and on what grounds.
Result<voucher::Assertion> MasaService::decide(const brski::MasaRequest& request,
                                               const std::string& domain_id) {
  const auto seen = request.proximity ? voucher::Assertion::proximity : voucher::Assertion::logged;
  switch (settings_.policy) {
    case OwnerPolicy::sales_list: {
      const auto sold = settings_.sales.find(request.serial);
      if (sold == settings_.sales.end() || sold->second != domain_id)
        return fail(Errc::denied, "the device was not sold to this owner");
      return voucher::Assertion::verified;
    }
    case OwnerPolicy::first_owner: {
      CAM_TRY(const auto owner, owners_.claim(request.serial, domain_id, environment_.clock->now()));
      if (owner != domain_id) return fail(Errc::denied, "the device has another owner");
      return seen;
    }
    case OwnerPolicy::logged:
      break;
  }
  return seen;
}

// Written down before it is given away.
Result<Bytes> MasaService::give_voucher(const brski::MasaRequest& request) {
  const auto now = environment_.clock->now();
  const auto domain_id = write_base64(request.domain_id);
  CAM_TRY(const auto assertion, decide(request, domain_id));
  const auto voucher = brski::voucher_for(request, assertion, now, settings_.nonceless_validity);
  CAM_TRY(auto message, voucher::sign_voucher(*signer_key_, {signer_}, voucher, now));
  CAM_TRY_STATUS(owners_.note({to_hex(service::new_number(*environment_.engine)),
                               request.serial,
                               {to_iso8601(now), domain_id, request.nonce ? request.nonce->text() : "NULL",
                                std::string(voucher::to_string(assertion))},
                               request.registrar.subject}));
  return message;
}

// RFC 8995 5.8: for who got a voucher for the device, and nobody else.
Result<std::string> MasaService::audit_log(const brski::MasaRequest& request) {
  CAM_TRY(const auto asked, owners_.has_asked(request.serial, write_base64(request.domain_id)));
  if (!asked) return fail(Errc::denied, "the log is for owners of the device");
  CAM_TRY(const auto events, owners_.events(request.serial));
  CAM_TRY(const auto count, owners_.count(request.serial));
  return brski::write_audit_log(events, count - std::min<std::uint64_t>(count, events.size()));
}

http::Response MasaService::answer(const http::Request& request, tls::Connection& connection) {
  static_cast<void>(connection);
  const auto operation = brski::operation_of(request.path());
  const bool vouches = operation == brski::Operation::requestvoucher;
  if (!vouches && operation != brski::Operation::requestauditlog) return brski::plain_answer(404);
  if (request.method != "POST") return brski::plain_answer(405);
  if (http::media_type(request.headers.get("Content-Type")) != voucher::kMediaType)
    return brski::plain_answer(415);
  const auto refuse = [&](const std::string& who, const Error& error) {
    log(LogLevel::info, "masad: " + who + " refused: " + error.what);
    return brski::plain_answer(brski::status_of(error));
  };
  const auto asked = brski::check_registrar_request(*environment_.engine, request.body, settings_.rules,
                                                    environment_.clock->now());
  if (!asked) return refuse("a request", asked.error());
  const auto who = asked->serial + ", for " + asked->pinned.subject;
  if (!vouches) {
    const auto text = audit_log(*asked);
    return text ? give("application/json", as_bytes(*text)) : refuse(who, text.error());
  }
  const auto message = give_voucher(*asked);
  if (!message) return refuse(who, message.error());
  log(LogLevel::info, "masad: a voucher for " + who);
  return give(voucher::kMediaType, *message);
}

}  // namespace camvault::masad
