// Taking back what was issued, and telling the world: revocation lists and OCSP.
#include <algorithm>

#include "camvault/crypto_openssl/ocsp_answer.h"
#include "factory_state.h"

namespace camvault::identity {

namespace fs = std::filesystem;
using crypto::SigningKey;
using crypto_openssl::OcspAnswer;
using crypto_openssl::RevocationReason;

namespace {
constexpr std::chrono::days kListValidity{30};
constexpr std::chrono::days kLongestListValidity{3660};
constexpr int kCaCompromise = 2;  // RFC 5280 5.3.1

crypto_openssl::RevokedCertificate to_list_entry(const RevokedEntry& entry) {
  return {entry.number, entry.since, static_cast<RevocationReason>(entry.reason)};
}

int reason_number(RevocationCause cause) {
  switch (cause) {
    case RevocationCause::key_compromise:
      return kReasonKeyCompromise;
    case RevocationCause::superseded:
      return 4;
    case RevocationCause::cessation_of_operation:
      return 5;
  }
  return 0;
}

std::optional<CertificateNumber> number_of(BytesView bytes) {
  CertificateNumber out;
  if (bytes.size() != out.value.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), out.value.begin());
  return out;
}

std::optional<std::size_t> index_of(const std::vector<Authority>& authorities, std::string_view stem) {
  for (std::size_t i = 0; i < authorities.size(); ++i) {
    if (authorities[i].stem == stem) return i;
  }
  return std::nullopt;
}

OcspAnswer answer_for(const IssueLog& log, std::size_t ca, crypto_openssl::OcspQuestion question) {
  OcspAnswer answer;
  const auto number = number_of(question.number);
  const auto issuer = number ? log.issuer_of(*number) : std::nullopt;
  if (issuer && *issuer == ca) {
    answer.state = OcspAnswer::State::good;
    const auto revoked = log.revoked().find(to_hex(question.number));
    if (revoked != log.revoked().end()) {
      answer.state = OcspAnswer::State::revoked;
      answer.since = revoked->second.since;
      answer.reason = static_cast<RevocationReason>(revoked->second.reason);
    }
  }
  answer.question = std::move(question);
  return answer;
}
}  // namespace

Result<crypto::RevocationList> Factory::State::publish(
    SigningKey& key, const crypto::Certificate& issuer, const fs::path& file, std::chrono::days validity,
    std::vector<crypto_openssl::RevokedCertificate> revoked) {
  if (validity.count() < 1 || validity > kLongestListValidity)
    return fail(Errc::usage, "a list is valid for 1 to 3660 days");
  crypto_openssl::RevocationContent content;
  content.this_update = now();
  content.next_update = content.this_update + validity;
  content.revoked = std::move(revoked);
  CAM_TRY(content.number, log.next_list_number(content.this_update));
  CAM_TRY(auto list, crypto_openssl::issue_revocation_list(key, issuer, content));
  CAM_TRY_STATUS(write_file_atomically(folder / file, as_bytes(crypto_openssl::revocation_list_pem(list))));
  return list;
}

Result<crypto::RevocationList> Factory::revoke(SigningKey& device_ca_key, std::string_view serial,
                                               RevocationCause cause) {
  auto& s = *state_;
  CAM_TRY_STATUS(check_is_key_of(device_ca_key, s.device_ca(), "device CA"));
  const auto* entry = s.log.find(serial);
  if (entry == nullptr) return fail(Errc::not_found, "this serial number was never issued");
  const auto now = s.now();
  std::vector<CertificateNumber> numbers{entry->identity.number, entry->media_signing.number};
  for (const auto& further : s.log.further_of(serial)) numbers.push_back(further.certificate.number);
  for (const auto& earlier : s.log.earlier_of(serial)) numbers.push_back(earlier.number);
  std::vector<RevokedEntry> entries;
  for (const auto& each : numbers) {
    const auto number = to_hex(each);
    const auto before = s.log.revoked().find(number);
    // A certificate keeps its first date; only a compromise that becomes known later changes the entry.
    const bool known = before != s.log.revoked().end();
    if (known && (before->second.reason == kReasonKeyCompromise || cause != RevocationCause::key_compromise))
      continue;
    entries.push_back({number, known ? before->second.since : now, reason_number(cause)});
  }
  if (!entries.empty()) CAM_TRY_STATUS(s.log.revoke(std::string(serial), entries, now));
  return publish_device_ca_list(device_ca_key, kListValidity);
}

Result<crypto::RevocationList> Factory::publish_device_ca_list(SigningKey& ca_key,
                                                               std::chrono::days validity) {
  auto& s = *state_;
  const auto spki = ca_key.spki_der();
  const auto by = std::find_if(s.authorities.begin(), s.authorities.end(), [&](const Authority& each) {
    return each.certificate.key->spki_der() == spki;
  });
  if (by == s.authorities.end()) return fail(Errc::usage, "the key given is not that of the device CA");
  const auto ca = static_cast<std::uint16_t>(by - s.authorities.begin());
  std::vector<crypto_openssl::RevokedCertificate> revoked;
  for (const auto& [hex, entry] : s.log.revoked()) {
    CAM_TRY(const auto bytes, from_hex(hex));
    const auto number = number_of(bytes);
    // A number that was only reserved is listed by the first: it may have been signed before the stop.
    const auto issuer = number ? s.log.issuer_of(*number).value_or(0) : 0;
    if (issuer == ca) revoked.push_back(to_list_entry(entry));
  }
  return s.publish(ca_key, by->certificate, by->stem + ".crl.pem", validity, std::move(revoked));
}

Status Factory::revoke_authority(std::string_view name, RevocationCause cause) {
  auto& s = *state_;
  const auto ca = index_of(s.authorities, name);
  if (!ca) return fail(Errc::not_found, "there is no authority of this name");
  const auto index = static_cast<std::uint16_t>(*ca);
  const int reason = cause == RevocationCause::key_compromise ? kCaCompromise : reason_number(cause);
  const auto* before = s.log.revoked_authority(index);
  if (before != nullptr && (before->reason == kCaCompromise || reason != kCaCompromise)) return ok();
  const auto since = before != nullptr ? before->since : s.now();
  return s.log.revoke_authority(index, {s.authorities[*ca].certificate.serial, since, reason}, s.now());
}

Result<crypto::RevocationList> Factory::publish_root_list(SigningKey& root_key, std::chrono::days validity,
                                                          bool revoke_device_ca) {
  auto& s = *state_;
  CAM_TRY_STATUS(check_is_key_of(root_key, s.root, "root CA"));
  if (revoke_device_ca) CAM_TRY_STATUS(revoke_authority(device_ca_name(), RevocationCause::key_compromise));
  std::vector<crypto_openssl::RevokedCertificate> revoked;
  for (std::size_t ca = 0; ca < s.authorities.size(); ++ca) {
    if (const auto* entry = s.log.revoked_authority(static_cast<std::uint16_t>(ca)))
      revoked.push_back(to_list_entry(*entry));
  }
  return s.publish(root_key, s.root, kRootListFile, validity, std::move(revoked));
}

Result<crypto::Certificate> Factory::certify_responder(SigningKey& ca_key, BytesView responder_spki) {
  auto& s = *state_;
  const auto spki = ca_key.spki_der();
  const auto by = std::find_if(s.authorities.begin(), s.authorities.end(), [&](const Authority& each) {
    return each.certificate.key->spki_der() == spki;
  });
  if (by == s.authorities.end()) return fail(Errc::usage, "the key given is not that of an authority");
  CAM_TRY(const auto* rules, s.rules("ocsp-responder"));
  CAM_TRY(const auto key, s.engine->public_key_from_spki(responder_spki));
  if (!allows_key(*rules, key->alg())) return fail(Errc::denied, "the responder's key is of another kind");
  if (!s.log.serial_of_key(s.hash_of(responder_spki)).empty())
    return refuse(Errc::denied, "key-of-another-camera", "this key is a camera's");
  const auto values = s.values();
  CAM_TRY(const auto name, subject_of(*rules, values));
  CAM_TRY(const auto number, s.new_number());
  CAM_TRY(auto certificate, crypto_openssl::issue_certificate(ca_key, by->certificate, name, responder_spki,
                                                              profile_of(*rules, values, s.now()), number));
  CAM_TRY_STATUS(s.log.note(
      {{"authority", by->stem},
       {"certificate", {{"number", to_hex(number)}, {"sha256", to_hex(s.hash_of(certificate.der))}}}},
      "ocsp_responder", s.now()));
  CAM_TRY_STATUS(write_file_atomically(s.folder / (by->stem + ".ocsp.pem"),
                                       as_bytes(crypto_openssl::certificate_pem(certificate))));
  return certificate;
}

Bytes Factory::answer_ocsp(SigningKey& responder_key, std::string_view authority, BytesView query,
                           std::chrono::seconds validity) const {
  using crypto_openssl::OcspRefusal;
  const auto& s = *state_;
  const auto ca = index_of(s.authorities, authority);
  if (!ca) return crypto_openssl::ocsp_refusal(OcspRefusal::unauthorized);
  const auto responder = read_certificate(*s.engine, s.folder / (s.authorities[*ca].stem + ".ocsp.pem"));
  auto asked = crypto_openssl::read_ocsp_query(query, s.authorities[*ca].certificate);
  if (!asked)
    return crypto_openssl::ocsp_refusal(asked.error().code == Errc::denied ? OcspRefusal::unauthorized
                                                                           : OcspRefusal::malformed_request);
  if (!responder || s.now() > responder->not_after)
    return crypto_openssl::ocsp_refusal(OcspRefusal::internal_error);
  crypto_openssl::OcspContent content;
  content.this_update = s.now();
  content.next_update = content.this_update + validity;
  content.nonce = asked->nonce;
  for (auto& question : asked->questions)
    content.answers.push_back(answer_for(s.log, *ca, std::move(question)));
  auto response = crypto_openssl::issue_ocsp_response(responder_key, *responder, content);
  return response ? std::move(*response) : crypto_openssl::ocsp_refusal(OcspRefusal::internal_error);
}

Result<std::vector<MadeAnswer>> Factory::make_ocsp_answers(SigningKey& responder_key,
                                                           std::string_view authority,
                                                           std::string_view serial,
                                                           std::chrono::seconds validity) const {
  const auto& s = *state_;
  const auto ca = index_of(s.authorities, authority);
  if (!ca) return fail(Errc::not_found, "there is no authority of this name");
  const auto* entry = s.log.find(serial);
  if (entry == nullptr || !entry->issued)
    return fail(Errc::not_found, "nothing was issued for this serial number");
  CAM_TRY(const auto responder,
          read_certificate(*s.engine, s.folder / (s.authorities[*ca].stem + ".ocsp.pem")));
  if (s.now() > responder.not_after) return fail(Errc::denied, "the responder's certificate has ended");
  std::vector<CertificateNumber> numbers{entry->identity.number, entry->media_signing.number};
  for (const auto& further : s.log.further_of(serial)) numbers.push_back(further.certificate.number);
  for (const auto& earlier : s.log.earlier_of(serial)) numbers.push_back(earlier.number);
  std::vector<MadeAnswer> out;
  for (const auto& number : numbers) {
    if (s.log.issuer_of(number) != *ca) continue;
    CAM_TRY(auto question, crypto_openssl::ocsp_question(s.authorities[*ca].certificate, number));
    crypto_openssl::OcspContent content;
    content.this_update = s.now();
    content.next_update = content.this_update + validity;
    content.answers.push_back(answer_for(s.log, *ca, std::move(question)));
    CAM_TRY(auto response, crypto_openssl::issue_ocsp_response(responder_key, responder, content));
    out.push_back({to_hex(number), std::move(response)});
  }
  return out;
}

}  // namespace camvault::identity
