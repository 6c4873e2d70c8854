// Supplements wait for the signed SEI behind them, which may bring the certificate. Then their signatures are
// checked, and what they say is compared with the clip.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "camvault/signed_video/report.h"
#include "coverage.h"
#include "recent.h"
#include "supplement_check.h"
#include "trust.h"

namespace camvault::signed_video {

class HeldSupplements {
 public:
  using NoteInvalid = std::function<void(std::string text)>;

  // All must outlive this. `note_invalid` is told about signatures that do not verify.
  HeldSupplements(const crypto::Engine& engine, Trust& trust, Coverage& coverage, SupplementCheck& beside,
                  Report& report, NoteInvalid note_invalid)
      : engine_(engine),
        trust_(trust),
        coverage_(coverage),
        beside_(beside),
        report_(report),
        note_invalid_(std::move(note_invalid)) {}

  // `check`: of its signature, if that was made ahead. `size`: bytes of the unit.
  void add(Supplement supplement, std::optional<SignatureCheck> check, std::size_t size);
  // A signed SEI about a GOP stands here.
  void gop_signed(const General& general);
  // All that wait, in their order, once the signer's key is known.
  void settle();
  // The same at the end of the clip: nothing more comes that one could wait for.
  void finish();
  // A GOP's SEI with a good signature; settle() was called. Does its supplement name it, and the supplement
  // before? A time stamp may come for either signature.
  void bind(BytesView signature, GopSei& sei);

  bool tampered() const { return tampered_; }

 private:
  struct Held {
    std::optional<Supplement> supplement;  // else a signed SEI
    std::optional<SignatureCheck> check;   // of the supplement
    std::size_t size = 0;
    crypto::Digest signed_digest;  // once the signature was found good
    int seis_passed = 0;           // of other GOPs, since it came
    std::uint32_t counter = 0;
    crypto::Digest gop_hash;
  };
  enum class Place : std::uint8_t { here, later, elsewhere };
  static constexpr int kMaxSeisPassed = 2;
  // Signatures that a time stamp may come for.
  static constexpr std::size_t kMaxRememberedSignatures = 4096;

  Place place_of(std::size_t at);
  bool promised();
  std::string signature_key(BytesView signature) const;
  bool check_signature(Held& held);
  void take(Held held);
  void take_record(CarriedRecord record);

  const crypto::Engine& engine_;
  Trust& trust_;
  Coverage& coverage_;
  SupplementCheck& beside_;
  Report& report_;
  NoteInvalid note_invalid_;

  std::vector<Held> held_;
  std::uint32_t last_counter_ = 0;  // of the last signed SEI
  crypto::Digest last_gop_hash_;
  std::size_t held_bytes_ = 0;
  std::string promising_certificate_;  // fingerprint of the one that was looked at last
  bool promises_ = false;
  Recent<GopSignatureInfo, kMaxRememberedSignatures> signatures_;
  // The last supplement with a good signature.
  struct Last {
    std::array<std::uint8_t, 16> session{};
    std::uint32_t number = 0;
    crypto::Digest digest;      // that it signs
    std::string signature;      // key of signatures_
    bool names_before = false;  // the good supplement before it is the one it names
    std::uint32_t counter = 0;  // of its last GOP
    crypto::Digest gop_hash;
  };
  Last last_;
  std::size_t record_bytes_ = 0;
  bool tampered_ = false;
};

}  // namespace camvault::signed_video
