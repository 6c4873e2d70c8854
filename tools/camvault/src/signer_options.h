// The options that `camvault sign` and `camvault camera run` share.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "camvault/key_source/signing_identity.h"
#include "camvault/signed_video/signer.h"
#include "evidence_feed.h"

namespace camvault::cli {

struct SignerSettings {
  key_source::KeySource key;
  std::string hash = "sha256";
  std::string form;  // "onvif", "axis"; empty: onvif, and axis for AV1
  bool low_bitrate = false;
  bool no_emulation_prevention = false;
  bool certificate_in_every_sei = true;  // accepted: it is what happens anyway
  bool certificate_at_start_only = false;
  bool no_certificate_sei = false;
  bool repeat_seis = false;
  bool supplement = true;
  std::uint32_t max_partial_units = 0;
  std::uint32_t signing_interval = 1;
  signed_video::VendorInfo vendor;
  EvidenceSettings evidence;
};

void add_signer_options(CLI::App& command, SignerSettings& settings);
signed_video::SignerOptions signer_options(const SignerSettings& settings, codec::Codec codec,
                                           std::string chain_pem);
// Says so when --no-supplement was overruled by the certificate's promise.
void tell_of_kept_promise(const SignerSettings& settings, const signed_video::Signer::Counters& counters);

}  // namespace camvault::cli
