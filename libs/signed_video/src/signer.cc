#include "camvault/signed_video/signer.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "av1_frame.h"
#include "axis/message.h"
#include "axis/pem.h"
#include "gop_entries.h"
#include "sei_message.h"
#include "supplement_collector.h"

namespace camvault::signed_video {

namespace {

using codec::UnitKind;

// ONVIF's reference verifier refuses longer hash lists.
constexpr std::size_t kReferenceListBytes = 19'200;
// A TLV length has 16 bits; one byte is the version.
constexpr std::size_t kMaxListBytes = 0xffff - 1;

constexpr std::array<std::uint8_t, 3> kSpecVersion = {26, 6, 0};  // ONVIF Media Signing 26.06

// Where a signature arrives, from whatever thread the key lives on. Outlives the signer if the key is slow.
class Slot {
 public:
  void set(Result<Bytes> result) {
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    arrived_.notify_all();
  }
  std::optional<Result<Bytes>> take_if_ready() {
    const std::lock_guard lock(mutex_);
    return std::exchange(result_, std::nullopt);
  }
  std::optional<Result<Bytes>> take_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, deadline, [&] { return result_.has_value(); });
    return std::exchange(result_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<Result<Bytes>> result_;
};

// A supplement goes into the stream together with the SEI of its last GOP, in front of it: whoever finds a
// signed SEI without one knows that it was taken away.
struct WaitingSupplement {
  Supplement content;
  Bytes body;
  std::shared_ptr<Slot> slot;
  std::optional<Result<Bytes>> signature;
};

// An SEI on its way into the stream; SEIs leave in the order they were made (5.1).
struct Waiting {
  SeiDraft draft;
  Bytes list;  // what draft.hash_list looks at
  SeiWriter writer;
  std::shared_ptr<Slot> slot;  // null: unsigned
  std::optional<Result<Bytes>> signature;
  std::optional<WaitingSupplement> supplement;
};

// GOPs whose SEI went out unsigned wait for the next supplement; the oldest give way.
constexpr std::size_t kMaxCarriedGops = 64;

// A key that never answers must not hold a recording up for ever.
constexpr auto kLongestWaitForKey = std::chrono::seconds(30);

}  // namespace

class Signer::Impl {
 public:
  Impl(const crypto::Engine& engine, std::shared_ptr<crypto::SigningKey> key, SignerOptions options)
      : engine_(engine),
        key_(std::move(key)),
        options_(std::move(options)),
        entries_(engine, options_.hash),
        collector_(engine, options_.codec) {
    engine_.random(session_);
    is_axis_ = options_.form == SignatureForm::axis ||
               (options_.form == SignatureForm::usual && options_.codec == codec::Codec::av1);
    scheme_ = is_axis_ && crypto::is_rsa(key_->alg()) ? crypto::SignatureScheme::rsa_pkcs1v15
                                                      : crypto::default_scheme(key_->alg());
    if (is_axis_) public_key_ = axis::public_key_pem(key_->spki_der());
    options_.supplement = options_.supplement && !is_axis_;
    const auto reference_limit = kReferenceListBytes / crypto::digest_size(options_.hash);
    max_units_ = options_.max_partial_units == 0 ? reference_limit : options_.max_partial_units;
    if (options_.first_counter) {
      counter_ = *options_.first_counter;
    } else {
      std::array<std::uint8_t, 4> random{};
      engine_.random(random);
      // Half the range is left for the recording: the counter does not wrap in any camera's life.
      counter_ = (std::uint32_t{random[0]} << 24 | std::uint32_t{random[1]} << 16 |
                  std::uint32_t{random[2]} << 8 | random[3]) >>
                 1;
    }
    link_.size =
        static_cast<std::uint8_t>(crypto::digest_size(options_.hash));  // zeros: nothing before the first GOP
  }

  Status start() {
    if (options_.certificate_sei) CAM_TRY_STATUS(queue_certificate_sei());
    return ok();
  }

  Result<std::span<const Bytes>> add(std::span<const BytesView> access_unit, Timestamp time,
                                     std::optional<Ticks> presentation) {
    if (finished_) return fail(Errc::usage, "the signed stream has ended");
    time = std::max(time, last_time_.value_or(time));
    frame_time_ = last_time_ ? time - *last_time_ : frame_time_;
    last_time_ = time;
    if (certificate_requested_ && options_.certificate_sei) CAM_TRY_STATUS(queue_certificate_sei());
    certificate_requested_ = false;

    out_.clear();
    classified_.clear();
    std::size_t slices = 0;
    std::size_t before_slices = 0;
    bool starts_gop = false;
    for (const auto unit : access_unit) {
      classified_.push_back(codec::classify(options_.codec, unit));
      const auto& info = classified_.back();
      if (info.kind == UnitKind::slice) ++slices;
      if (slices == 0) ++before_slices;
      starts_gop = starts_gop || (info.gop_start && info.first_slice);
    }
    // AV1: metadata before the first slice stands before the SEIs as well, and belongs to the GOP that ends.
    const auto early = options_.codec == codec::Codec::av1 ? before_slices : 0;
    hash_units(access_unit, 0, early, time, presentation);
    CAM_TRY_STATUS(drain(options_.wait_for_key ? Drain::wait : Drain::ready));
    // The count of an SEI has 16 bits, and an SEI cannot stand inside a picture. No level allows even 1000.
    if (slices >= kUnknownUnitCount) {
      return fail(Errc::limit,
                  "a picture has " + std::to_string(slices) + " slices; at most 65,534 can be signed");
    }
    first_raw_ = {};
    if (entries_.count() != 0) {
      if (starts_gop) {
        hash_first_slice(access_unit);
        CAM_TRY_STATUS(close(false, time, false));
      } else if (entries_.count() + slices > max_units_ || time - *start_ >= options_.max_partial_time) {
        // A part must be signed (5.6). While the key lags behind, the part grows instead.
        const bool list_full = (entries_.count() + slices) * digest_bytes() > kMaxListBytes;
        if (waiting_signatures() < kMaxWaiting || list_full) {
          hash_first_slice(access_unit);
          CAM_TRY_STATUS(close(true, time, false));
        }
      }
    }
    hash_units(access_unit, early, access_unit.size(), time, presentation);
    return std::span<const Bytes>(out_);
  }

  Result<std::span<const Bytes>> finish(std::chrono::milliseconds patience) {
    if (finished_) return fail(Errc::usage, "the signed stream has ended");
    finished_ = true;
    deadline_ = std::chrono::steady_clock::now() + patience;
    out_.clear();
    CAM_TRY_STATUS(drain(Drain::deadline));
    if (entries_.count() != 0) {
      CAM_TRY_STATUS(close(false, *last_time_ + frame_time_, true));
      CAM_TRY_STATUS(drain(Drain::deadline));
    }
    return std::span<const Bytes>(out_);
  }

  void add_header_unit(BytesView unit) {
    const auto info = codec::classify(options_.codec, unit);
    if (options_.supplement) collector_.add_header_unit(unit, info);
  }

  Status add_side(const SideSample& sample) {
    if (finished_) return fail(Errc::usage, "the signed stream has ended");
    if (sample.track >= 32) return fail(Errc::usage, "tracks are numbered from 0 to 31");
    return options_.supplement ? collector_.add_sample(sample) : ok();
  }

  Status add_record(RecordType type, Bytes value) {
    if (!options_.supplement) return fail(Errc::usage, "this signer writes no supplement");
    if (type < RecordType::time_stamp || type == RecordType::signature)
      return fail(Errc::usage, "not a record that a caller can add");
    if (value.size() > kMaxRecordSize) return fail(Errc::limit, "record longer than 64 KiB");
    const std::lock_guard lock(records_mutex_);
    if (records_.size() == kMaxWaitingRecords) return fail(Errc::limit, "too many records wait already");
    records_.push_back({static_cast<std::uint16_t>(type), std::move(value)});
    return ok();
  }

  void request_certificate_sei() { certificate_requested_ = true; }
  Counters counters() const { return counters_; }

 private:
  enum class Drain { ready, wait, deadline };

  std::size_t digest_bytes() const { return crypto::digest_size(options_.hash); }

  std::size_t waiting_signatures() const {
    return static_cast<std::size_t>(
        std::count_if(queue_.begin(), queue_.end(), [](const auto& w) { return w.slot != nullptr; }));
  }

  // The link forward needs it before the GOP in front of it is closed; it is hashed once all the same.
  void hash_first_slice(std::span<const BytesView> access_unit) {
    if (!options_.supplement) return;
    for (std::size_t i = 0; i < access_unit.size() && first_raw_.empty(); ++i) {
      if (classified_[i].kind == UnitKind::slice)
        first_raw_ = engine_.digest(options_.hash, codec::without_trailing_zeros(access_unit[i]));
    }
  }

  void hash_units(std::span<const BytesView> units, std::size_t begin, std::size_t end, Timestamp time,
                  std::optional<Ticks> presentation) {
    for (auto i = begin; i < end; ++i) {
      const auto& info = classified_[i];
      if (Av1Frame::is_part(options_.codec, info)) {
        codec::Unit unit;
        unit.bytes = units[i];
        Av1Frame frame(engine_, options_.hash, unit, info);
        frame.add(units[i]);
        while (i + 1 < end && Av1Frame::is_part(options_.codec, classified_[i + 1]) &&
               Av1Frame::continues(classified_[i + 1])) {
          frame.add(units[++i]);
        }
        take_slice(frame.finish()[static_cast<std::size_t>(options_.hash)], info, time, presentation);
      } else if (is_hashed_slice(info) || is_foreign_metadata(units[i], info)) {
        if (const auto known = std::exchange(first_raw_, {}); known.empty()) {
          take_slice(units[i], info, time, presentation);
        } else {
          take_slice(known, info, time, presentation);
        }
      } else if (options_.supplement && info.kind != UnitKind::slice) {
        collector_.add_unit(units[i], info);
      }
    }
  }

  // Axis' framework leaves some types of NAL unit out, and takes them for strangers where they are not.
  bool is_hashed_slice(const codec::UnitInfo& info) const {
    return info.kind == UnitKind::slice &&
           (!is_axis_ || info.reference_hashed || options_.codec == codec::Codec::av1);
  }

  // Axis' AV1 form hashes all metadata but its own.
  bool is_foreign_metadata(BytesView unit, const codec::UnitInfo& info) const {
    return options_.codec == codec::Codec::av1 && info.kind == UnitKind::sei &&
           !axis::is_message(options_.codec, unit);
  }

  // 5.4: the first slice of the IDR picture anchors the GOP; every other slice is hashed together with the
  // anchor. `what`: the unit, or its digest.
  template <class What>
  void take_slice(const What& what, const codec::UnitInfo& info, Timestamp time,
                  std::optional<Ticks> presentation) {
    const bool anchors = info.gop_start && info.first_slice;
    if (!entries_.has_anchor() && !anchors) {
      if (info.kind == UnitKind::slice) return;  // the stream begins inside a GOP: not covered
      // Metadata before the first key frame: Axis' framework takes zeros for the hash of the picture that is
      // not there.
      entries_.take_zeros_as_anchor();
    }
    if (entries_.count() == 0) start_ = time;
    const bool begins_picture = info.first_slice && options_.supplement;
    if (begins_picture) collector_.begin_picture(presentation);
    ++counters_.units_hashed;
    entries_.add(what, anchors, begins_picture);
  }

  // Ends the running (partial) GOP and sends its digest to the key.
  Status close(bool partial, Timestamp end, bool at_end_of_stream) {
    const auto count = entries_.count();
    auto closed = entries_.close();
    General general;
    general.spec_version = kSpecVersion;
    general.partial = partial;
    general.start = start_;
    general.end = end;
    general.counter = counter_++;
    // Axis' count wraps; ONVIF's says that it does not know.
    general.unit_count =
        static_cast<std::uint16_t>(is_axis_ ? count : std::min<std::size_t>(count, kUnknownUnitCount));
    general.gop_hash = gop_hash(closed.list);
    general.linked_hash = link_;

    Waiting waiting;
    waiting.draft.codec = options_.codec;
    waiting.draft.escaped_document = options_.emulation_prevention;
    waiting.draft.after_last_slice = at_end_of_stream;
    waiting.draft.general = general;
    waiting.draft.hash = options_.hash;
    if (!options_.low_bitrate && closed.list.size() <= kMaxListBytes) waiting.list = std::move(closed.list);
    link_ = closed.first;

    if (options_.supplement) {
      auto section = collector_.close_gop(closed.pictures);
      section.counter = general.counter;
      section.partial = partial;
      section.last = at_end_of_stream;
      section.gop_hash = general.gop_hash;
      section.next = first_raw_;
      if (carried_.size() == kMaxCarriedGops) carried_.erase(carried_.begin());
      carried_.push_back(std::move(section));
    }

    if (!partial) ++gops_closed_;
    const bool due = partial || at_end_of_stream || gops_closed_ % options_.signing_interval == 0;
    const bool key_lags = !at_end_of_stream && waiting_signatures() >= kMaxWaiting;
    return queue(std::move(waiting), due && !key_lags);
  }

  crypto::Digest gop_hash(BytesView list) const {
    if (!is_axis_) return engine_.digest(options_.hash, list);
    const auto hasher = engine_.hasher(options_.hash);
    hasher->update(BytesView(&axis::kGopSalt, 1));
    hasher->update(list);
    return hasher->finish();
  }

  Result<SeiWriter> write(const SeiDraft& draft, std::size_t signature_room) const {
    if (!is_axis_) return SeiWriter::create(draft, signature_room);
    axis::Draft axis_draft;
    axis_draft.common = draft;
    if (!draft.chains.empty()) {
      axis_draft.public_key = public_key_;
      axis_draft.certificates = draft.chains.front().pem;
    }
    return axis::write_message(axis_draft, signature_room);
  }

  Status queue_certificate_sei() {
    Waiting waiting;
    waiting.draft.codec = options_.codec;
    waiting.draft.certificate_sei = true;
    waiting.draft.escaped_document = options_.emulation_prevention;
    waiting.draft.hash = options_.hash;
    return queue(std::move(waiting), true);
  }

  // Everything since the last supplement, under a signature of its own.
  Status make_supplement(Waiting& waiting) {
    WaitingSupplement made;
    auto& content = made.content;
    content.session = session_;
    content.number = supplement_number_++;
    content.hash = options_.hash;
    content.gops = std::exchange(carried_, {});
    content.tracks = std::exchange(carried_tracks_, {});
    for (auto& track : collector_.take_tracks()) content.tracks.push_back(std::move(track));
    {
      const std::lock_guard lock(records_mutex_);
      content.records = std::exchange(records_, {});
    }
    auto body = supplement_body(content);
    // What does not fit is not covered; the recording goes on.
    if (!body && content.gops.size() > 1) content.gops.erase(content.gops.begin(), content.gops.end() - 1);
    if (!body) {
      content.tracks.clear();
      body = supplement_body(content);
    }
    CAM_TRY(made.body, std::move(body));
    made.slot = std::make_shared<Slot>();
    const auto digest = engine_.digest(options_.hash, supplement_document(made.body));
    key_->sign_async(scheme_, options_.hash, digest,
                     [slot = made.slot](Result<Bytes> signature) { slot->set(std::move(signature)); });
    waiting.supplement = std::move(made);
    return ok();
  }

  // Its signature, or that of its SEI, failed: the next one says it again.
  void take_back(Supplement content) {
    for (auto& gop : content.gops) carried_.push_back(std::move(gop));
    std::sort(carried_.begin(), carried_.end(),
              [](const auto& a, const auto& b) { return a.counter < b.counter; });
    if (carried_.size() > kMaxCarriedGops)
      carried_.erase(carried_.begin(), carried_.end() - static_cast<std::ptrdiff_t>(kMaxCarriedGops));
    for (auto& track : content.tracks) carried_tracks_.push_back(std::move(track));
    if (carried_tracks_.size() > kMaxCarriedGops)
      carried_tracks_.erase(carried_tracks_.begin(),
                            carried_tracks_.end() - static_cast<std::ptrdiff_t>(kMaxCarriedGops));
    const std::lock_guard lock(records_mutex_);
    records_.insert(records_.begin(), std::make_move_iterator(content.records.begin()),
                    std::make_move_iterator(content.records.end()));
  }

  Status queue(Waiting waiting, bool sign) {
    waiting.draft.hash_list = waiting.list;
    if (sign && (waiting.draft.certificate_sei || options_.chain_in_every_sei || !options_.certificate_sei)) {
      waiting.draft.vendor =
          Vendor{options_.vendor.firmware, options_.vendor.serial, options_.vendor.manufacturer};
      waiting.draft.chains = {CertificateChain{false, options_.chain_pem}};
    }
    CAM_TRY(waiting.writer, write(waiting.draft, sign ? crypto::max_signature_size(key_->alg()) : 0));
    if (sign) {
      waiting.slot = std::make_shared<Slot>();
      const auto digest = engine_.digest(options_.hash, waiting.writer.document);
      key_->sign_async(scheme_, options_.hash, digest,
                       [slot = waiting.slot](Result<Bytes> signature) { slot->set(std::move(signature)); });
      if (options_.supplement && !waiting.draft.certificate_sei) CAM_TRY_STATUS(make_supplement(waiting));
    }
    queue_.push_back(std::move(waiting));
    queue_.back().draft.hash_list =
        queue_.back().list;  // the vector's bytes stay where they are; the view is set anew for clarity
    return ok();
  }

  std::optional<Result<Bytes>> arrived(Slot& slot, Drain mode) {
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
  bool signatures_arrived(Waiting& waiting, Drain mode) {
    if (!waiting.signature) waiting.signature = arrived(*waiting.slot, mode);
    if (waiting.supplement && !waiting.supplement->signature)
      waiting.supplement->signature = arrived(*waiting.supplement->slot, mode);
    return waiting.signature && (!waiting.supplement || waiting.supplement->signature);
  }

  static bool signatures_good(const Waiting& waiting) {
    if (!waiting.signature || !*waiting.signature) return false;
    return !waiting.supplement ||
           (waiting.supplement->signature && waiting.supplement->signature->has_value());
  }

  void put(Bytes unit) {
    if (options_.repeat_seis) repeat_next_.push_back(unit);
    out_.push_back(std::move(unit));
  }

  Status put_signed(Waiting& head) {
    if (head.supplement) {
      CAM_TRY(auto unit, supplement_unit(options_.codec, head.draft.after_last_slice, head.supplement->body,
                                         **head.supplement->signature));
      ++counters_.supplements;
      put(std::move(unit));
    }
    CAM_TRY(auto unit, head.writer.finish(**head.signature));
    ++counters_.seis_signed;
    put(std::move(unit));
    if (options_.on_signature && head.draft.general)
      options_.on_signature({head.draft.general->counter, head.draft.general->start, **head.signature});
    return ok();
  }

  // Moves finished SEIs from the head of the queue into the stream.
  Status drain(Drain mode) {
    for (auto& repeated : std::exchange(repeat_next_, {})) out_.push_back(std::move(repeated));
    while (!queue_.empty()) {
      auto& head = queue_.front();
      if (head.slot != nullptr) {
        if (!signatures_arrived(head, mode) && mode == Drain::ready) return ok();
        if (signatures_good(head)) {
          CAM_TRY_STATUS(put_signed(head));
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
      // 5.5: an unsigned SEI belongs to the GOP that runs where it stands, hashed without the anchor.
      if (entries_.count() == 0) start_ = last_time_;
      entries_.add_sei(engine_.digest(options_.hash, head.writer.whole_unsigned()));
      out_.push_back(std::move(unit));
      queue_.pop_front();
    }
    return ok();
  }

  // The key failed or is away: the SEI goes out unsigned, and the next signature covers it.
  Status demote(Waiting& waiting) {
    waiting.slot = nullptr;
    if (waiting.supplement) take_back(std::move(waiting.supplement->content));
    waiting.supplement.reset();
    waiting.draft.vendor.reset();
    waiting.draft.chains.clear();
    waiting.draft.hash_list = waiting.list;
    CAM_TRY(waiting.writer, write(waiting.draft, 0));
    return ok();
  }

  const crypto::Engine& engine_;
  std::shared_ptr<crypto::SigningKey> key_;
  SignerOptions options_;
  bool is_axis_ = false;
  std::string public_key_;  // PEM, for Axis' form
  crypto::SignatureScheme scheme_;
  std::size_t max_units_ = 0;

  // The running (partial) GOP.
  GopEntries entries_;
  crypto::Digest link_;
  std::optional<Timestamp> start_;
  std::uint32_t counter_ = 0;
  std::uint64_t gops_closed_ = 0;

  SupplementCollector collector_;
  std::array<std::uint8_t, 16> session_{};
  std::uint32_t supplement_number_ = 0;
  crypto::Digest first_raw_;  // of the access unit that ends the running GOP
  std::vector<GopSection> carried_;
  std::vector<TrackSection> carried_tracks_;
  std::mutex records_mutex_;
  std::vector<CarriedRecord> records_;

  std::optional<Timestamp> last_time_;
  Ticks frame_time_{};
  std::deque<Waiting> queue_;
  std::vector<Bytes> out_;
  std::vector<Bytes> repeat_next_;
  std::vector<codec::UnitInfo> classified_;
  bool certificate_requested_ = false;
  bool finished_ = false;
  std::chrono::steady_clock::time_point deadline_{};
  Counters counters_;
};

Signer::Signer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Signer::~Signer() = default;
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;

Result<Signer> Signer::create(const crypto::Engine& engine, std::shared_ptr<crypto::SigningKey> key,
                              SignerOptions options) {
  if (key == nullptr) return fail(Errc::usage, "a signer needs a key");
  if (key->alg() == crypto::KeyAlg::ed25519)
    return fail(Errc::unsupported, "ONVIF Media Signing has no Ed25519 signatures");
  if (options.codec == codec::Codec::av1 && options.form == SignatureForm::onvif)
    return fail(Errc::unsupported, "ONVIF Media Signing has no form for AV1; Axis Signed Video has");
  if (options.signing_interval == 0) return fail(Errc::usage, "the signing interval counts GOPs: at least 1");
  if (options.max_partial_time <= Ticks::zero())
    return fail(Errc::usage, "the longest part of a GOP must last some time");
  CAM_TRY(const auto chain,
          engine.certificates_from_pem(options.chain_pem, 4));  // the reference verifier's limit
  if (chain.empty()) return fail(Errc::usage, "the certificate chain is empty");
  if (chain.front().key == nullptr || chain.front().key->spki_der() != key->spki_der()) {
    return fail(Errc::usage, "the first certificate of the chain does not belong to the signing key");
  }
  // The supplement goes with ONVIF's form. A certificate's promise of it is kept: what is signed without one
  // would look as if somebody had taken it away.
  const bool onvif = options.codec != codec::Codec::av1 && options.form != SignatureForm::axis;
  options.supplement = onvif && (options.supplement || announces_supplement(chain.front()));
  auto impl = std::make_unique<Impl>(engine, std::move(key), std::move(options));
  CAM_TRY_STATUS(impl->start());
  return Signer(std::move(impl));
}

Result<std::span<const Bytes>> Signer::add(std::span<const BytesView> access_unit, Timestamp time,
                                           std::optional<Ticks> presentation) {
  return impl_->add(access_unit, time, presentation);
}
void Signer::add_header_unit(BytesView unit) {
  impl_->add_header_unit(unit);
}
Status Signer::add_side(const SideSample& sample) {
  return impl_->add_side(sample);
}
Status Signer::add_record(RecordType type, Bytes value) {
  return impl_->add_record(type, std::move(value));
}

Result<std::span<const Bytes>> Signer::finish(std::chrono::milliseconds patience) {
  return impl_->finish(patience);
}
void Signer::request_certificate_sei() {
  impl_->request_certificate_sei();
}
Signer::Counters Signer::counters() const {
  return impl_->counters();
}

}  // namespace camvault::signed_video
