#include "signer_options.h"

#include "exit_code.h"

namespace camvault::cli {

void add_signer_options(CLI::App& command, SignerSettings& s) {
  add_evidence_options(command, s.evidence);
  command.add_option("--root", s.key.root, "folder that holds this camera's state (default /)")
      ->type_name("DIR");
  command
      .add_option("--keystore", s.key.socket, "socket of keystored (default DIR/run/camvault/keystored.sock)")
      ->type_name("SOCKET");
  command.add_option("--key", s.key.key, "name of the key in the keystore (default camera/media-signing)")
      ->type_name("APPLICATION/NAME");
  command.add_option("--chain", s.key.chain, "certificate of the key and its intermediates, PEM, leaf first")
      ->type_name("CHAIN.pem");
  command
      .add_option("--key-file", s.key.key_file,
                  "for tests and offline work: a private key in a PEM file instead of the keystore")
      ->type_name("KEY.pem")
      ->excludes("--keystore");
  command.add_option("--hash", s.hash, "sha256, sha384 or sha512 (default sha256)")
      ->type_name("HASH")
      ->check(CLI::IsMember({"sha256", "sha384", "sha512"}));
  command
      .add_option("--form", s.form,
                  "onvif or axis: how signatures are written (default onvif; AV1 has only axis)")
      ->type_name("FORM")
      ->check(CLI::IsMember({"onvif", "axis"}));
  command.add_flag("--low-bitrate", s.low_bitrate,
                   "no list of hashes: a group of pictures is authentic or not as a whole");
  command
      .add_option("--max-partial-units", s.max_partial_units,
                  "sign a longer group in parts of at most this many units (default what all verifiers can "
                  "take: 600, with SHA-384 400, with SHA-512 300)")
      ->type_name("N")
      ->check(CLI::Range(1, 65'534));
  command
      .add_option("--signing-interval", s.signing_interval,
                  "sign every N-th group, which covers the others (default 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  command.add_flag("--no-emulation-prevention", s.no_emulation_prevention,
                   "hash the signature messages without emulation prevention bytes");
  auto* every = command.add_flag("--certificate-in-every-sei", s.certificate_in_every_sei,
                                 "send the certificates with every signature (default)");
  command
      .add_flag("--certificate-at-start-only", s.certificate_at_start_only,
                "send the certificates once at the start: about 1.5 KB less a signature")
      ->excludes(every);
  command
      .add_flag("--no-certificate-sei", s.no_certificate_sei,
                "send no certificate message of its own at the start")
      ->excludes("--certificate-at-start-only");
  command.add_flag("--repeat-seis", s.repeat_seis, "send every signature twice, for lossy transport");
  command
      .add_option("--vendor-manufacturer", s.vendor.manufacturer, "maker's name in the vendor information")
      ->type_name("TEXT");
  auto* supplement = command.add_flag(
      "--supplement", s.supplement,
      "sign sound, times, decoder parameters and other SEIs too, in an SEI of our own (default)");
  command
      .add_flag_callback(
          "--no-supplement", [&s] { s.supplement = false; },
          "sign the pictures alone; no effect when the certificate promises more")
      ->excludes(supplement);
  command.add_option("--vendor-firmware", s.vendor.firmware, "firmware version in the vendor information")
      ->type_name("TEXT");
  command.add_option("--vendor-serial", s.vendor.serial, "serial number in the vendor information")
      ->type_name("TEXT");
}

signed_video::SignerOptions signer_options(const SignerSettings& s, codec::Codec codec,
                                           std::string chain_pem) {
  signed_video::SignerOptions options;
  options.codec = codec;
  options.hash = s.hash == "sha512"   ? crypto::HashAlg::sha512
                 : s.hash == "sha384" ? crypto::HashAlg::sha384
                                      : crypto::HashAlg::sha256;
  options.chain_pem = std::move(chain_pem);
  options.vendor = s.vendor;
  options.form = s.form == "axis"    ? signed_video::SignatureForm::axis
                 : s.form == "onvif" ? signed_video::SignatureForm::onvif
                                     : signed_video::SignatureForm::usual;
  options.low_bitrate = s.low_bitrate;
  options.certificate_sei = !s.no_certificate_sei;
  options.chain_in_every_sei = !s.certificate_at_start_only;
  options.emulation_prevention = !s.no_emulation_prevention;
  options.signing_interval = s.signing_interval;
  options.max_partial_units = s.max_partial_units;
  options.repeat_seis = s.repeat_seis;
  options.supplement = s.supplement;
  return options;
}

void tell_of_kept_promise(const SignerSettings& s, const signed_video::Signer::Counters& counters) {
  // A wish for time stamps is one for what carries them.
  if (s.supplement || !s.evidence.tsa.empty() || counters.supplements == 0) return;
  complain(kYes,
           "note: --no-supplement has no effect, the signing certificate promises supplements (camvault "
           "factory init "
           "--no-supplement makes a factory whose certificates do not)");
}

}  // namespace camvault::cli
