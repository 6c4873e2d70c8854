// One good certificate, and those beside it that nobody may take.
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::refusals {

using crypto_openssl::CertificateProfile;
using crypto_openssl::KeyUsage;
using crypto_openssl::LocalKey;

inline constexpr const char* kServerAuth = "1.3.6.1.5.5.7.3.1";
inline constexpr const char* kClientAuth = "1.3.6.1.5.5.7.3.2";

struct Entity {
  std::shared_ptr<LocalKey> key;
  crypto::Certificate certificate;
};

// PEM as any TLS program takes it.
struct Case {
  std::string name;
  std::string chain_pem;
  std::string key_pem;
  // Not the certificate's fault: whoever knows which name (server) or device (client) is meant refuses it.
  bool by_name = false;
};

struct Wanted {
  bool server = true;
  std::string host = "localhost";     // of the good server; 127.0.0.1 is always among its names
  std::string serial = "CAM-000001";  // of the good client
  Timestamp now;
  std::vector<std::string> further_usages = {};  // beside the one for TLS; dotted
  // Of all but those that openssl makes for us.
  std::vector<crypto_openssl::PrivateExtension> extensions = {};
};

class Corpus {
 public:
  explicit Corpus(const Wanted& wanted) : wanted_(wanted) {
    root_ = authority("Refusals Root", nullptr);
    issuing_ = authority("Refusals Issuing CA", &root_);
    const auto other = authority("Refusals Root", nullptr);  // the same name, another key
    good_ = as_case("good", issue(issuing_, leaf_profile(), wanted.host, wanted.serial), {issuing_});

    const auto leaf = issue(issuing_, leaf_profile(), wanted.host, wanted.serial);
    add("missing intermediate", leaf, {});
    auto profile = leaf_profile();
    profile.not_before = wanted.now - kYear;
    profile.not_after = wanted.now - std::chrono::hours(1);
    add("expired", issue(issuing_, profile, wanted.host, wanted.serial), {issuing_});
    profile = leaf_profile();
    profile.not_before = wanted.now + std::chrono::hours(1);
    add("not yet valid", issue(issuing_, profile, wanted.host, wanted.serial), {issuing_});
    const auto revoked = issue(issuing_, leaf_profile(), wanted.host, wanted.serial);
    add("revoked", revoked, {issuing_});
    add("wrong CA", issue(other, leaf_profile(), wanted.host, wanted.serial), {});
    add("non-CA signer", issue(leaf, leaf_profile(), wanted.host, wanted.serial), {leaf, issuing_});
    add("wrong name", issue(issuing_, leaf_profile(), "other.example", "CAM-666666"), {issuing_});
    bad_.back().by_name = true;
    add_made_by_openssl("weak key", {"-newkey", "rsa:1024"}, "-sha256", "digitalSignature");
    add_made_by_openssl("wrong key usage", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"},
                        "-sha256", "dataEncipherment");
    profile = leaf_profile();
    profile.extended_key_usages.back() = wanted.server ? kClientAuth : kServerAuth;
    add("for the other side of TLS", issue(issuing_, profile, wanted.host, wanted.serial), {issuing_});
    add_made_by_openssl("SHA-1", {"-newkey", "rsa:2048"}, "-sha1", "digitalSignature");
    // OpenSSL by itself takes it: it was right for the static Diffie-Hellman of TLS 1.2, and signs no
    // handshake.
    profile = leaf_profile();
    profile.key_usage = KeyUsage::key_agreement;
    add("key agreement only", issue(issuing_, profile, wanted.host, wanted.serial), {issuing_});

    crypto_openssl::RevocationContent content;
    content.this_update = wanted.now - std::chrono::hours(1);
    content.next_update = wanted.now + kYear;
    content.revoked = {{revoked.certificate.serial, wanted.now - std::chrono::hours(2),
                        crypto_openssl::RevocationReason::superseded}};
    lists_.push_back(
        crypto_openssl::issue_revocation_list(*issuing_.key, issuing_.certificate, content).value());
    content.revoked.clear();  // the root's: nginx wants a list of every authority of a path
    lists_.push_back(crypto_openssl::issue_revocation_list(*root_.key, root_.certificate, content).value());
  }

  const Case& good() const { return good_; }
  const std::vector<Case>& bad() const {
    return bad_;
  }  // the nine of the acceptance list first come in its order
  std::vector<crypto::Certificate> anchors() const { return {root_.certificate}; }
  std::string anchors_pem() const { return crypto_openssl::certificate_pem(root_.certificate); }
  const std::vector<crypto::RevocationList>& lists() const { return lists_; }
  std::string lists_pem() const {
    std::string out;
    for (const auto& list : lists_) out += crypto_openssl::revocation_list_pem(list);
    return out;
  }
  const Entity& issuing() const { return issuing_; }
  // One more good one, e.g. of another key algorithm.
  Case good_of(crypto::KeyAlg alg) const {
    return as_case(std::string(to_string(alg)),
                   issue(issuing_, leaf_profile(), wanted_.host, wanted_.serial, alg), {issuing_});
  }

 private:
  static constexpr std::chrono::hours kYear{24 * 365};

  static Bytes next_number() {
    static std::uint16_t count = 0;
    ++count;
    return {0x4e, static_cast<std::uint8_t>(count >> 8), static_cast<std::uint8_t>(count)};
  }
  Entity authority(const std::string& name, const Entity* above) const {
    CertificateProfile profile;
    profile.ca = true;
    profile.key_usage = KeyUsage::key_cert_sign | KeyUsage::crl_sign;
    profile.not_before = wanted_.now - kYear;
    profile.not_after = wanted_.now + kYear * 10;
    crypto_openssl::SubjectName subject;
    subject.common_name = name;
    Entity out;
    out.key = LocalKey::generate(crypto::KeyAlg::ec_p256).value();
    out.certificate =
        above == nullptr
            ? crypto_openssl::issue_self_signed(*out.key, subject, profile, next_number()).value()
            : crypto_openssl::issue_certificate(*above->key, above->certificate, subject, out.key->spki_der(),
                                                profile, next_number())
                  .value();
    return out;
  }
  CertificateProfile leaf_profile() const {
    CertificateProfile profile;
    profile.not_before = wanted_.now - std::chrono::hours(24);
    profile.not_after = wanted_.now + kYear;
    profile.extended_key_usages = wanted_.further_usages;
    profile.extended_key_usages.emplace_back(wanted_.server ? kServerAuth : kClientAuth);
    profile.private_extensions = wanted_.extensions;
    return profile;
  }
  Entity issue(const Entity& by, CertificateProfile profile, const std::string& host,
               const std::string& serial, crypto::KeyAlg alg = crypto::KeyAlg::ec_p256) const {
    crypto_openssl::SubjectName subject;
    subject.organization = "Refusals";
    if (wanted_.server) {
      profile.dns_names = {host};
      if (host == wanted_.host) profile.ip_addresses = {{127, 0, 0, 1}};
    } else {
      subject.device_serial = serial;
    }
    subject.common_name = wanted_.server ? host : serial;
    Entity out;
    out.key = LocalKey::generate(alg).value();
    out.certificate = crypto_openssl::issue_certificate(*by.key, by.certificate, subject, out.key->spki_der(),
                                                        profile, next_number())
                          .value();
    return out;
  }
  static std::string pem_of(const LocalKey& key) {
    return key.private_pem_for_tests().reveal([](BytesView pem) { return std::string(as_text(pem)); });
  }
  static Case as_case(const std::string& name, const Entity& leaf, const std::vector<Entity>& above) {
    Case out{name, crypto_openssl::certificate_pem(leaf.certificate), pem_of(*leaf.key)};
    for (const auto& ca : above) out.chain_pem += crypto_openssl::certificate_pem(ca.certificate);
    return out;
  }
  void add(const std::string& name, const Entity& leaf, const std::vector<Entity>& above) {
    bad_.push_back(as_case(name, leaf, above));
  }
  // What our own issuing refuses to make.
  void add_made_by_openssl(const std::string& name, std::vector<std::string> key, const char* hash,
                           const std::string& usage) {
    const test_support::TemporaryFolder folder;
    folder.write("ca.pem", crypto_openssl::certificate_pem(issuing_.certificate));
    folder.write("ca.key", pem_of(*issuing_.key));
    std::string names = "subjectAltName=DNS:" + wanted_.host + ",IP:127.0.0.1\n";
    if (!wanted_.server) names.clear();
    std::string usages = wanted_.server ? "serverAuth" : "clientAuth";
    for (const auto& further : wanted_.further_usages) usages += "," + further;
    folder.write("ext", "basicConstraints=critical,CA:FALSE\nkeyUsage=critical," + usage +
                            "\nextendedKeyUsage=" + usages + "\n" + names);
    const auto at = [&](const char* file) { return (folder / file).string(); };
    std::vector<std::string> request{"openssl",
                                     "req",
                                     "-nodes",
                                     "-keyout",
                                     at("key"),
                                     "-out",
                                     at("csr"),
                                     "-subj",
                                     "/CN=" + (wanted_.server ? wanted_.host : wanted_.serial) +
                                         (wanted_.server ? "" : "/serialNumber=" + wanted_.serial)};
    request.insert(request.begin() + 2, key.begin(), key.end());
    run(request);
    run({"openssl", "x509", "-req", hash, "-in", at("csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"),
         "-set_serial", "0x" + to_hex(next_number()), "-days", "30", "-extfile", at("ext"), "-out",
         at("pem")});
    bad_.push_back({name, folder.read("pem") + crypto_openssl::certificate_pem(issuing_.certificate),
                    folder.read("key")});
  }
  static void run(const std::vector<std::string>& arguments) {
    const auto done = test_support::run_program(arguments);
    if (done.exit_code != 0) throw std::runtime_error(done.output);
  }

  Wanted wanted_;
  Entity root_;
  Entity issuing_;
  Case good_;
  std::vector<Case> bad_;
  std::vector<crypto::RevocationList> lists_;
};

}  // namespace camvault::refusals
