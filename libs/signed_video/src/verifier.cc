#include "camvault/signed_video/verifier.h"

#include <algorithm>

#include "evidence.h"
#include "verdict.h"
#include "verifier_impl.h"

namespace camvault::signed_video {

namespace {

using codec::UnitKind;

// How long the hash algorithm may stay unknown before SHA-256, the standard's usual one, is taken for
// granted.
constexpr std::size_t kMaxUnitsOfUnknownHash = 4096;
// Samples beside pictures that are not taken yet.
constexpr std::size_t kMaxSideWaiting = 4096;

constexpr std::array kAllHashes = {crypto::HashAlg::sha256, crypto::HashAlg::sha384, crypto::HashAlg::sha512};

}  // namespace

void Verifier::Impl::add(std::span<const codec::Unit> units) {
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

void Verifier::Impl::gap() {
  catch_up();
  coverage_.add_gap(sequence_);
  beside_.lost_on_the_way();
}

std::uint32_t Verifier::Impl::pictures() {
  catch_up();
  return pictures_;
}

Report Verifier::Impl::origin() {
  catch_up();
  Report report;
  report.first_time = coverage_.outcome().first_time;
  report.last_time = coverage_.outcome().last_time;
  trust_.judge(report.first_time, report.last_time, {}, report);
  return report;
}

void Verifier::Impl::add_side(const SideSample& sample) {
  if (side_waiting_.size() == kMaxSideWaiting) catch_up();
  if (ahead_.oldest() == nullptr) {
    beside_.add_sample(sample);
  } else {
    side_waiting_.emplace_back(ahead_.begun(), sample);
  }
}

Report Verifier::Impl::finish(bool truncated) {
  catch_up();
  close_frame();
  held_.finish();
  coverage_.finish(beside_.ends_before());
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
  if (any_sei_) list_uncovered(report_, coverage_.current_gop());
  decide({coverage_.outcome(), side_, any_sei_, tampered_ || held_.tampered(),
          without_key_ && !trust_.has_key(), format_ == Format::onvif, coverage_.current_gop()},
         report_);
  if (report_.verdict != Verdict::not_signed) {
    judge_time_stamps(engine_, options_, report_);
    judge_attestations(engine_, trust_.signers(), options_.anchors, report_);
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

void Verifier::Impl::note(NoteKind kind, std::uint64_t count, std::string text) {
  report_.notes.push_back({kind, coverage_.current_gop(), count, std::move(text)});
}

// Whose signatures the batch probably holds.
KeysAhead Verifier::Impl::keys_for(const UnitBatch& batch) {
  const auto first = std::find(batch.carriers.begin(), batch.carriers.end(), Carrier::onvif);
  if (first == batch.carriers.end()) return {};
  if (!guessed_keys_ || trust_.has_key()) {
    const auto place = static_cast<std::size_t>(first - batch.carriers.begin());
    guessed_keys_ = guess_keys(codec_, engine_, trust_, batch.units[place].bytes);
  }
  return *guessed_keys_;
}

void Verifier::Impl::take_oldest() {
  ahead_.finish_oldest();
  give_side_samples(ahead_.released());
  take(*ahead_.oldest());
  ahead_.release_oldest();
}

// Those that came before a batch.
void Verifier::Impl::give_side_samples(std::uint64_t batch) {
  for (; !side_waiting_.empty() && side_waiting_.front().first <= batch; side_waiting_.pop_front())
    beside_.add_sample(side_waiting_.front().second);
}

void Verifier::Impl::catch_up() {
  while (ahead_.oldest() != nullptr) take_oldest();
  give_side_samples(ahead_.begun());
}

// What follows from units and from what was found out about them, in the order of the stream.
void Verifier::Impl::take(UnitBatch& batch) {
  if (hash_known_ && batch.hash != hash_) hash_again(batch, 0);
  now_ = &batch;
  next_slice_ = 0;
  std::size_t sei = 0;
  for (std::size_t i = 0; i < batch.units.size(); ++i) {
    const auto& unit = batch.units[i];
    const auto& info = batch.infos[i];
    if (unit.out_of_band && info.kind != UnitKind::slice) {
      disguised_.add_header_unit(unit.bytes, info);
      look_inside(unit);
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

void Verifier::Impl::hash_again(UnitBatch& batch, std::size_t from) const {
  batch.hash = hash_;
  engine_.digest_batch(hash_, std::span(batch.messages).subspan(from),
                       std::span(batch.digests).subspan(from));
}

// The first SEI that can be read names the algorithm, and it comes behind the first pictures. Until then
// they are hashed with all. Looking ahead saves that within a run; how the units are cut into runs must not
// matter.
void Verifier::Impl::find_hash_algorithm(std::span<const codec::Unit> units) {
  auto unknown = alternatives_.size();
  for (std::size_t i = 0; i < units.size() && !hash_known_ && unknown < kMaxUnitsOfUnknownHash; ++i) {
    const auto info = codec::classify(codec_, units[i].bytes);
    if (info.kind == UnitKind::slice) ++unknown;
    const auto carrier = carrier_of(codec_, units[i].bytes, info);
    if (carrier != Carrier::onvif && carrier != Carrier::axis) continue;
    if (const auto message = read_message(carrier, units[i].bytes)) settle_hash(hash_named_by(*message));
  }
}

void Verifier::Impl::add_with_all_hashes(std::span<const codec::Unit> units) {
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

void Verifier::Impl::settle_hash(crypto::HashAlg hash) {
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

void Verifier::Impl::take_slice(const codec::Unit& unit, const codec::UnitInfo& info, std::size_t index) {
  give_up_unknown_hash();
  next_slice_ = index + 1;
  if (all_digests_.empty()) return add_hashed(unit, info, now_->digests[index]);
  if (!hash_known_) alternatives_.push_back(all_digests_[index]);
  add_hashed(unit, info, all_digests_[index][hash_known_ ? static_cast<std::size_t>(hash_) : 0]);
}

// A frame header and its tile groups are hashed as one.
void Verifier::Impl::take_frame_part(const codec::Unit& unit, const codec::UnitInfo& info) {
  if (!Av1Frame::continues(info) || !frame_) {
    close_frame();
    if (!Av1Frame::continues(info)) disguised_.add_frame_header(unit.bytes);
    frame_.emplace(engine_, hash_known_ ? std::optional(hash_) : std::nullopt, unit, info);
  }
  frame_->add(unit.bytes);
}

void Verifier::Impl::close_frame() {
  if (!frame_) return;
  auto frame = *std::exchange(frame_, std::nullopt);
  const auto all = frame.finish();
  give_up_unknown_hash();
  if (!hash_known_) alternatives_.push_back(all);
  add_hashed(frame.unit(), frame.info(), all[hash_known_ ? static_cast<std::size_t>(hash_) : 0]);
}

void Verifier::Impl::give_up_unknown_hash() {
  if (!hash_known_ && alternatives_.size() == kMaxUnitsOfUnknownHash) settle_hash(crypto::HashAlg::sha256);
}

void Verifier::Impl::add_hashed(const codec::Unit& unit, const codec::UnitInfo& info,
                                const crypto::Digest& raw) {
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

void Verifier::Impl::look_inside(const codec::Unit& unit) {
  if (!disguised_.hides_another(unit.bytes)) return;
  tampered_ = true;
  sei_note(NoteKind::units_extra,
           codec_ == codec::Codec::av1
               ? "a frame header stands here that nobody signed: some programs show an earlier picture again"
               : "a unit hides a picture or a parameter set behind a start code: some programs show it, and "
                 "nobody signed it");
}

void Verifier::Impl::take_other(const codec::Unit& unit, const codec::UnitInfo& info) {
  look_inside(unit);
  beside_.add_unit(unit.bytes, info, false);
  if (disguised_.is_suspect(unit.bytes, info)) coverage_.add_suspect(sequence_);
}

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
