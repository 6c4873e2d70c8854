// A camera's key and certificate, and the judgement of what it recorded.
#pragma once

#include <gtest/gtest.h>

#include "camvault/base/file.h"
#include "camvault/camera/recorder.h"
#include "camvault/codec/clip.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/crypto_openssl/local_key.h"
#include "camvault/signed_video/verifier.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"
#include "library_leaks.h"

namespace camvault::camera::test {

using test_support::run_program;

class RecorderTest : public testing::Test {
 protected:
  RecorderTest() : engine_(crypto_openssl::make_openssl_engine()) {}

  // A key with a certificate of its own, as a factory would make them.
  std::shared_ptr<crypto::SigningKey> make_key(std::chrono::milliseconds delay = {}) {
    auto ca_key = crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256).value();
    crypto_openssl::CertificateProfile ca;
    ca.ca = true;
    ca.key_usage = crypto_openssl::KeyUsage::key_cert_sign | crypto_openssl::KeyUsage::crl_sign;
    ca.not_before = from_iso8601("2020-01-01").value();
    ca.not_after = from_iso8601("2040-01-01").value();
    crypto_openssl::SubjectName name;
    name.common_name = "Recorder test CA";
    anchor_ = crypto_openssl::issue_self_signed(*ca_key, name, ca, Bytes{0x5e, 1}).value();
    std::shared_ptr<crypto::SigningKey> key =
        crypto_openssl::LocalKey::generate(crypto::KeyAlg::ec_p256, {.delay = delay, .workers = 1}).value();
    auto leaf = ca;
    leaf.ca = false;
    leaf.key_usage = crypto_openssl::KeyUsage::digital_signature;
    name.common_name = "Recorder test camera";
    const auto certificate =
        crypto_openssl::issue_certificate(*ca_key, *anchor_, name, key->spki_der(), leaf, Bytes{0x5e, 2})
            .value();
    chain_ = crypto_openssl::certificates_pem({certificate});
    return key;
  }

  RecorderOptions options(const char* name) {
    RecorderOptions result;
    result.path = folder_.path() / name;
    result.signer.chain_pem = chain_;
    result.signer.vendor = {"1.0", "0001", "Recorder test"};
    return result;
  }

  signed_video::Report verify(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path).value();
    auto clip = codec::open_clip(file.bytes()).value();
    signed_video::VerifyOptions verify_options;
    verify_options.anchors = {*anchor_};
    signed_video::Verifier verifier(clip->info().codec, *engine_, verify_options);
    bool truncated = false;
    for (;;) {
      const auto run = clip->read();
      truncated = !run;
      if (!run || run->empty()) break;
      verifier.add(*run);
    }
    return verifier.finish(truncated);
  }

  // Decodes everything: not a single error. (It warns of the end-of-stream SEI, which stands behind the last
  // picture.)
  static void expect_plays(const std::filesystem::path& path) {
    const auto result = run_program({"ffmpeg", "-hide_banner", "-loglevel", "error", "-xerror", "-err_detect",
                                     "explode", "-i", path.string(), "-f", "null", "-"});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_EQ(result.output, "");
  }

  test_support::TemporaryFolder folder_;
  std::unique_ptr<crypto::Engine> engine_;
  std::optional<crypto::Certificate> anchor_;
  std::string chain_;
  SystemClock clock_;
};

}  // namespace camvault::camera::test
