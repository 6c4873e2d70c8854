// What a camera adds to its video beside signatures, while it signs: time stamps of an authority over them,
// and evidence of where its key lives. None of it ever holds up a picture.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "camvault/authority_client/time_stamper.h"
#include "camvault/key_source/signing_identity.h"
#include "camvault/signed_video/signer.h"
#include "trust_options.h"

namespace camvault::cli {

struct EvidenceSettings {
  std::string tsa;  // URL; empty: no time stamps
  std::string tsa_interval = "60s";
  std::string tsa_policy;
  std::filesystem::path tsa_ca;                    // of the TLS connection
  std::vector<std::filesystem::path> tsa_anchors;  // who may be the authority; empty: the trust store's
  std::filesystem::path trust_store;
  bool no_attestation = false;
};

void add_evidence_options(CLI::App& command, EvidenceSettings& settings);

// "90", "60s", "5m", "1h"; Errc::usage for anything else, at most 24 hours.
Result<Ticks> interval_from_text(const std::string& text);

class EvidenceFeed {
 public:
  using AddRecord = std::function<Status(signed_video::RecordType, Bytes)>;

  // `patient`: for files, where waiting for the authority holds nobody up. `engine` must outlive it.
  static Result<std::unique_ptr<EvidenceFeed>> create(const crypto::Engine& engine,
                                                      const EvidenceSettings& settings,
                                                      const key_source::SigningIdentity& identity,
                                                      bool patient);
  ~EvidenceFeed();
  EvidenceFeed(const EvidenceFeed&) = delete;
  EvidenceFeed& operator=(const EvidenceFeed&) = delete;

  // Before the signer is made: it will tell of its signatures.
  void attach(signed_video::SignerOptions& options);
  // Where records go, from any thread, until `stop` returned.
  void deliver_to(AddRecord add_record);

  // Another key signs: evidence about that one from now on.
  void key_changed(const key_source::SigningIdentity& identity);

  // Waits until what was asked for is there, at most so long.
  void drain(std::chrono::milliseconds patience);
  void stop();

  bool has_time_stamps() const;
  authority_client::TimeStamper::Counters time_stamps() const;
  // "3 time stamps", "1 time stamp, 2 questions failed (...)", or nothing
  std::string summary() const;

 private:
  class Impl;
  explicit EvidenceFeed(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace camvault::cli
