#include "camvault/signed_video/verifier.h"

#include <algorithm>
#include <array>
#include <deque>

#include "av1_frame.h"
#include "axis/legacy.h"
#include "axis/message.h"
#include "coverage.h"
#include "disguised_slice.h"
#include "evidence.h"
#include "look_ahead.h"
#include "recent.h"
#include "sei_ahead.h"
#include "sei_message.h"
#include "supplement_check.h"
#include "timeline.h"
#include "trust.h"

namespace camvault::signed_video {

namespace {

using codec::UnitKind;

// How long the hash algorithm may stay unknown before SHA-256, the standard's usual one, is taken for
// granted.
constexpr std::size_t kMaxUnitsOfUnknownHash = 4096;
constexpr std::size_t kMaxSeiNotes = 100;
// Legacy GOP signatures that wait for a key. Axis' cameras send it with every one.
constexpr std::size_t kMaxEarlySeis = 64;
// Supplements wait for the SEI behind them, which may bring the certificate.
constexpr std::size_t kMaxHeld = 64;
constexpr std::size_t kMaxHeldBytes = 16 * 1024 * 1024;
// Signatures that a time stamp may come for.
constexpr std::size_t kMaxRememberedSignatures = 4096;
// Samples beside pictures that are not taken yet.
constexpr std::size_t kMaxSideWaiting = 4096;

constexpr std::array kAllHashes = {crypto::HashAlg::sha256, crypto::HashAlg::sha384, crypto::HashAlg::sha512};

}  // namespace

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
        ahead_(codec, engine_, seen_seis_, thread_count(options_.jobs)) {
    report_.codec = codec;
    timeline_.watch(options_.live);
  }

  void add(std::span<const codec::Unit> units) {
    if (!hash_known_) find_hash_algorithm(units);
    if (!hash_known_) return add_with_all_hashes(units);
    while (!units.empty()) {
      while (ahead_.next() == nullptr) take_oldest();
      auto& batch = *ahead_.next();
      const auto count = std::min(units.size(), LookAhead::kUnits);
      batch.fill(codec_, units.first(count));
      units = units.subspan(count);
      batch.hash = hash_;
      ahead_.begin(keys_for(batch));
      while (ahead_.oldest_is_done()) take_oldest();
    }
    if (!options_.bytes_stay) catch_up();
  }

  void gap() {
    catch_up();
    coverage_.add_gap(sequence_);
    beside_.lost_on_the_way();
  }
  std::uint32_t pictures() {
    catch_up();
    return pictures_;
  }

  Report origin() {
    catch_up();
    Report report;
    report.first_time = coverage_.outcome().first_time;
    report.last_time = coverage_.outcome().last_time;
    trust_.judge(report.first_time, report.last_time, {}, report);
    return report;
  }
  void add_side(const SideSample& sample) {
    if (side_waiting_.size() == kMaxSideWaiting) catch_up();
    if (ahead_.oldest() == nullptr) {
      beside_.add_sample(sample);
    } else {
      side_waiting_.emplace_back(ahead_.begun(), sample);
    }
  }
  void cannot_compare(std::string track) { beside_.cannot_compare(std::move(track)); }

  Report finish(bool truncated) {
    catch_up();
    close_frame();
    settle_held();
    coverage_.finish();
    timeline_.finish(report_);
    report_.pictures = pictures_;
    report_.gops_missing = coverage_.outcome().gops_missing;
    report_.first_time = coverage_.outcome().first_time;
    report_.last_time = coverage_.outcome().last_time;
    if (hash_known_) report_.hash = crypto::to_string(hash_);
    if (truncated) note(NoteKind::clip_truncated, 1, "the file ends inside a unit");
    if (repeated_ > 0)
      note(NoteKind::sei_repeated, repeated_, "some SEIs stand in the clip more than once, which is allowed");
    side_ = beside_.finish(report_);
    report_.supplement.times = times_seen_;
    list_uncovered();
    decide();
    if (report_.verdict != Verdict::not_signed) {
      judge_time_stamps(engine_, options_, report_);
      if (const auto* signer = trust_.signer()) judge_attestations(engine_, *signer, report_);
      trust_.judge(report_.first_time, report_.last_time, proven_time(report_), report_);
      if (trust_.is_another_signer() && report_.verdict != Verdict::not_authentic) {
        // Only one camera counts, and it is another: intact is not what was asked (IP-4.2-2).
        report_.verdict = Verdict::not_authentic;
        report_.verdict_reason = "the video is as it was signed, but another signer made the signatures";
      }
    }
    if (report_.first_time && *report_.first_time < from_unix_seconds(946'684'800)) {
      note(NoteKind::times_implausible, 1,
           "the signed times lie before the year 2000: the camera's clock was not set");
    }
    return std::move(report_);
  }

 private:
  void note(NoteKind kind, std::uint64_t count, std::string text) {
    report_.notes.push_back({kind, coverage_.current_gop(), count, std::move(text)});
  }

  // Whose signatures the batch probably holds.
  KeysAhead keys_for(const UnitBatch& batch) {
    const auto first = std::find(batch.carriers.begin(), batch.carriers.end(), Carrier::onvif);
    if (first == batch.carriers.end()) return {};
    if (!guessed_keys_ || trust_.has_key()) {
      const auto place = static_cast<std::size_t>(first - batch.carriers.begin());
      guessed_keys_ = guess_keys(codec_, engine_, trust_, batch.units[place].bytes);
    }
    return *guessed_keys_;
  }

  void take_oldest() {
    ahead_.finish_oldest();
    give_side_samples(ahead_.released());
    take(*ahead_.oldest());
    ahead_.release_oldest();
  }

  // Those that came before a batch.
  void give_side_samples(std::uint64_t batch) {
    for (; !side_waiting_.empty() && side_waiting_.front().first <= batch; side_waiting_.pop_front())
      beside_.add_sample(side_waiting_.front().second);
  }

  void catch_up() {
    while (ahead_.oldest() != nullptr) take_oldest();
    give_side_samples(ahead_.begun());
  }

  // What follows from units and from what was found out about them, in the order of the stream.
  void take(UnitBatch& batch) {
    if (hash_known_ && batch.hash != hash_) hash_again(batch, 0);
    now_ = &batch;
    next_slice_ = 0;
    std::size_t sei = 0;
    for (std::size_t i = 0; i < batch.units.size(); ++i) {
      const auto& unit = batch.units[i];
      const auto& info = batch.infos[i];
      if (unit.out_of_band && info.kind != UnitKind::slice) {
        disguised_.add_header_unit(unit.bytes, info);
        beside_.add_unit(unit.bytes, info, true);
        continue;
      }
      ++report_.units;
      report_.bytes += unit.bytes.size();
      if (Av1Frame::is_part(codec_, info)) {
        take_frame_part(unit, info);
        continue;
      }
      close_frame();
      SeiAhead nothing;
      auto& ahead = sei < batch.seis.size() && batch.seis[sei] == i ? batch.found[sei++] : nothing;
      if (batch.is_hashed(codec_, i)) {
        take_slice(unit, info, next_slice_);
      } else if (batch.carriers[i] == Carrier::supplement) {
        take_supplement(unit, ahead);
      } else if (batch.carriers[i] != Carrier::none) {
        take_sei(unit, batch.carriers[i], ahead);
      } else {
        take_other(unit, info);
      }
    }
    now_ = nullptr;
  }

  void hash_again(UnitBatch& batch, std::size_t from) const {
    batch.hash = hash_;
    engine_.digest_batch(hash_, std::span(batch.messages).subspan(from),
                         std::span(batch.digests).subspan(from));
  }

  // The first SEI that can be read names the algorithm, and it comes behind the first pictures. Until then
  // they are hashed with all. Looking ahead saves that within a run; how the units are cut into runs must not
  // matter.
  void find_hash_algorithm(std::span<const codec::Unit> units) {
    auto unknown = alternatives_.size();
    for (std::size_t i = 0; i < units.size() && !hash_known_ && unknown < kMaxUnitsOfUnknownHash; ++i) {
      const auto info = codec::classify(codec_, units[i].bytes);
      if (info.kind == UnitKind::slice) ++unknown;
      const auto carrier = carrier_of(codec_, units[i].bytes, info);
      if (carrier != Carrier::onvif && carrier != Carrier::axis) continue;
      if (const auto message = read_message(carrier, units[i].bytes)) settle_hash(hash_named_by(*message));
    }
  }

  void add_with_all_hashes(std::span<const codec::Unit> units) {
    UnitBatch batch;
    batch.fill(codec_, units);
    all_digests_.resize(batch.messages.size());
    for (const auto hash : kAllHashes) {
      engine_.digest_batch(hash, batch.messages, batch.digests);
      for (std::size_t i = 0; i < batch.digests.size(); ++i)
        all_digests_[i][static_cast<std::size_t>(hash)] = batch.digests[i];
    }
    take(batch);
    all_digests_.clear();
  }

  crypto::HashAlg hash_named_by(const SeiMessage& message) const {
    return message.crypto && message.crypto->hash ? *message.crypto->hash : hash_;
  }

  void settle_hash(crypto::HashAlg hash) {
    hash_known_ = true;
    hash_ = hash;
    coverage_.set_hash(hash);
    std::deque<crypto::Digest> digests;
    const auto waiting = coverage_.waiting();
    for (auto i = alternatives_.size() - std::min(waiting, alternatives_.size()); i < alternatives_.size();
         ++i) {
      digests.push_back(alternatives_[i][static_cast<std::size_t>(hash)]);
    }
    coverage_.replace_digests(digests);
    alternatives_.clear();
    digests.clear();
    for (const auto& all : first_alternatives_) digests.push_back(all[static_cast<std::size_t>(hash)]);
    beside_.replace_hashes(digests);
    first_alternatives_.clear();
  }

  void take_slice(const codec::Unit& unit, const codec::UnitInfo& info, std::size_t index) {
    give_up_unknown_hash();
    next_slice_ = index + 1;
    if (all_digests_.empty()) return add_hashed(unit, info, now_->digests[index]);
    if (!hash_known_) alternatives_.push_back(all_digests_[index]);
    add_hashed(unit, info, all_digests_[index][hash_known_ ? static_cast<std::size_t>(hash_) : 0]);
  }

  // A frame header and its tile groups are hashed as one.
  void take_frame_part(const codec::Unit& unit, const codec::UnitInfo& info) {
    if (!Av1Frame::continues(info) || !frame_) {
      close_frame();
      frame_.emplace(engine_, hash_known_ ? std::optional(hash_) : std::nullopt, unit, info);
    }
    frame_->add(unit.bytes);
  }

  void close_frame() {
    if (!frame_) return;
    auto frame = *std::exchange(frame_, std::nullopt);
    const auto all = frame.finish();
    give_up_unknown_hash();
    if (!hash_known_) alternatives_.push_back(all);
    add_hashed(frame.unit(), frame.info(), all[hash_known_ ? static_cast<std::size_t>(hash_) : 0]);
  }

  void give_up_unknown_hash() {
    if (!hash_known_ && alternatives_.size() == kMaxUnitsOfUnknownHash) settle_hash(crypto::HashAlg::sha256);
  }

  void add_hashed(const codec::Unit& unit, const codec::UnitInfo& info, const crypto::Digest& raw) {
    PendingUnit pending;
    pending.hash.raw = raw;
    pending.hash.anchors = info.gop_start && info.first_slice;
    pending.picture_data = info.kind == UnitKind::slice;
    pending.first_slice = info.first_slice;
    pending.reference_hashed = info.reference_hashed || !pending.picture_data;
    if (pending.picture_data) {
      if (info.first_slice || pictures_ == 0) ++pictures_;
      if (info.first_slice) {
        std::optional<std::int64_t> time;
        if (unit.container_time) time = unit.container_time->time_since_epoch().count();
        beside_.add_picture(raw, info.gop_start, pictures_ - 1, time);
        if (!hash_known_) first_alternatives_.push_back(alternatives_.back());
      }
      if (pending.hash.anchors && slices_ > 0) ++gop_;
      ++slices_;
    }
    pending.clip_picture = pictures_ == 0 ? 0 : pictures_ - 1;
    pending.clip_gop = gop_;
    pending.offset = unit.offset;
    pending.sequence = sequence_++;
    if (unit.container_time) {
      pending.container_time = unit.container_time->time_since_epoch();
      if (info.first_slice) ++times_seen_;
    }
    coverage_.add_unit(std::move(pending));
  }

  void take_other(const codec::Unit& unit, const codec::UnitInfo& info) {
    beside_.add_unit(unit.bytes, info, false);
    if (disguised_.is_suspect(unit.bytes, info)) coverage_.add_suspect(sequence_);
  }

  crypto::Digest digest_of_sei(const codec::Unit& unit) const {
    return engine_.digest(crypto::HashAlg::sha256, codec::without_trailing_zeros(unit.bytes));
  }

  static std::string key_of(BytesView digest) { return std::string(as_text(digest)); }

  void sei_note(NoteKind kind, std::string text) {
    if (++sei_notes_ <= kMaxSeiNotes) note(kind, 1, std::move(text));
  }

  Result<SeiMessage> read_message(Carrier carrier, BytesView unit) const {
    return carrier == Carrier::onvif ? read_sei_message(codec_, unit) : axis::read_message(codec_, unit);
  }

  // A clip has one format. Signatures of another begin another recording, and are not looked at.
  bool is_of_the_format(const SeiMessage& message) {
    if (!format_) {
      format_ = message.format;
      report_.format = to_string(message.format);
    }
    if (*format_ == message.format ||
        (message.certificate_sei && *format_ != Format::onvif && message.format != Format::onvif))
      return true;
    if (!std::exchange(mixed_formats_, true)) {
      coverage_.begin_piece("the signatures change from " + std::string(to_string(*format_)) + " to " +
                            std::string(to_string(message.format)) + " here: two recordings were joined");
    }
    coverage_.saw_invalid_sei();
    return false;
  }

  bool is_repeat(const codec::Unit& unit, const SeiAhead& ahead) {
    if (seen_seis_.add(ahead.whole.empty() ? digest_of_sei(unit) : ahead.whole)) return false;
    ++repeated_;
    return true;
  }

  void take_sei(const codec::Unit& unit, Carrier carrier, SeiAhead& ahead) {
    if (is_repeat(unit, ahead)) return;
    auto read = ahead.read ? std::move(*ahead.read) : read_message(carrier, unit.bytes);
    if (!read) {
      if (!format_ && carrier == Carrier::axis) report_.format = to_string(Format::axis);
      tampered_ = true;
      any_sei_ = true;
      coverage_.saw_invalid_sei();
      sei_note(NoteKind::sei_malformed, "a signature SEI cannot be read: " + read.error().what);
      return;
    }
    any_sei_ = true;
    auto& message = *read;
    if (!is_of_the_format(message)) return;
    const auto hash = hash_named_by(message);
    if (!hash_known_) settle_hash(hash);
    if (hash != hash_) {
      coverage_.begin_piece("the hash algorithm changes here: another recording begins");
      hash_ = hash;
      coverage_.set_hash(hash);
      hash_again(*now_, next_slice_);
    }
    if (message.is_signed()) {
      take_signed(std::move(message), hash, ahead.check ? &*ahead.check : nullptr);
    } else {
      take_unsigned(std::move(message), unit);
    }
  }

  void take_supplement(const codec::Unit& unit, SeiAhead& ahead) {
    if (is_repeat(unit, ahead)) return;
    auto read = ahead.supplement ? std::move(*ahead.supplement) : read_supplement(codec_, unit.bytes);
    if (!read) {
      // One of a later version is no sign of tampering.
      if (read.error().code != Errc::unsupported) tampered_ = true;
      sei_note(NoteKind::supplement_invalid, "a supplement cannot be read: " + read.error().what);
      return;
    }
    if (held_.size() >= kMaxHeld || held_bytes_ + unit.bytes.size() > kMaxHeldBytes) {
      settle_held();
      held_.clear();
      held_bytes_ = 0;
    }
    held_bytes_ += unit.bytes.size();
    held_.emplace_back(std::move(*read), std::move(ahead.check));
  }

  // Supplements and the signed SEIs behind them, in their order, once the signer's key is known.
  void settle_held() {
    if (!trust_.has_key()) return;
    for (auto& held : held_) {
      if (held.supplement) {
        judge_supplement(std::move(*held.supplement), held.check);
      } else {
        beside_.gop_signed(held.counter, held.gop_hash, promised(), coverage_.current_gop());
      }
    }
    held_.clear();
    held_bytes_ = 0;
  }

  bool promised() {
    const auto* signer = trust_.signer();
    if (signer == nullptr) return false;
    if (signer->sha256 != promising_certificate_) {
      promising_certificate_ = signer->sha256;
      promises_ = announces_supplement(*signer);
    }
    report_.supplement.promised = report_.supplement.promised || promises_;
    return promises_;
  }

  void judge_supplement(Supplement supplement, const std::optional<SignatureCheck>& done) {
    SeiMessage message;
    message.signature = supplement.signature;
    const auto digest = done ? done->digest : engine_.digest(supplement.hash, supplement.document);
    if (trust_.check(message, digest, supplement.hash, done ? &*done : nullptr) != SignatureStatus::valid) {
      tampered_ = true;
      sei_note(NoteKind::supplement_invalid,
               "the signature of a supplement does not verify: it was changed, or made with another key");
      return;
    }
    for (auto& record : std::exchange(supplement.records, {})) take_record(std::move(record));
    beside_.take(std::move(supplement), coverage_.current_gop());
    coverage_.previous_ended(beside_.previous_ended());
  }

  void take_record(CarriedRecord record) {
    record_bytes_ += record.value.size();
    if (report_.records.size() == Report::kMaxRecords || record_bytes_ > Report::kMaxRecordBytes) {
      report_.records_truncated = true;
      return;
    }
    ReportedRecord reported;
    reported.type = record.type;
    reported.gop = coverage_.current_gop();
    if (record.type == static_cast<std::uint16_t>(RecordType::time_stamp)) {
      const auto stamp = read_time_stamp_record(record.value);
      const auto* signature = stamp ? signatures_.find(key_of(stamp->signature_sha256)) : nullptr;
      if (signature != nullptr) reported.stamped = *signature;
    }
    reported.value = std::move(record.value);
    report_.records.push_back(std::move(reported));
  }

  void remember_signature(BytesView signature, const General& general) {
    signatures_.remember(key_of(engine_.digest(crypto::HashAlg::sha256, signature).view()),
                         {general.counter, general.start, general.end});
  }

  void take_signed(SeiMessage message, crypto::HashAlg hash, const SignatureCheck* done) {
    ++report_.seis_signed;
    const bool had_key = trust_.has_key();
    switch (trust_.take_chains(message)) {
      case Trust::Change::none:
      case Trust::Change::first:
        break;
      case Trust::Change::rotated:
        note(NoteKind::key_changed, 1,
             "the camera's signing certificate changes here; the same issuer vouches for both");
        break;
      case Trust::Change::unvouched:
        note(NoteKind::signer_changed, 1,
             "the signer changes here, and nothing shows that it is the same camera");
        coverage_.begin_piece(
            "the signer changes here: two recordings were joined, or a part was signed anew");
        break;
      case Trust::Change::unreadable:
        tampered_ = true;
        sei_note(NoteKind::sei_malformed, "a certificate chain in the clip cannot be read");
        break;
    }
    if (message.axis.signs_gop) return take_gop_signature(std::move(message), hash);
    const auto signature_hash = signature_hash_of(message, hash);
    const auto digest = done != nullptr && done->hash == signature_hash
                            ? done->digest
                            : engine_.digest(signature_hash, message.document);
    const auto status = trust_.check(message, digest, signature_hash, done);
    if (!had_key && trust_.has_key()) {
      coverage_.ledger().settle_signatures([&](const WaitingSignature& w) {
        const auto late = trust_.check(w.message, w.digest, w.hash);
        if (late == SignatureStatus::invalid) tampered_ = true;
        return late;
      });
    }
    if (status == SignatureStatus::invalid) {
      tampered_ = true;
      coverage_.saw_invalid_sei();
      sei_note(NoteKind::sei_invalid,
               "the signature of an SEI does not verify: it was changed, or made with another key");
      return;
    }
    if (status == SignatureStatus::no_key) without_key_ = true;
    if (message.vendor) take_vendor(*message.vendor);
    if (!message.general) return;  // a certificate SEI
    if (message.format == Format::onvif && held_.size() < kMaxHeld)
      held_.emplace_back(message.general->counter, message.general->gop_hash);
    settle_held();
    if (status == SignatureStatus::valid) remember_signature(*message.signature, *message.general);
    GopSei sei;
    sei.general = *message.general;
    sei.list = std::move(message.hash_list);
    sei.signature = status;
    sei.id = ++sei_ids_;
    sei.sequence = sequence_;
    if (message.format == Format::axis_legacy && !axis::adapt_legacy(engine_, hash, message, {}, sei)) return;
    if (status == SignatureStatus::no_key) {
      SeiMessage rest;
      rest.format = message.format;
      rest.certificate_sei = message.certificate_sei;
      rest.signature = std::move(message.signature);
      sei.waiting = WaitingSignature{std::move(rest), digest, signature_hash};
    }
    coverage_.add_sei(std::move(sei));
  }

  // Axis' legacy GOP signature: whether it is good shows when the units are there.
  void take_gop_signature(SeiMessage message, crypto::HashAlg hash) {
    if (message.vendor) take_vendor(*message.vendor);
    if (!trust_.has_key()) {
      // The key comes with a later SEI. Nothing can be settled before.
      without_key_ = true;
      if (early_.size() == kMaxEarlySeis) early_.pop_front();
      early_.push_back({std::move(message), sequence_});
      return;
    }
    for (auto& early : std::exchange(early_, {}))
      add_gop_signature(std::move(early.message), hash, early.sequence);
    add_gop_signature(std::move(message), hash, sequence_);
  }

  void add_gop_signature(SeiMessage message, crypto::HashAlg hash, std::uint64_t sequence) {
    GopSei sei;
    sei.general = *message.general;
    sei.signature = SignatureStatus::valid;  // else it settles nothing
    sei.id = ++sei_ids_;
    sei.sequence = sequence;
    const auto check = [key = trust_.axis_keys().shared_key(), hash,
                        signature = *message.signature](const crypto::Digest& digest) {
      return axis::verifies(*key, digest, hash, signature);
    };
    if (axis::adapt_legacy(engine_, hash, message, check, sei)) coverage_.add_sei(std::move(sei));
  }

  // 5.5: an unsigned SEI speaks about its GOP and is itself hashed with the GOP it stands in.
  void take_unsigned(SeiMessage message, const codec::Unit& unit) {
    ++report_.seis_unsigned;
    PendingUnit pending;
    pending.hash.sei = true;
    pending.picture_data = false;
    pending.hash.raw = engine_.digest(hash_, message.whole);
    const auto id = ++sei_ids_;
    pending.sei = id;
    pending.clip_picture = pictures_ == 0 ? 0 : pictures_ - 1;
    pending.clip_gop = gop_;
    pending.offset = unit.offset;
    pending.sequence = sequence_++;
    if (message.general) {
      GopSei sei;
      sei.general = *message.general;
      sei.list = std::move(message.hash_list);
      sei.signature = SignatureStatus::none;
      sei.id = id;
      sei.sequence = pending.sequence;
      coverage_.add_sei(std::move(sei));  // before the unit: it does not cover itself
    }
    coverage_.add_unit(std::move(pending));
  }

  void take_vendor(const Vendor& vendor) {
    if (!report_.signer) report_.signer = SignerInfo{};
    report_.signer->vendor_manufacturer = vendor.manufacturer;
    report_.signer->vendor_firmware = vendor.firmware;
    report_.signer->vendor_serial = vendor.serial;
  }

  void list_uncovered() {
    const auto list = [&](std::uint64_t count, std::uint64_t of, const char* what) {
      if (count == 0) return;
      note(NoteKind::not_covered_by_format, count,
           std::to_string(count) + (count == of ? " " : " of " + std::to_string(of) + " ") + what +
               ": no signature speaks about them");
    };
    if (!any_sei_) return;
    const auto& s = report_.supplement;
    list(s.parameter_sets - s.parameter_sets_covered, s.parameter_sets,
         "parameter sets (picture size, coding tools)");
    list(s.other_units - s.other_units_covered, s.other_units, "other SEIs and units of reserved types");
    list(s.times - std::min(s.times, s.times_compared), s.times, "times in the container");
    for (const auto& track : s.tracks) {
      list(track.not_covered, track.samples,
           track.kind == SideKind::audio ? "sound samples" : "metadata samples");
    }
  }

  void decide() {
    const auto& outcome = coverage_.outcome();
    const auto signed_seis = report_.seis_signed + report_.seis_unsigned;
    if (signed_seis == 0 && !any_sei_) {
      report_.verdict = Verdict::not_signed;
      report_.verdict_reason = "the clip carries no signatures";
      report_.gops.clear();
      report_.findings.clear();
      return;
    }
    if (without_key_ && !trust_.has_key()) {
      const std::string what = format_ == Format::onvif ? "certificate" : "public key";
      note(NoteKind::no_certificate, 1, "the signer's " + what + " is not in the clip");
      report_.verdict = Verdict::not_authentic;
      report_.verdict_reason = "the clip is signed, but the signer's " + what +
                               " is not in it: give the certificate with --signer";
      return;
    }
    const auto& r = report_;
    const auto changed = r.pictures_altered + r.pictures_extra + r.pictures_out_of_place;
    if (outcome.tampered || tampered_ || side_.tampered) {
      report_.verdict = Verdict::not_authentic;
      report_.verdict_reason = why_not_authentic(outcome.tampered, changed);
    } else if (!outcome.any_authentic) {
      report_.verdict = Verdict::not_authentic;
      report_.verdict_reason = "no signature in the clip speaks about any of its pictures";
    } else if (!outcome.any_missing && side_.missing) {
      report_.verdict = Verdict::authentic_with_missing_frames;
      report_.verdict_reason = "every picture is as the camera signed it, but " + side_.reason;
    } else if (outcome.any_missing) {
      report_.verdict = Verdict::authentic_with_missing_frames;
      report_.verdict_reason =
          r.pictures_not_covered > 0
              ? "pictures are missing; what a signature covers is as the camera signed it, but " +
                    std::to_string(r.pictures_not_covered) + " pictures are not covered"
              : "what is here is as the camera signed it, but pictures are missing";
    } else {
      report_.verdict = Verdict::authentic;
      report_.verdict_reason = r.pictures_not_covered > 0
                                   ? "every picture that a signature covers is as the camera signed it; " +
                                         std::to_string(r.pictures_not_covered) + " pictures are not covered"
                                   : "every picture is as the camera signed it";
    }
  }

  // One clause, for people, that names the gravest thing.
  std::string why_not_authentic(bool pictures_tampered, std::uint64_t changed) const {
    if (!pictures_tampered && !tampered_)
      return "the pictures are as the camera signed them, but " + side_.reason;
    if (changed > 0) {
      std::string what = "after it was signed";
      const auto add = [&](std::uint32_t count, const char* one, const char* many) {
        if (count > 0) what += ", " + std::to_string(count) + (count == 1 ? one : many);
      };
      add(report_.pictures_altered, " picture was altered", " pictures were altered");
      add(report_.pictures_extra, " picture was inserted", " pictures were inserted");
      add(report_.pictures_out_of_place, " picture was moved", " pictures were moved");
      add(report_.pictures_missing, " picture is missing", " pictures are missing");
      return what;
    }
    constexpr std::array kNamed = {
        NoteKind::joined,       NoteKind::restarted,     NoteKind::signer_changed,
        NoteKind::out_of_order, NoteKind::unsigned_head, NoteKind::sei_removed,
        NoteKind::sei_invalid,  NoteKind::sei_malformed, NoteKind::supplement_invalid};
    for (const auto kind : kNamed) {
      const auto note = std::find_if(report_.notes.begin(), report_.notes.end(),
                                     [&](const Note& n) { return n.kind == kind; });
      if (note != report_.notes.end()) return note->text;
    }
    if (side_.tampered) return side_.reason;
    return "the signatures in the clip do not vouch for all of it";
  }

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

  struct Held {
    Held(Supplement s, std::optional<SignatureCheck> c) : supplement(std::move(s)), check(std::move(c)) {}
    Held(std::uint32_t c, const crypto::Digest& hash) : counter(c), gop_hash(hash) {}
    std::optional<Supplement> supplement;  // else a signed SEI
    std::optional<SignatureCheck> check;   // of the supplement, made ahead
    std::uint32_t counter = 0;
    crypto::Digest gop_hash;
  };
  std::vector<Held> held_;
  std::size_t held_bytes_ = 0;
  std::string promising_certificate_;  // fingerprint of the one that was looked at last
  bool promises_ = false;
  Recent<GopSignatureInfo, kMaxRememberedSignatures> signatures_;
  std::size_t record_bytes_ = 0;
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

Verifier::Verifier(codec::Codec codec, const crypto::Engine& engine, VerifyOptions options)
    : impl_(std::make_unique<Impl>(codec, engine, std::move(options))) {}
Verifier::~Verifier() = default;
Verifier::Verifier(Verifier&&) noexcept = default;
Verifier& Verifier::operator=(Verifier&&) noexcept = default;

void Verifier::add(std::span<const codec::Unit> units) {
  impl_->add(units);
}
void Verifier::gap() {
  impl_->gap();
}
std::uint32_t Verifier::pictures() const {
  return impl_->pictures();
}
Report Verifier::origin() const {
  return impl_->origin();
}
void Verifier::cannot_compare(std::string track) {
  impl_->cannot_compare(std::move(track));
}
void Verifier::add_side(const SideSample& sample) {
  impl_->add_side(sample);
}
Report Verifier::finish(bool truncated) {
  return impl_->finish(truncated);
}

}  // namespace camvault::signed_video
