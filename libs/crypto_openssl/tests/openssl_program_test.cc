// Both directions with the `openssl` program: what it signs we verify, what we sign, request and issue it
// accepts.
#include <gtest/gtest.h>

#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"
#include "test_pki.h"

namespace camvault::crypto_openssl {
namespace {

using crypto::HashAlg;
using crypto::KeyAlg;
using crypto::SignatureScheme;
using test_support::run_program;
using test_support::TemporaryFolder;
using namespace test;

class OpensslProgramTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::printf("checked against %s", run_program({"openssl", "version"}).output.c_str());
  }

  std::string write_key(const LocalKey& key, const std::string& name) {
    return key.private_pem_for_tests().reveal(
        [&](BytesView pem) { return folder_.write(name, as_text(pem)); });
  }
  void expect_success(const std::vector<std::string>& command, const std::string& output = {}) {
    const auto result = run_program(command);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_NE(result.output.find(output), std::string::npos) << result.output;
  }

  TemporaryFolder folder_;
  std::unique_ptr<crypto::Engine> engine_ = make_openssl_engine();
};

struct Case {
  KeyAlg alg;
  SignatureScheme scheme;
  HashAlg hash;
  std::vector<std::string> options;
};

TEST_F(OpensslProgramTest, SignaturesGoBothWays) {
  const auto message = folder_.write("message", "what is signed");
  const std::string kPss = "rsa_padding_mode:pss";
  const Case cases[] = {
      {KeyAlg::ec_p256, SignatureScheme::ecdsa, HashAlg::sha256, {}},
      {KeyAlg::ec_p384, SignatureScheme::ecdsa, HashAlg::sha384, {}},
      {KeyAlg::ec_p521, SignatureScheme::ecdsa, HashAlg::sha512, {}},
      {KeyAlg::rsa_2048, SignatureScheme::rsa_pkcs1v15, HashAlg::sha256, {}},
      {KeyAlg::rsa_2048, SignatureScheme::rsa_pss, HashAlg::sha256, {kPss, "rsa_pss_saltlen:digest"}},
      {KeyAlg::rsa_2048, SignatureScheme::rsa_pss, HashAlg::sha256, {kPss, "rsa_pss_saltlen:max"}},
      {KeyAlg::rsa_2048, SignatureScheme::rsa_pss, HashAlg::sha256, {kPss, "rsa_pss_saltlen:0"}},
      {KeyAlg::rsa_3072, SignatureScheme::rsa_pss, HashAlg::sha384, {kPss, "rsa_pss_saltlen:20"}},
      {KeyAlg::rsa_4096, SignatureScheme::rsa_pss, HashAlg::sha512, {kPss, "rsa_pss_saltlen:max"}},
      // As ONVIF's reference signer does with every hash.
      {KeyAlg::rsa_2048,
       SignatureScheme::rsa_pss,
       HashAlg::sha512,
       {kPss, "rsa_pss_saltlen:max", "rsa_mgf1_md:sha256"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(to_string(c.alg)) + " " + std::string(to_string(c.scheme)));
    const auto key = LocalKey::generate(c.alg).value();
    const auto key_file = write_key(*key, "key.pem");
    std::string hash_name(to_string(c.hash));
    hash_name.erase(3, 1);  // "SHA-256" -> "SHA256"
    std::vector<std::string> options;
    for (const auto& option : c.options) {
      options.push_back("-sigopt");
      options.push_back(option);
    }
    const auto dgst = [&](std::vector<std::string> more) {
      std::vector<std::string> command{"openssl", "dgst", "-" + hash_name};
      command.insert(command.end(), options.begin(), options.end());
      command.insert(command.end(), more.begin(), more.end());
      command.push_back(message);
      return command;
    };
    const auto digest = engine_->digest(c.hash, as_bytes("what is signed"));
    const auto verifier = engine_->public_key_from_spki(key->spki_der()).value();

    const auto signature_file = (folder_ / "signature").string();
    expect_success(dgst({"-sign", key_file, "-out", signature_file}));
    auto theirs = to_bytes(as_bytes(folder_.read("signature")));
    EXPECT_TRUE(verifier->verify_digest(c.scheme, c.hash, digest, theirs));
    theirs[theirs.size() / 2] ^= 0x40;
    EXPECT_FALSE(verifier->verify_digest(c.scheme, c.hash, digest, theirs));

    if (c.options.size() > 1 && c.options[1] != "rsa_pss_saltlen:digest")
      continue;  // ours is always that long
    const auto ours = key->sign(c.scheme, c.hash, digest).value();
    folder_.write("signature", as_text(ours));
    expect_success(dgst({"-prverify", key_file, "-signature", signature_file}), "Verified OK");
  }
}

TEST_F(OpensslProgramTest, RsaSizesBetweenAndBeyondOurs) {
  struct Size {
    const char* bits;
    bool accepted;
    KeyAlg nearest;
  };
  for (const auto& [bits, accepted, nearest] :
       {Size{"1024", false, {}}, Size{"2048", true, KeyAlg::rsa_2048}, Size{"2432", true, KeyAlg::rsa_2048},
        Size{"3584", true, KeyAlg::rsa_4096}}) {
    const auto file = (folder_ / "key.pem").string();
    expect_success({"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt",
                    std::string("rsa_keygen_bits:") + bits, "-out", file});
    expect_success(
        {"openssl", "pkey", "-in", file, "-pubout", "-outform", "DER", "-out", (folder_ / "pub").string()});
    const auto key = engine_->public_key_from_spki(as_bytes(folder_.read("pub")));
    ASSERT_EQ(key.has_value(), accepted) << bits;
    if (accepted) {
      EXPECT_EQ((*key)->alg(), nearest) << bits;
    } else {
      EXPECT_EQ(key.error().code, Errc::unsupported);
    }
  }
}

TEST_F(OpensslProgramTest, KeysOfOtherKindsAreRefusedClearly) {
  const std::vector<std::vector<std::string>> kinds = {
      {"-algorithm", "ED448"},
      {"-algorithm", "X25519"},
      {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"},
      {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"},
  };
  for (const auto& kind : kinds) {
    std::vector<std::string> command{"openssl", "genpkey", "-out", (folder_ / "key.pem").string()};
    command.insert(command.end(), kind.begin(), kind.end());
    expect_success(command);
    expect_success({"openssl", "pkey", "-in", (folder_ / "key.pem").string(), "-pubout", "-outform", "DER",
                    "-out", (folder_ / "pub").string()});
    EXPECT_EQ(engine_->public_key_from_spki(as_bytes(folder_.read("pub"))).error().code, Errc::unsupported)
        << kind[1];
  }
}

TEST_F(OpensslProgramTest, AcceptsOurRequestsChainsAndLists) {
  struct Kind {
    KeyAlg alg;
    RsaPadding padding;
  };
  for (const auto kind :
       {Kind{KeyAlg::ec_p256, RsaPadding::pkcs1v15}, Kind{KeyAlg::ec_p384, RsaPadding::pkcs1v15},
        Kind{KeyAlg::ec_p521, RsaPadding::pkcs1v15}, Kind{KeyAlg::rsa_2048, RsaPadding::pkcs1v15},
        Kind{KeyAlg::rsa_3072, RsaPadding::pss}, Kind{KeyAlg::ed25519, RsaPadding::pkcs1v15}}) {
    SCOPED_TRACE(to_string(kind.alg));
    auto profile = ca_profile();
    profile.path_length = 1;
    const auto root = Entity::root("Root", kind.alg, profile, kind.padding);
    profile.path_length = 0;
    const auto ca = root.issue("Device CA", profile, kind.alg, kind.padding);
    const auto leaf = ca.issue("Camera", leaf_profile(), kind.alg, kind.padding);

    const auto request = make_certificate_request(*leaf.key, named("Camera"), kind.padding).value();
    const auto request_file = folder_.write("request.pem", certificate_request_pem(request));
    expect_success({"openssl", "req", "-in", request_file, "-verify", "-noout"}, "verify OK");

    const auto root_file = folder_.write("root.pem", certificate_pem(root.cert));
    const auto ca_file = folder_.write("ca.pem", certificate_pem(ca.cert));
    const auto leaf_file = folder_.write("leaf.pem", certificate_pem(leaf.cert));
    const std::string at = std::to_string(to_unix_seconds(kNow));
    expect_success({"openssl", "verify", "-x509_strict", "-attime", at, "-CAfile", root_file, "-untrusted",
                    ca_file, leaf_file},
                   "OK");
    EXPECT_NE(run_program({"openssl", "verify", "-attime", at, "-CAfile", root_file, leaf_file}).exit_code,
              0);

    const auto check = [&](std::vector<RevokedCertificate> revoked) {
      RevocationContent content;
      content.this_update = kStart;
      content.next_update = kEnd;
      content.revoked = std::move(revoked);
      const auto list = issue_revocation_list(*ca.key, ca.cert, content, kind.padding).value();
      const auto list_file = folder_.write("list.pem", revocation_list_pem(list));
      return run_program({"openssl", "verify", "-crl_check", "-attime", at, "-CRLfile", list_file, "-CAfile",
                          root_file, "-untrusted", ca_file, leaf_file});
    };
    EXPECT_EQ(check({}).exit_code, 0) << check({}).output;
    const auto refused = check({{leaf.cert.serial, kStart, RevocationReason::key_compromise}});
    EXPECT_NE(refused.exit_code, 0);
    EXPECT_NE(refused.output.find("certificate revoked"), std::string::npos) << refused.output;
  }
}

TEST_F(OpensslProgramTest, WeReadItsRequestsCertificatesAndLists) {
  const auto key_file = (folder_ / "key.pem").string();
  const auto request_file = (folder_ / "request.pem").string();
  expect_success({"openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key_file, "-subj",
                  "/O=Foreign/CN=Camera 9/serialNumber=F-9", "-out", request_file});
  const auto request = read_certificate_request(as_bytes(folder_.read("request.pem"))).value();
  EXPECT_EQ(request.common_name, "Camera 9");
  EXPECT_EQ(request.device_serial, "F-9");
  EXPECT_EQ(request.key->alg(), KeyAlg::rsa_2048);
  const auto cert_file = (folder_ / "cert.pem").string();
  expect_success({"openssl", "req", "-x509", "-new", "-key", key_file, "-days", "3650", "-subj",
                  "/O=Foreign/CN=Self", "-out", cert_file});
  const auto certs = engine_->certificates_from_pem(folder_.read("cert.pem")).value();
  ASSERT_EQ(certs.size(), 1u);
  EXPECT_EQ(certs[0].subject, "CN=Self,O=Foreign");
  EXPECT_TRUE(certs[0].is_ca);
  EXPECT_TRUE(engine_->is_signed_by(certs[0], certs[0]));
}

}  // namespace
}  // namespace camvault::crypto_openssl
