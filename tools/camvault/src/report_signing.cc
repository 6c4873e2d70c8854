#include "report_signing.h"

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"
#include "output_file.h"

namespace camvault::cli {

namespace {
constexpr std::size_t kMaxReport = 256 << 20;
}  // namespace

void add_report_signer(CLI::App& command, ReportSigner& signer) {
  signer.source.key.clear();
  signer.source.purpose = keystore::Purpose::report_signing;
  command
      .add_option("--sign-report", signer.source.key,
                  "sign the reports with this key of the keystore, whose purpose is report-signing (camvault "
                  "report key makes one)")
      ->type_name("APPLICATION/NAME");
  command.add_option("--report-root", signer.source.root, "folder with the keystore's socket (default /)")
      ->type_name("DIR");
  command
      .add_option("--report-chain", signer.source.chain,
                  "certificate of that key and its intermediates, PEM, leaf first")
      ->type_name("CHAIN.pem");
  command
      .add_option("--report-key-file", signer.source.key_file,
                  "for tests: a private key in a PEM file instead of the keystore")
      ->type_name("KEY.pem");
}

Result<Examiner> open_examiner(const crypto::Engine& engine, const ReportSigner& signer) {
  if (signer.source.chain.empty())
    return fail(Errc::usage, "signing a report needs --report-chain: the certificate of the key");
  CAM_TRY(auto identity, key_source::open_identity(signer.source));
  CAM_TRY(auto chain, engine.certificates_from_pem(identity.chain_pem, 8));
  if (chain.empty()) return fail(Errc::usage, signer.source.chain.string() + " holds no certificate");
  return Examiner{std::move(identity.key), std::move(chain)};
}

Status sign_file(const Examiner& examiner, const std::filesystem::path& path) {
  CAM_TRY(const auto content, read_file(path, kMaxReport));
  CAM_TRY(const auto signature,
          crypto_openssl::sign_detached(*examiner.key, examiner.chain, content, SystemClock().now()));
  auto target = path;
  target += ".p7s";
  return write_output(target, signature);
}

}  // namespace camvault::cli
