#include "camvault/signed_video/signer.h"

#include <algorithm>

#include "av1_frame.h"
#include "axis/message.h"
#include "gop_entries.h"
#include "sei_queue.h"
#include "supplement_collector.h"
#include "supplement_maker.h"

namespace camvault::signed_video {

namespace {

using codec::UnitKind;

// ONVIF's reference verifier refuses longer hash lists.
constexpr std::size_t kReferenceListBytes = 19'200;
// A TLV length has 16 bits; one byte is the version.
constexpr std::size_t kMaxListBytes = 0xffff - 1;

constexpr std::array<std::uint8_t, 3> kSpecVersion = {26, 6, 0};  // ONVIF Media Signing 26.06

bool is_axis(const SignerOptions& options) {
  return options.form == SignatureForm::axis ||
         (options.form == SignatureForm::usual && options.codec == codec::Codec::av1);
}

// The certificate of the key, which the chain begins with.
Result<crypto::Certificate> leaf_of(const crypto::Engine& engine, const crypto::SigningKey* key,
                                    std::string_view chain_pem) {
  if (key == nullptr) return fail(Errc::usage, "a signer needs a key");
  if (key->alg() == crypto::KeyAlg::ed25519)
    return fail(Errc::unsupported, "ONVIF Media Signing has no Ed25519 signatures");
  CAM_TRY(auto chain, engine.certificates_from_pem(chain_pem, 4));  // the reference verifier's limit
  if (chain.empty()) return fail(Errc::usage, "the certificate chain is empty");
  if (chain.front().key == nullptr || chain.front().key->spki_der() != key->spki_der()) {
    return fail(Errc::usage, "the first certificate of the chain does not belong to the signing key");
  }
  return std::move(chain.front());
}

}  // namespace

class Signer::Impl {
 public:
  Impl(const crypto::Engine& engine, std::shared_ptr<crypto::SigningKey> key, SignerOptions options,
       const crypto::Certificate& leaf)
      : engine_(engine),
        options_(std::move(options)),
        device_serial_(leaf.device_serial),
        is_axis_(is_axis(options_)),
        entries_(engine, options_.hash),
        collector_(engine, options_.codec),
        maker_(engine, options_.hash),
        queue_(engine, std::move(key), options_, is_axis_, options_.supplement ? &maker_ : nullptr,
               counters_) {
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
        if (queue_.waiting_signatures() < kMaxWaiting || list_full) {
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
    queue_.set_deadline(std::chrono::steady_clock::now() + patience);
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
    return maker_.add_record(type, std::move(value));
  }

  Status change_key(std::shared_ptr<crypto::SigningKey> key, std::string chain_pem) {
    if (is_axis_)
      return fail(Errc::unsupported, "Axis Signed Video knows no change of keys inside a recording");
    if (next_) return fail(Errc::exists, "another change of keys is under way");
    CAM_TRY(const auto leaf, leaf_of(engine_, key.get(), chain_pem));
    if (leaf.device_serial != device_serial_ || device_serial_.empty())
      return fail(Errc::usage, "the next certificate is of another device");
    if (!options_.supplement && announces_supplement(leaf))
      return fail(Errc::usage, "the next certificate promises supplements, which this recording has not");
    next_ = NextKey{std::move(key), std::move(chain_pem), counters_.signatures_failed};
    if (options_.supplement) maker_.announce(next_key_record(leaf));
    return ok();
  }

  void request_certificate_sei() { certificate_requested_ = true; }
  Counters counters() const { return counters_; }

 private:
  // The key that takes over.
  struct NextKey {
    std::shared_ptr<crypto::SigningKey> key;
    std::string chain_pem;
    std::uint64_t failed_before = 0;  // signatures, when it was named
  };
  static constexpr std::uint64_t kMaxFailures = 3;  // of the old key, while it is to name the new one

  std::size_t digest_bytes() const { return crypto::digest_size(options_.hash); }

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

    auto draft = new_draft();
    draft.after_last_slice = at_end_of_stream;
    draft.general = general;
    Bytes list;
    if (!options_.low_bitrate && closed.list.size() <= kMaxListBytes) list = std::move(closed.list);
    link_ = closed.first;

    if (options_.supplement) {
      auto section = collector_.close_gop(closed.pictures);
      section.counter = general.counter;
      section.partial = partial;
      section.last = at_end_of_stream;
      section.gop_hash = general.gop_hash;
      section.next = first_raw_;
      maker_.add_gop(std::move(section));
    }

    if (!partial) ++gops_closed_;
    const bool due = partial || at_end_of_stream || gops_closed_ % options_.signing_interval == 0;
    const bool key_lags = !at_end_of_stream && queue_.waiting_signatures() >= kMaxWaiting;
    const bool sign = due && !key_lags;
    CAM_TRY_STATUS(
        queue_.push(std::move(draft), std::move(list), sign,
                    sign && options_.supplement ? collector_.take_tracks() : std::vector<TrackSection>()));
    return partial || at_end_of_stream ? ok() : take_next_key();
  }

  NextKeyRecord next_key_record(const crypto::Certificate& leaf) const {
    NextKeyRecord record;
    const auto hash = engine_.digest(crypto::HashAlg::sha256, leaf.der);
    std::copy_n(hash.bytes.begin(), record.certificate_sha256.size(), record.certificate_sha256.begin());
    return record;
  }

  // A GOP ended. What was announced is done; whoever waits for a key that is gone for good signs nothing.
  Status take_next_key() {
    if (!next_) return ok();
    const bool given_up = counters_.signatures_failed >= next_->failed_before + kMaxFailures;
    if (options_.supplement && !maker_.is_announced() && !given_up) return ok();
    queue_.use_key(std::move(next_->key));
    options_.chain_pem = std::move(next_->chain_pem);
    next_.reset();
    maker_.key_changed();
    ++counters_.keys_changed;
    return options_.certificate_sei ? queue_certificate_sei() : ok();
  }

  crypto::Digest gop_hash(BytesView list) const {
    if (!is_axis_) return engine_.digest(options_.hash, list);
    const auto hasher = engine_.hasher(options_.hash);
    hasher->update(BytesView(&axis::kGopSalt, 1));
    hasher->update(list);
    return hasher->finish();
  }

  Status queue_certificate_sei() {
    auto draft = new_draft();
    draft.certificate_sei = true;
    return queue_.push(std::move(draft), {}, true, {});
  }

  SeiDraft new_draft() const {
    SeiDraft draft;
    draft.codec = options_.codec;
    draft.escaped_document = options_.emulation_prevention;
    draft.hash = options_.hash;
    return draft;
  }

  Status drain(Drain mode) {
    return queue_.drain(mode, out_, [this](const crypto::Digest& sei) {
      // 5.5: an unsigned SEI belongs to the GOP that runs where it stands, hashed without the anchor.
      if (entries_.count() == 0) start_ = last_time_;
      entries_.add_sei(sei);
    });
  }

  const crypto::Engine& engine_;
  SignerOptions options_;
  std::string device_serial_;  // that the certificate names
  std::optional<NextKey> next_;
  bool is_axis_;
  std::size_t max_units_ = 0;
  Counters counters_;

  // The running (partial) GOP.
  GopEntries entries_;
  crypto::Digest link_;
  std::optional<Timestamp> start_;
  std::uint32_t counter_ = 0;
  std::uint64_t gops_closed_ = 0;

  SupplementCollector collector_;
  SupplementMaker maker_;
  crypto::Digest first_raw_;  // of the access unit that ends the running GOP

  std::optional<Timestamp> last_time_;
  Ticks frame_time_{};
  SeiQueue queue_;
  std::vector<Bytes> out_;
  std::vector<codec::UnitInfo> classified_;
  bool certificate_requested_ = false;
  bool finished_ = false;
};

Signer::Signer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Signer::~Signer() = default;
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;

Result<Signer> Signer::create(const crypto::Engine& engine, std::shared_ptr<crypto::SigningKey> key,
                              SignerOptions options) {
  if (options.codec == codec::Codec::av1 && options.form == SignatureForm::onvif)
    return fail(Errc::unsupported, "ONVIF Media Signing has no form for AV1; Axis Signed Video has");
  if (options.signing_interval == 0) return fail(Errc::usage, "the signing interval counts GOPs: at least 1");
  if (options.max_partial_time <= Ticks::zero())
    return fail(Errc::usage, "the longest part of a GOP must last some time");
  CAM_TRY(const auto leaf, leaf_of(engine, key.get(), options.chain_pem));
  // The supplement goes with ONVIF's form. A certificate's promise of it is kept: what is signed without one
  // would look as if somebody had taken it away.
  options.supplement = !is_axis(options) && (options.supplement || announces_supplement(leaf));
  auto impl = std::make_unique<Impl>(engine, std::move(key), std::move(options), leaf);
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
Status Signer::change_key(std::shared_ptr<crypto::SigningKey> key, std::string chain_pem) {
  return impl_->change_key(std::move(key), std::move(chain_pem));
}
void Signer::request_certificate_sei() {
  impl_->request_certificate_sei();
}
Signer::Counters Signer::counters() const {
  return impl_->counters();
}

}  // namespace camvault::signed_video
