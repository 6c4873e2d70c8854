#include "camvault/identity/device.h"

#include <algorithm>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/issue.h"

namespace camvault::identity {

namespace fs = std::filesystem;

namespace {
bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

Status check_one(const crypto::Engine& engine, const crypto::Certificate& leaf, const std::string& chain_pem,
                 std::string_view serial, BytesView spki, const crypto::Certificate& root, Timestamp at) {
  if (leaf.device_serial != serial) return fail(Errc::invalid, "a certificate for another serial number");
  if (leaf.key == nullptr || !equal(leaf.key->spki_der(), spki)) {
    return fail(Errc::invalid, "a certificate for a key that is not this camera's");
  }
  CAM_TRY(const auto chain, engine.certificates_from_pem(chain_pem));
  if (!equal(chain.front().der, leaf.der))
    return fail(Errc::invalid, "a chain that begins with another certificate");
  const std::vector<crypto::Certificate> anchors{root};
  crypto::PathRequest request;
  request.leaf = &leaf;
  request.intermediates = &chain;
  request.anchors = &anchors;
  request.at = at;
  const auto path = engine.validate_path(request);
  if (path.verdict != crypto::PathVerdict::trusted) return fail(Errc::invalid, path.reason);
  return ok();
}

Status install_file(const fs::path& folder, std::string_view file, const std::string& content) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(Errc::io, "cannot create " + folder.string() + ": " + error.message());
  return write_file_atomically(folder / file, as_bytes(content));
}
}  // namespace

std::string chain_file(std::string_view use) {
  return std::string(use) + "-chain.pem";
}

bool is_device_serial(std::string_view text) {
  if (text.empty() || text.size() > kMaxDeviceSerial || !is_alphanumeric(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == ':' || c == '-'; });
}

Bytes offline_challenge(const crypto::Engine& engine, std::string_view order, std::string_view serial) {
  const auto text = "camvault request\n" + std::string(order) + "\n" + std::string(serial) +
                    "\n";  // neither has a line end
  return to_bytes(engine.digest(crypto::HashAlg::sha256, as_bytes(text)).view());
}

Result<Bytes> make_certificate_request_for(std::string_view serial, crypto::SigningKey& key,
                                           std::string_view use) {
  if (!is_device_serial(serial)) {
    return fail(Errc::usage,
                "a serial number has 1 to 64 letters, digits and . : - and begins with a letter or digit");
  }
  // The factory writes the names; a request only says for which camera it is.
  crypto_openssl::SubjectName subject;
  subject.organizational_unit = use;
  subject.device_serial = serial;
  return crypto_openssl::make_certificate_request(key, subject);
}

Result<ProvisionRequest> make_provision_request(std::string_view serial, crypto::SigningKey& identity_key,
                                                crypto::SigningKey& media_signing_key) {
  ProvisionRequest request;
  request.serial = serial;
  CAM_TRY(request.identity_request, make_certificate_request_for(serial, identity_key));
  CAM_TRY(request.media_signing_request, make_certificate_request_for(serial, media_signing_key));
  return request;
}

Status check_device_certificates(const crypto::Engine& engine, const DeviceCertificates& certificates,
                                 BytesView identity_spki, BytesView media_signing_spki,
                                 const crypto::Certificate& root, Timestamp at) {
  CAM_TRY_STATUS(check_one(engine, certificates.identity, certificates.identity_chain_pem,
                           certificates.serial, identity_spki, root, at));
  return check_one(engine, certificates.media_signing, certificates.media_signing_chain_pem,
                   certificates.serial, media_signing_spki, root, at);
}

Status check_further_certificate(const crypto::Engine& engine, const FurtherCertificate& certificate,
                                 BytesView spki, const crypto::Certificate& root, Timestamp at) {
  return check_one(engine, certificate.certificate, certificate.chain_pem, certificate.serial, spki, root,
                   at);
}

Result<std::optional<FurtherCertificate>> pick_certificate(const crypto::Engine& engine,
                                                           const std::vector<crypto::Certificate>& given,
                                                           const std::vector<crypto::Certificate>& anchors,
                                                           std::string_view serial, std::string_view use,
                                                           BytesView spki, Timestamp at) {
  const auto leaf = std::find_if(given.begin(), given.end(), [&](const crypto::Certificate& each) {
    return each.key != nullptr && equal(each.key->spki_der(), spki);
  });
  if (leaf == given.end()) return std::optional<FurtherCertificate>();
  const auto what = std::string(use) + ": ";
  if (leaf->device_serial != serial)
    return fail(Errc::invalid, what + "a certificate for another serial number");
  if (leaf->is_ca) return fail(Errc::invalid, what + "a CA's certificate");
  crypto::PathRequest request;
  request.leaf = &*leaf;
  request.intermediates = &given;
  request.anchors = &anchors;
  request.at = at;
  const auto path = engine.validate_path(request);
  if (path.verdict != crypto::PathVerdict::trusted) return fail(Errc::invalid, what + path.reason);
  FurtherCertificate out{std::string(serial), std::string(use), *leaf, {}};
  const std::vector<crypto::Certificate> chain(path.path.begin(),
                                               path.path.end() - 1);  // the root stays at home
  out.chain_pem = crypto_openssl::certificates_pem(chain);
  return out;
}

// No character of either needs an escape.
std::string identity_card(std::string_view serial, const crypto::Certificate& identity) {
  return "{\"serial\": \"" + std::string(serial) + "\", \"idevid_sha256\": \"" + identity.sha256 + "\"}\n";
}

Status install_device_certificates(const fs::path& folder, const DeviceCertificates& certificates) {
  CAM_TRY_STATUS(install_file(folder, kIdentityChainFile, certificates.identity_chain_pem));
  CAM_TRY_STATUS(install_file(folder, kMediaSigningChainFile, certificates.media_signing_chain_pem));
  return install_file(folder, kIdentityCardFile,
                      identity_card(certificates.identity.device_serial, certificates.identity));
}

Status install_further_certificate(const fs::path& folder, const FurtherCertificate& certificate) {
  return install_file(folder, chain_file(certificate.use), certificate.chain_pem);
}

}  // namespace camvault::identity
