#include "camvault/brski/pledge.h"

#include "camvault/base/file.h"
#include "camvault/brski/brski.h"
#include "camvault/crypto_openssl/certificate_extensions.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/enrolment/device_credential.h"
#include "camvault/enrolment/tls_transport.h"

namespace camvault::brski {

namespace {
constexpr std::size_t kMaxPem = 256 * 1024;
constexpr std::size_t kNonceSize = 16;

http::Request post(Operation operation, std::string_view type, BytesView body) {
  http::Request out;
  out.method = "POST";
  out.target = std::string(path_of(operation));
  out.headers.add("Content-Type", std::string(type));
  out.headers.add("Accept",
                  operation == Operation::requestvoucher ? std::string(voucher::kMediaType) : "*/*");
  out.body = to_bytes(body);
  return out;
}

}  // namespace

Pledge::Pledge(const tls::Environment& environment, std::shared_ptr<keystore::Keystore> keystore,
               PledgeSettings settings)
    : environment_(environment), keystore_(std::move(keystore)), settings_(std::move(settings)) {}

std::string Pledge::server_url() const {
  return "https://" + settings_.server.authority() + settings_.server.target;
}

Result<std::vector<crypto::Certificate>> Pledge::pinned() const {
  return environment_.engine->certificates_from_pem(owner_.pinned_pem, 1);
}

// RFC 8995 5.2: the request goes over the connection that it speaks about.
Result<voucher::SignedVoucher> Pledge::ask(enrolment::TlsTransport& transport, const voucher::Nonce& nonce,
                                           Bytes& message) {
  CAM_TRY(auto* connection, transport.connection());
  if (connection->peer_chain().empty())
    return fail(Errc::invalid, "the registrar shows no certificate that can be read");
  const auto& floor = factory_->leaf().not_before;
  const auto now = environment_.clock->now();
  voucher::VoucherRequest request;
  if (now >= floor) request.created_on = now;  // a clock that is surely wrong is not quoted
  request.assertion = voucher::Assertion::proximity;
  request.serial_number = factory_->leaf().device_serial;
  request.nonce = nonce;
  request.proximity_registrar_cert = connection->peer_chain().front().der;
  CAM_TRY(const auto body,
          voucher::sign_request(*factory_->key(), factory_->chain(), request, std::max(now, floor)));
  CAM_TRY(auto response, transport.exchange(post(Operation::requestvoucher, voucher::kMediaType, body)));
  retry_after_ = http::retry_after(response);
  const auto said = "the registrar answers with status " + std::to_string(response.status);
  if (response.status == 202 || response.status == 429 || response.status >= 500)
    return fail(Errc::unavailable, said);
  if (response.status != 200) return fail(Errc::denied, said);
  if (http::media_type(response.headers.get("Content-Type")) != voucher::kMediaType)
    return fail(Errc::malformed, "the registrar answers with another kind of message than a voucher");
  message = std::move(response.body);
  return voucher::open_voucher(*environment_.engine, message);
}

// RFC 8995 5.6.1 and 5.6.2: first the voucher, then, by what it pins, who is at the other end.
Status Pledge::believe(tls::Connection& connection, const voucher::SignedVoucher& voucher,
                       const voucher::Nonce& nonce, crypto::Certificate& pinned) const {
  voucher::Expected expected;
  expected.anchors = settings_.masa_anchors;
  expected.crls = settings_.lists;
  expected.idevid = factory_->leaf();
  expected.nonce = nonce;
  expected.now = environment_.clock->now();
  expected.not_earlier_than = factory_->leaf().not_before;
  CAM_TRY(pinned, voucher::judge(*environment_.engine, voucher, expected));
  tls::Policy owner;
  owner.anchors = {pinned};
  owner.crls = settings_.lists;
  owner.not_earlier_than = std::max(expected.not_earlier_than, pinned.not_before);
  owner.revocation_required = voucher.content.domain_cert_revocation_checks.value_or(false);
  const auto judged = connection.judge_peer(owner);
  if (!judged)
    return fail(Errc::invalid,
                "the voucher is for another owner than this registrar's: " + judged.error().what);
  // Below an owner's CA there are many: other cameras, for one.
  const auto& registrar = connection.peer_path().front();
  if (!equal(registrar.der, pinned.der) &&
      !crypto_openssl::lists_key_usage(registrar, voucher::kRegistrarUsage))
    return fail(Errc::invalid, "who answers is not the owner's registrar by its certificate (id-kp-cmcRA)");
  return ok();
}

Status Pledge::request_voucher() {
  if (settings_.masa_anchors.empty()) {
    const auto file = settings_.folder / kMasaAnchors;
    const auto pem = read_file(file, kMaxPem);
    if (!pem)
      return fail(Errc::not_found,
                  "the camera does not know who signs vouchers of its maker: " + file.string());
    CAM_TRY(settings_.masa_anchors, environment_.engine->certificates_from_pem(as_text(*pem)));
  }
  Bytes random(kNonceSize);
  environment_.engine->random(random);
  const auto nonce = voucher::Nonce::of(random);
  CAM_TRY(const auto context, tls::Context::provisional_client(environment_, factory_));
  enrolment::TlsTransport transport(context, settings_.server, settings_.timeout, settings_.addresses);
  Bytes message;
  auto voucher = ask(transport, nonce, message);
  if (!voucher && message.empty()) return tl::unexpected(voucher.error());
  crypto::Certificate pinned;
  auto* connection = transport.open_connection();
  auto believed = !voucher ? Status(tl::unexpected(voucher.error()))
                  : connection == nullptr
                      ? Status(fail(Errc::unavailable, "the registrar hung up before it was believed"))
                      : believe(*connection, *voucher, nonce, pinned);
  if (believed) {
    owner_ = {server_url(), crypto_openssl::certificate_pem(pinned), std::move(message), false};
    believed = write_owner(settings_.folder, owner_);
  }
  // RFC 8995 5.7, also to a registrar that is not believed. Nobody waits for what it says to that.
  const auto told = write_telemetry({believed.has_value(), believed ? "" : believed.error().what});
  if (connection != nullptr)
    static_cast<void>(
        transport.exchange(post(Operation::voucher_status, "application/json", as_bytes(told))).has_value());
  return believed;
}

Result<enrolment::Enrolled> Pledge::enrol() {
  enrolment::EnrolSettings settings;
  settings.server = settings_.server;
  settings.addresses = settings_.addresses;
  settings.folder = settings_.folder;
  CAM_TRY(settings.trust, pinned());
  settings.crls = settings_.lists;
  settings.key_type = settings_.key_type;
  settings.timeout = settings_.timeout;
  return enrolment::Enroller(environment_, keystore_, std::move(settings)).enrol();
}

// RFC 8995 5.9.4.
Status Pledge::report(bool good, const std::string& reason) {
  tls::Policy policy;
  CAM_TRY(policy.anchors, pinned());
  policy.crls = settings_.lists;
  policy.not_earlier_than = std::max(factory_->leaf().not_before, policy.anchors.front().not_before);
  CAM_TRY(const auto context, tls::Context::client(environment_, policy, factory_));
  enrolment::TlsTransport transport(context, settings_.server, settings_.timeout, settings_.addresses);
  CAM_TRY(const auto answer, transport.exchange(post(Operation::enrollstatus, "application/json",
                                                     as_bytes(write_telemetry({good, reason})))));
  if (answer.status != 200) return fail(Errc::unavailable, "the registrar did not take the status");
  if (!good) return ok();
  owner_.reported = true;
  return write_owner(settings_.folder, owner_);
}

Result<Onboarded> Pledge::onboard() {
  CAM_TRY(factory_, enrolment::factory_credential(*environment_.engine, *keystore_, settings_.folder));
  CAM_TRY(owner_, read_owner(settings_.folder));
  CAM_TRY(const auto identity, enrolment::read_local_identity(settings_.folder));
  Onboarded out;
  if (owner_.pinned_pem.empty() && identity.active)
    return fail(Errc::exists, "the camera has an owner, who brought it in by hand: " + identity.server);
  // Without an identity there, an owner is only believed as long as it is the registrar that was asked for.
  const bool by_voucher = owner_.pinned_pem.empty() || !owner_.voucher.empty();
  out.voucher_is_new =
      owner_.pinned_pem.empty() || (by_voucher && !identity.active && owner_.server != server_url());
  if (out.voucher_is_new) CAM_TRY_STATUS(request_voucher());
  auto enrolled = enrol();
  if (!enrolled) {
    const auto code = enrolled.error().code;
    if (code == Errc::denied || code == Errc::invalid)
      static_cast<void>(report(false, enrolled.error().what).has_value());
    // The owner's CA is another one now? The next call asks for a new voucher: the maker decides.
    if (code == Errc::invalid && by_voucher && !identity.active)
      CAM_TRY_STATUS(forget_owner(settings_.folder));
    return tl::unexpected(enrolled.error());
  }
  out.enrolled = std::move(*enrolled);
  if (!owner_.reported) {
    const auto reported = report(true, {});
    if (!reported) out.note = "the registrar could not be told that all went well: " + reported.error().what;
  }
  CAM_TRY(auto owners, pinned());
  out.owner = std::move(owners.front());
  if (owner_.voucher.empty()) return out;
  CAM_TRY(auto voucher, voucher::open_voucher(*environment_.engine, owner_.voucher));
  out.voucher = std::move(voucher.content);
  return out;
}

}  // namespace camvault::brski
