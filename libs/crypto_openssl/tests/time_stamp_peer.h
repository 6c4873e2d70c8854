// A time stamp authority for tests: `openssl ts` makes honest tokens, `openssl cms` signs whatever a
// dishonest one would say.
#pragma once

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/time_stamp.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"
#include "der.h"
#include "test_pki.h"

namespace camvault::crypto_openssl::test {

inline constexpr const char* kPolicy = "1.3.6.1.4.1.32473.7.1";  // of an arc for documentation (RFC 5612)
inline constexpr const char* kOtherPolicy = "1.3.6.1.4.1.32473.7.2";

// `openssl ts` knows the machine's clock alone, so everything is valid around now.
struct TimeStampPki {
  Timestamp now = SystemClock().now();
  CertificateProfile ca = [this] {
    auto profile = ca_profile();
    profile.not_before = now - std::chrono::hours(24 * 30);
    profile.not_after = now + std::chrono::hours(24 * 365);
    return profile;
  }();
  CertificateProfile tsa = [this] {
    auto profile = ca;
    profile.ca = false;
    profile.key_usage = KeyUsage::digital_signature;
    profile.extended_key_usages = {"1.3.6.1.5.5.7.3.8"};
    profile.extended_key_usage_critical = true;
    return profile;
  }();
  Entity root = Entity::root("Time root", crypto::KeyAlg::ec_p256, ca);
  Entity authority = root.issue("Test TSA", tsa);
};

class TimeStampPeer {
 public:
  explicit TimeStampPeer(const test_support::TemporaryFolder& folder) : folder_(folder) {
    const std::string config =
        "[tsa]\ndefault_tsa = it\n[it]\nserial = " + (folder_ / "serial").string() +
        "\ncrypto_device = builtin\nsigner_digest = sha256\ndefault_policy = " + kPolicy +
        "\nother_policies = " + kOtherPolicy +
        "\ndigests = sha256, sha384, sha512\naccuracy = secs:1, millisecs:500, "
        "microsecs:100\nclock_precision_digits = "
        "6\nordering = yes\ntsa_name = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n";
    folder_.write("ts.cnf", config);
    folder_.write("serial", "01\n");
  }

  // The answer to a query, as `signer` gives it; its root goes with it if `chain` has it.
  Bytes answer(BytesView query, const Entity& signer, const std::vector<crypto::Certificate>& chain = {}) {
    const auto query_file = folder_.write("query.tsq", as_text(query));
    const auto out = (folder_ / "answer.tsr").string();
    std::vector<std::string> command{
        "openssl",    "ts",       "-reply",  "-config",           (folder_ / "ts.cnf").string(),
        "-queryfile", query_file, "-signer", certificate(signer), "-inkey",
        key(signer),  "-out",     out};
    if (!chain.empty()) {
      command.push_back("-chain");
      command.push_back(folder_.write("chain.pem", certificates_pem(chain)));
    }
    const auto done = test_support::run_program(command);
    EXPECT_EQ(done.exit_code, 0) << done.output;
    return read_file(out, 1 << 20).value();
  }

  struct Claims {
    crypto::Digest imprint;
    Timestamp time;
    Bytes nonce;  // empty: none
    std::uint64_t version = 1;
    std::string content_type = "1.2.840.113549.1.9.16.1.4";
    std::vector<std::string> how{"-cades", "-md", "sha256"};
  };
  // A token that says anything, signed by anybody.
  Bytes forge(const Claims& claims, const Entity& signer) {
    const auto hash = der::sequence({der::object_identifier("2.16.840.1.101.3.4.2.1").value(), der::null()});
    std::string digits;
    for (const char c : to_iso8601(from_unix_seconds(to_unix_seconds(claims.time)))) {
      if (c >= '0' && c <= '9') digits += c;
    }
    const auto info =
        der::sequence({der::integer(claims.version), der::object_identifier(kPolicy).value(),
                       der::sequence({hash, der::octet_string(claims.imprint.view())}),
                       der::integer(std::uint64_t{77}), der::element(0x18, as_bytes(digits + "Z")),
                       claims.nonce.empty() ? Bytes() : der::integer(claims.nonce)});
    return sign(info, claims, signer);
  }
  Bytes sign(BytesView info, const Claims& claims, const Entity& signer) {
    const auto in = folder_.write("tst.der", as_text(info));
    const auto out = (folder_ / "token.der").string();
    std::vector<std::string> command{
        "openssl", "cms",  "-sign",   "-binary",           "-nodetach", "-econtent_type", claims.content_type,
        "-in",     in,     "-signer", certificate(signer), "-inkey",    key(signer),      "-outform",
        "DER",     "-out", out};
    command.insert(command.end(), claims.how.begin(), claims.how.end());
    const auto done = test_support::run_program(command);
    EXPECT_EQ(done.exit_code, 0) << done.output;
    return read_file(out, 1 << 20).value();
  }

 private:
  std::string certificate(const Entity& entity) {
    return folder_.write("signer.pem", certificate_pem(entity.cert));
  }
  std::string key(const Entity& entity) {
    return entity.key->private_pem_for_tests().reveal(
        [&](BytesView pem) { return folder_.write("signer.key", as_text(pem)); });
  }

  const test_support::TemporaryFolder& folder_;
};

}  // namespace camvault::crypto_openssl::test
