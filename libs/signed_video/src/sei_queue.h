// SEIs on their way into the stream: they leave in the order they were made (5.1), signed when their
// signature comes in time, else unsigned (5.5), and never make the stream wait unless that is asked for.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "camvault/signed_video/signer.h"
#include "sei_writer.h"
#include "signature_slot.h"
#include "supplement_maker.h"

namespace camvault::signed_video {

enum class Drain : std::uint8_t {
  ready,     // what is there
  wait,      // for each signature, as long as a key may take
  deadline,  // for all of them until a time
};

class SeiQueue {
 public:
  // `options`, `maker` and `counters` outlive the queue; no maker, no supplements.
  SeiQueue(const crypto::Engine& engine, std::shared_ptr<crypto::SigningKey> key,
           const SignerOptions& options, bool axis_form, SupplementMaker* maker, Signer::Counters& counters);

  // What is pushed from now on is signed with this key.
  void use_key(std::shared_ptr<crypto::SigningKey> key);

  // `list` is what draft.hash_list shall be. `tracks` go into the supplement, which signed SEIs about GOPs
  // have.
  Status push(SeiDraft draft, Bytes list, bool sign, std::vector<TrackSection> tracks);

  // Moves finished SEIs into `out`. An unsigned one belongs to the GOP that runs where it stands:
  // `on_unsigned` is told its digest.
  Status drain(Drain mode, std::vector<Bytes>& out,
               const std::function<void(const crypto::Digest&)>& on_unsigned);
  void set_deadline(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }

  std::size_t waiting_signatures() const;

 private:
  struct Waiting {
    SeiDraft draft;
    Bytes list;  // what draft.hash_list looks at
    SeiWriter writer;
    std::shared_ptr<SignatureSlot> slot;      // null: unsigned
    std::shared_ptr<crypto::SigningKey> key;  // that is asked: it stays until its signature is there
    std::optional<Result<Bytes>> signature;
    std::optional<WaitingSupplement> supplement;
  };

  Result<SeiWriter> write(const SeiDraft& draft, std::size_t signature_room) const;
  void sign(const crypto::Digest& digest, const std::shared_ptr<SignatureSlot>& slot) const;
  std::optional<Result<Bytes>> arrived(SignatureSlot& slot, Drain mode) const;
  bool signatures_arrived(Waiting& waiting, Drain mode) const;
  static bool signatures_good(const Waiting& waiting);
  void put(Bytes unit, std::vector<Bytes>& out);
  Status put_signed(Waiting& head, std::vector<Bytes>& out);
  Status demote(Waiting& waiting);

  const crypto::Engine& engine_;
  std::shared_ptr<crypto::SigningKey> key_;
  const SignerOptions& options_;
  bool is_axis_;
  SupplementMaker* maker_;
  Signer::Counters& counters_;
  crypto::SignatureScheme scheme_{};
  std::string public_key_;  // PEM, for Axis' form

  std::deque<Waiting> queue_;
  std::vector<Bytes> repeat_next_;
  std::chrono::steady_clock::time_point deadline_{};
};

}  // namespace camvault::signed_video
