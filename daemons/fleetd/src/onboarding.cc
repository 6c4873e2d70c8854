#include "onboarding.h"

#include "camvault/base/base64.h"
#include "camvault/base/log.h"
#include "camvault/brski/masa.h"
#include "camvault/service/own_ca.h"

namespace camvault::fleetd {

namespace {
http::Request post(brski::Operation operation, BytesView body) {
  http::Request out;
  out.method = "POST";
  out.target = std::string(brski::path_of(operation));
  out.headers.add("Content-Type", std::string(voucher::kMediaType));
  out.headers.add("Accept", operation == brski::Operation::requestvoucher ? std::string(voucher::kMediaType)
                                                                          : "application/json");
  out.body = to_bytes(body);
  return out;
}
}  // namespace

Status Onboarding::note(const std::string& serial, const char* event, const std::string& detail,
                        const std::string& document) {
  log(LogLevel::info, "fleetd: " + serial + ": " + event + (detail.empty() ? "" : ": " + detail));
  return store_.note({to_hex(service::new_number(*environment_.engine)), serial,
                      to_iso8601(environment_.clock->now()), event, detail, document});
}

http::Response Onboarding::answer(const http::Request& request,
                                  const std::vector<crypto::Certificate>& path) {
  const auto operation = brski::operation_of(request.path());
  if (!operation || *operation == brski::Operation::requestauditlog) return brski::plain_answer(404);
  if (request.method != "POST") return brski::plain_answer(405);
  const auto kind = authority_.kind_of(path);
  if (path.empty()) return brski::plain_answer(401);
  if (kind != PeerKind::device && kind != PeerKind::member) return brski::plain_answer(403);
  const auto& peer = path.front();
  if (*operation != brski::Operation::requestvoucher)
    return take_status(request, peer.device_serial, *operation);
  // A voucher is asked for by a device of its maker: one with an identity of ours has an owner.
  return kind == PeerKind::device ? request_voucher(request, peer) : brski::plain_answer(403);
}

http::Response Onboarding::request_voucher(const http::Request& request, const crypto::Certificate& idevid) {
  const auto& serial = idevid.device_serial;
  const auto refuse = [&](const Error& error) {
    static_cast<void>(note(serial, "refused", error.what).has_value());
    return brski::plain_answer(brski::status_of(error));
  };
  if (http::media_type(request.headers.get("Content-Type")) != voucher::kMediaType)
    return brski::plain_answer(415);
  const auto allowed = store_.is_allowed(serial);
  if (!allowed) return brski::plain_answer(503);
  if (!*allowed) return refuse({Errc::denied, "the device is not on the list"});
  const auto registrar = authority_.credential();
  const auto pledge =
      brski::check_pledge_request(*environment_.engine, request.body, idevid, registrar->leaf());
  if (!pledge) return refuse(pledge.error());
  auto voucher = ask_masa(idevid, request.body, *pledge, *registrar);
  if (!voucher) return refuse(voucher.error());
  // Written down before it is given away.
  if (!note(serial, "voucher", "", to_hex(*voucher))) return brski::plain_answer(503);
  http::Response out;
  out.headers.add("Content-Type", std::string(voucher::kMediaType));
  out.body = std::move(*voucher);
  return out;
}

Result<Bytes> Onboarding::ask_masa(const crypto::Certificate& idevid, BytesView message,
                                   const voucher::VoucherRequest& pledge, const tls::Credential& registrar) {
  if (settings_.masa_anchors.empty())
    return fail(Errc::denied, "zero touch is not set up here (masa_anchors)");
  CAM_TRY(const auto url, voucher::masa_url(idevid));
  CAM_TRY(const auto server, http::parse_url(url));
  CAM_TRY(const auto asked, brski::make_registrar_request(registrar, authority_.ca(), idevid, message, pledge,
                                                          environment_.clock->now()));
  tls::Policy makers;
  makers.anchors = settings_.masa_anchors;
  makers.crls = settings_.masa_lists;
  CAM_TRY(const auto context, tls::Context::client(environment_, makers));
  enrolment::TlsTransport masa(context, server, settings_.timeout);
  auto answer = masa.exchange(post(brski::Operation::requestvoucher, asked));
  if (!answer) return fail(Errc::unavailable, "the maker's service: " + answer.error().what);
  const auto said = "the maker's service answers with status " + std::to_string(answer->status);
  if (answer->status == 202 || answer->status == 429 || answer->status >= 500)
    return fail(Errc::unavailable, said);
  if (answer->status != 200) return fail(Errc::denied, said);
  if (http::media_type(answer->headers.get("Content-Type")) != voucher::kMediaType)
    return fail(Errc::unavailable, "the maker's service answers with another kind of message than a voucher");
  const auto fits =
      brski::check_voucher(*environment_.engine, answer->body, pledge, registrar, authority_.ca());
  if (!fits) return fail(Errc::unavailable, "the maker's service sends " + fits.error().what);
  fetch_audit_log(masa, asked, pledge.serial_number);
  return std::move(answer->body);
}

// RFC 8995 5.8: whoever had the device before us. For people: a device that was another owner's is not
// refused, since the maker has decided.
void Onboarding::fetch_audit_log(enrolment::TlsTransport& masa, BytesView request,
                                 const std::string& serial) {
  const auto answer = masa.exchange(post(brski::Operation::requestauditlog, request));
  if (!answer || answer->status != 200) return;
  const auto events = brski::read_audit_log(answer->body);
  if (!events) return;
  const auto ours = write_base64(voucher::domain_id(*environment_.engine, authority_.ca()));
  std::size_t others = 0;
  for (const auto& event : *events) others += event.domain_id == ours ? 0u : 1u;
  static_cast<void>(
      note(serial, "audit-log",
           std::to_string(events->size()) + " vouchers, " + std::to_string(others) + " for other owners",
           std::string(as_text(answer->body)))
          .has_value());
}

http::Response Onboarding::take_status(const http::Request& request, const std::string& serial,
                                       brski::Operation operation) {
  if (http::media_type(request.headers.get("Content-Type")) != "application/json")
    return brski::plain_answer(415);
  const auto told = brski::read_telemetry(request.body);
  if (!told) return brski::plain_answer(400);
  const auto* event = operation == brski::Operation::voucher_status ? "voucher-status" : "enroll-status";
  std::string reason;
  for (const char c : told->reason) reason += c >= 0x20 && c < 0x7f ? c : '?';
  const auto noted = note(serial, event, told->good ? "good" : "failed: " + reason);
  return brski::plain_answer(noted ? 200 : 503);
}

}  // namespace camvault::fleetd
