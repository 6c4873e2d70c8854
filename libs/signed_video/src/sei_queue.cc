#include "sei_queue.h"

#include <algorithm>
#include <utility>

#include "axis/message.h"
#include "axis/pem.h"

namespace camvault::signed_video {

namespace {

// A key that never answers must not hold a recording up for ever.
constexpr auto kLongestWaitForKey = std::chrono::seconds(30);

}  // namespace

SeiQueue::SeiQueue(const crypto::Engine& engine, std::shared_ptr<crypto::SigningKey> key,
                   const SignerOptions& options, bool axis_form, SupplementMaker* maker,
                   Signer::Counters& counters)
    : engine_(engine), options_(options), is_axis_(axis_form), maker_(maker), counters_(counters) {
  use_key(std::move(key));
}

void SeiQueue::use_key(std::shared_ptr<crypto::SigningKey> key) {
  key_ = std::move(key);
  scheme_ = is_axis_ && crypto::is_rsa(key_->alg()) ? crypto::SignatureScheme::rsa_pkcs1v15
                                                    : crypto::default_scheme(key_->alg());
  if (is_axis_) public_key_ = axis::public_key_pem(key_->spki_der());
}

std::size_t SeiQueue::waiting_signatures() const {
  return static_cast<std::size_t>(
      std::count_if(queue_.begin(), queue_.end(), [](const auto& w) { return w.slot != nullptr; }));
}

Result<SeiWriter> SeiQueue::write(const SeiDraft& draft, std::size_t signature_room) const {
  if (!is_axis_) return SeiWriter::create(draft, signature_room);
  axis::Draft axis_draft;
  axis_draft.common = draft;
  if (!draft.chains.empty()) {
    axis_draft.public_key = public_key_;
    axis_draft.certificates = draft.chains.front().pem;
  }
  return axis::write_message(axis_draft, signature_room);
}

void SeiQueue::sign(const crypto::Digest& digest, const std::shared_ptr<SignatureSlot>& slot) const {
  key_->sign_async(scheme_, options_.hash, digest,
                   [slot](Result<Bytes> signature) { slot->set(std::move(signature)); });
}

Status SeiQueue::push(SeiDraft draft, Bytes list, bool sign_it, std::vector<TrackSection> tracks) {
  Waiting waiting;
  waiting.draft = std::move(draft);
  waiting.list = std::move(list);
  waiting.draft.hash_list = waiting.list;
  if (sign_it &&
      (waiting.draft.certificate_sei || options_.chain_in_every_sei || !options_.certificate_sei)) {
    waiting.draft.vendor =
        Vendor{options_.vendor.firmware, options_.vendor.serial, options_.vendor.manufacturer};
    waiting.draft.chains = {CertificateChain{false, options_.chain_pem}};
  }
  CAM_TRY(waiting.writer, write(waiting.draft, sign_it ? crypto::max_signature_size(key_->alg()) : 0));
  if (sign_it) {
    waiting.slot = std::make_shared<SignatureSlot>();
    waiting.key = key_;
    sign(engine_.digest(options_.hash, waiting.writer.document), waiting.slot);
    if (maker_ != nullptr && !waiting.draft.certificate_sei) {
      CAM_TRY(waiting.supplement, maker_->make(std::move(tracks)));
      sign(waiting.supplement->digest, waiting.supplement->slot);
    }
  }
  queue_.push_back(std::move(waiting));
  queue_.back().draft.hash_list =
      queue_.back().list;  // the vector's bytes stay where they are; the view is set anew for clarity
  return ok();
}

std::optional<Result<Bytes>> SeiQueue::arrived(SignatureSlot& slot, Drain mode) const {
  switch (mode) {
    case Drain::ready:
      return slot.take_if_ready();
    case Drain::wait:
      return slot.take_until(std::chrono::steady_clock::now() + kLongestWaitForKey);
    case Drain::deadline:
      return slot.take_until(deadline_);
  }
  return std::nullopt;
}

// Are the signatures of the SEI and of its supplement there? One that failed is there, too.
bool SeiQueue::signatures_arrived(Waiting& waiting, Drain mode) const {
  if (!waiting.signature) waiting.signature = arrived(*waiting.slot, mode);
  if (waiting.supplement && !waiting.supplement->signature)
    waiting.supplement->signature = arrived(*waiting.supplement->slot, mode);
  return waiting.signature && (!waiting.supplement || waiting.supplement->signature);
}

bool SeiQueue::signatures_good(const Waiting& waiting) {
  if (!waiting.signature || !*waiting.signature) return false;
  return !waiting.supplement || (waiting.supplement->signature && waiting.supplement->signature->has_value());
}

void SeiQueue::put(Bytes unit, std::vector<Bytes>& out) {
  if (options_.repeat_seis) repeat_next_.push_back(unit);
  out.push_back(std::move(unit));
}

Status SeiQueue::put_signed(Waiting& head, std::vector<Bytes>& out) {
  if (head.supplement) {
    CAM_TRY(auto unit, supplement_unit(options_.codec, head.draft.after_last_slice, head.supplement->body,
                                       **head.supplement->signature));
    ++counters_.supplements;
    maker_->is_in_stream(head.supplement->content);
    put(std::move(unit), out);
  }
  CAM_TRY(auto unit, head.writer.finish(**head.signature));
  ++counters_.seis_signed;
  put(std::move(unit), out);
  const auto& signature = head.supplement ? **head.supplement->signature : **head.signature;
  if (options_.on_signature && head.draft.general)
    options_.on_signature({head.draft.general->counter, head.draft.general->start, signature});
  return ok();
}

Status SeiQueue::drain(Drain mode, std::vector<Bytes>& out,
                       const std::function<void(const crypto::Digest&)>& on_unsigned) {
  for (auto& repeated : std::exchange(repeat_next_, {})) out.push_back(std::move(repeated));
  while (!queue_.empty()) {
    auto& head = queue_.front();
    if (head.slot != nullptr) {
      if (!signatures_arrived(head, mode) && mode == Drain::ready) return ok();
      if (signatures_good(head)) {
        CAM_TRY_STATUS(put_signed(head, out));
        queue_.pop_front();
        continue;
      }
      ++counters_.signatures_failed;
      CAM_TRY_STATUS(demote(head));
      if (head.draft.certificate_sei) {
        queue_.pop_front();
        continue;
      }
    }
    CAM_TRY(auto unit, head.writer.finish_unsigned());
    ++counters_.seis_unsigned;
    on_unsigned(engine_.digest(options_.hash, head.writer.whole_unsigned()));
    out.push_back(std::move(unit));
    queue_.pop_front();
  }
  return ok();
}

// The key failed or is away: the SEI goes out unsigned, and the next signature covers it.
Status SeiQueue::demote(Waiting& waiting) {
  waiting.slot = nullptr;
  if (waiting.supplement) maker_->take_back(std::move(waiting.supplement->content));
  waiting.supplement.reset();
  waiting.draft.vendor.reset();
  waiting.draft.chains.clear();
  waiting.draft.hash_list = waiting.list;
  CAM_TRY(waiting.writer, write(waiting.draft, 0));
  return ok();
}

}  // namespace camvault::signed_video
