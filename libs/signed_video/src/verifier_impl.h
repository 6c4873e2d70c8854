// What a Verifier is inside. verifier.cc takes units and finishes, verifier_sei.cc takes the SEIs among them.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "av1_frame.h"
#include "camvault/signed_video/verifier.h"
#include "coverage.h"
#include "disguised_slice.h"
#include "held_supplements.h"
#include "look_ahead.h"
#include "sei_ahead.h"
#include "sei_message.h"
#include "supplement_check.h"
#include "timeline.h"
#include "trust.h"

namespace camvault::signed_video {

class Verifier::Impl {
 public:
  Impl(codec::Codec codec, const crypto::Engine& engine, VerifyOptions options)
      : codec_(codec),
        engine_(engine),
        options_(std::move(options)),
        trust_(engine_, options_),
        coverage_(engine_, timeline_, report_.notes),
        beside_(engine_, codec),
        disguised_(engine_, codec),
        held_(engine_, trust_, coverage_, beside_, report_,
              [this](std::string text) { sei_note(NoteKind::supplement_invalid, std::move(text)); }),
        ahead_(codec, engine_, seen_seis_, thread_count(options_.jobs)) {
    report_.codec = codec;
    timeline_.watch(options_.live);
  }

  void add(std::span<const codec::Unit> units);
  void gap();
  std::uint32_t pictures();
  Report origin();
  void add_side(const SideSample& sample);
  void cannot_compare(std::string track) { beside_.cannot_compare(std::move(track)); }
  Report finish(bool truncated);

 private:
  // Units (verifier.cc).
  void note(NoteKind kind, std::uint64_t count, std::string text);
  KeysAhead keys_for(const UnitBatch& batch);
  void take_oldest();
  void give_side_samples(std::uint64_t batch);
  void catch_up();
  void take(UnitBatch& batch);
  void hash_again(UnitBatch& batch, std::size_t from) const;
  void find_hash_algorithm(std::span<const codec::Unit> units);
  void add_with_all_hashes(std::span<const codec::Unit> units);
  crypto::HashAlg hash_named_by(const SeiMessage& message) const;
  void settle_hash(crypto::HashAlg hash);
  void take_slice(const codec::Unit& unit, const codec::UnitInfo& info, std::size_t index);
  void take_frame_part(const codec::Unit& unit, const codec::UnitInfo& info);
  void close_frame();
  void give_up_unknown_hash();
  void add_hashed(const codec::Unit& unit, const codec::UnitInfo& info, const crypto::Digest& raw);
  void take_other(const codec::Unit& unit, const codec::UnitInfo& info);
  void look_inside(const codec::Unit& unit);

  // SEIs (verifier_sei.cc).
  crypto::Digest digest_of_sei(const codec::Unit& unit) const;
  void sei_note(NoteKind kind, std::string text);
  Result<SeiMessage> read_message(Carrier carrier, BytesView unit) const;
  bool is_of_the_format(const SeiMessage& message);
  bool is_repeat(const codec::Unit& unit, const SeiAhead& ahead);
  void take_sei(const codec::Unit& unit, Carrier carrier, SeiAhead& ahead);
  void take_supplement(const codec::Unit& unit, SeiAhead& ahead);
  void take_signed(SeiMessage message, crypto::HashAlg hash, const SignatureCheck* done);
  void take_gop_signature(SeiMessage message, crypto::HashAlg hash);
  void add_gop_signature(SeiMessage message, crypto::HashAlg hash, std::uint64_t sequence);
  void take_unsigned(SeiMessage message, const codec::Unit& unit);
  void take_vendor(const Vendor& vendor);

  codec::Codec codec_;
  const crypto::Engine& engine_;
  VerifyOptions options_;
  Report report_;
  Timeline timeline_;
  Trust trust_;
  Coverage coverage_;
  SupplementCheck beside_;
  DisguisedSlices disguised_;
  SupplementCheck::Outcome side_;

  HeldSupplements held_;
  std::uint64_t times_seen_ = 0;

  crypto::HashAlg hash_ = crypto::HashAlg::sha256;
  bool hash_known_ = false;
  std::deque<std::array<crypto::Digest, 3>>
      alternatives_;  // of all hashable units so far, while it is not known
  std::deque<std::array<crypto::Digest, 3>> first_alternatives_;  // of the first slices of pictures

  std::optional<Av1Frame> frame_;                           // open: its tile groups may still come
  UnitBatch* now_ = nullptr;                                // whose units are being taken
  std::size_t next_slice_ = 0;                              // of that batch
  std::vector<std::array<crypto::Digest, 3>> all_digests_;  // of that batch, while the algorithm is not known
  std::optional<KeysAhead> guessed_keys_;
  std::deque<std::pair<std::uint64_t, SideSample>>
      side_waiting_;  // each with the batch that it stands before

  std::uint32_t pictures_ = 0;
  std::uint32_t gop_ = 0;
  std::uint64_t slices_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t sei_ids_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t sei_notes_ = 0;
  struct EarlySei {
    SeiMessage message;
    std::uint64_t sequence = 0;
  };
  std::deque<EarlySei> early_;
  std::optional<Format> format_;
  bool mixed_formats_ = false;
  bool any_sei_ = false;
  bool tampered_ = false;
  bool without_key_ = false;

  SeenSeis seen_seis_;
  LookAhead ahead_;  // the last member: its threads end before anything else does
};

}  // namespace camvault::signed_video
