#include "verify_stream.h"

#include <algorithm>

#include "camvault/base/file.h"
#include "camvault/crypto_openssl/engine.h"

// The cast macros of GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements {

using gst_support::BufferPtr;
using gst_support::EventPtr;
using gst_support::MappedBuffer;
using signed_video::UnitStatus;

namespace {

constexpr std::size_t kMaxCertificateFile = 1 << 20;
constexpr std::size_t kMaxCrlFile = 64 << 20;

Result<std::vector<crypto::Certificate>> certificates_of(const crypto::Engine& engine,
                                                         const std::filesystem::path& path) {
  auto content = read_file(path, kMaxCertificateFile);
  if (!content) return fail_in(path.string(), content.error());
  const auto text = as_text(*content);
  std::vector<crypto::Certificate> found;
  if (text.find("-----BEGIN") != std::string_view::npos) {
    auto all = engine.certificates_from_pem(text, 256);
    if (!all) return fail_in(path.string(), all.error());
    found = std::move(*all);
  } else if (auto one = engine.certificate_from_der(*content)) {
    found.push_back(std::move(*one));
  }
  if (found.empty()) return fail(Errc::usage, path.string() + " holds no certificate in PEM or DER");
  return found;
}

}  // namespace

Result<std::unique_ptr<VerifyStream>> VerifyStream::open(VerifySettings settings) {
  std::unique_ptr<VerifyStream> stream(new VerifyStream(std::move(settings)));
  stream->engine_ = crypto_openssl::make_openssl_engine();
  CAM_TRY_STATUS(stream->read_options());
  return stream;
}

Status VerifyStream::read_options() {
  if (!settings_.trust.empty()) {
    CAM_TRY(options_.anchors, certificates_of(*engine_, settings_.trust));
  }
  if (!settings_.crl.empty()) {
    auto content = read_file(settings_.crl, kMaxCrlFile);
    if (!content) return fail_in(settings_.crl.string(), content.error());
    auto crl = engine_->crl_from_pem_or_der(*content);
    if (!crl) return fail_in(settings_.crl.string(), crl.error());
    options_.crls.push_back(std::move(*crl));
  }
  if (!settings_.signer.empty()) {
    CAM_TRY(auto signer, certificates_of(*engine_, settings_.signer));
    options_.expected_signer = std::move(signer.front());
  }
  options_.expected_serial = settings_.expected_serial;
  if (!settings_.at.empty()) {
    auto at = from_iso8601(settings_.at);
    if (!at) return fail(Errc::usage, "at: " + at.error().what);
    options_.at = *at;
  }
  options_.live.keep_gops = kKeptGops;
  options_.live.on_picture = [this](const signed_video::PictureResult& result) { note_result(result); };
  options_.live.on_gop = [this](const signed_video::GopReport& gop) {
    trusted_.reset();
    if (on_gop) on_gop(gop);
  };
  return ok();
}

void VerifyStream::begin() {
  verifier_ = std::make_unique<signed_video::Verifier>(format_->codec, *engine_, options_);
  statuses_.clear();
  first_kept_ = 0;
  bytes_ = 0;
  counters_ = {};
  dropping_ = false;
  header_waits_ = true;
  trusted_.reset();
}

void VerifyStream::set_format(const gst_support::VideoFormat& format) {
  format_ = format;
  header_waits_ = true;
}

bool VerifyStream::continues_with(const gst_support::VideoFormat& format) const {
  return !verifier_ || !format_ || format_->codec == format.codec;
}

void VerifyStream::note_result(const signed_video::PictureResult& result) {
  ++counters_.pictures;
  switch (result.status) {
    case UnitStatus::authentic:
      ++counters_.authentic;
      break;
    case UnitStatus::altered:
      ++counters_.altered;
      break;
    case UnitStatus::missing:
      ++counters_.incomplete;
      break;
    case UnitStatus::extra:
      ++counters_.extra;
      break;
    case UnitStatus::out_of_place:
      ++counters_.out_of_place;
      break;
    case UnitStatus::not_covered:
      ++counters_.not_covered;
      break;
  }
  if (!settings_.drop_unauthentic || result.clip_picture < first_kept_) return;
  const auto index = result.clip_picture - first_kept_;
  if (index >= statuses_.size()) return;
  auto& status = statuses_[index];
  // Slices whose beginning was lost count with the picture before: the worse of both holds.
  if (!status || *status == UnitStatus::authentic || result.status != UnitStatus::authentic)
    status = result.status;
}

Status VerifyStream::look_at(GstBuffer& buffer, bool& has_slices) {
  const MappedBuffer mapped(&buffer);
  if (!mapped.is_mapped()) return fail(Errc::malformed, "a buffer cannot be read");
  CAM_TRY_STATUS(gst_support::split({mapped.data(), mapped.size()}, *format_, units_));
  views_.clear();
  if (std::exchange(header_waits_, false)) {
    for (const auto& set : format_->header_units) {
      codec::Unit view;
      view.bytes = set;
      view.out_of_band = true;
      views_.push_back(view);
    }
  }
  for (const auto& unit : units_) {
    codec::Unit view;
    view.bytes = unit.bytes;
    view.offset = bytes_ + unit.begin;
    views_.push_back(view);
    has_slices = has_slices || codec::classify(format_->codec, unit.bytes).kind == codec::UnitKind::slice;
  }
  bytes_ += mapped.size();
  // Verdicts can come before add() returns: the places must be there.
  if (settings_.drop_unauthentic) {
    for (const auto& unit : units_) {
      const auto info = codec::classify(format_->codec, unit.bytes);
      if (info.kind == codec::UnitKind::slice && (info.first_slice || first_kept_ + statuses_.size() == 0))
        statuses_.emplace_back();
    }
  }
  verifier_->add(views_);
  return ok();
}

Status VerifyStream::add(BufferPtr buffer, bool lost_before, std::optional<Ticks> time) {
  if (!format_) return fail(Errc::usage, "no video format yet");
  if (!verifier_) begin();
  if (lost_before) gap();
  Held held;
  held.first_picture = verifier_->pictures();
  if (GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_CORRUPTED)) {
    // The transport says that these bytes are not those that were sent: nothing can be said about them.
    ++counters_.damaged;
    gap();
    held.has_slices = true;
  } else {
    CAM_TRY_STATUS(look_at(*buffer, held.has_slices));
  }
  held.end_picture = verifier_->pictures();
  held.time = time;
  if (!settings_.drop_unauthentic) {
    push_buffer(std::move(buffer));
    return ok();
  }
  held_bytes_ += gst_buffer_get_size(buffer.get());
  held.buffer = std::move(buffer);
  held_.push_back(std::move(held));
  release(false);
  return ok();
}

void VerifyStream::add_event(EventPtr event) {
  if (held_.empty()) {
    push_event(std::move(event));
    return;
  }
  Held held;
  held.event = std::move(event);
  held_.push_back(std::move(held));
}

void VerifyStream::gap() {
  if (!verifier_ || verifier_->pictures() == 0) return;  // nothing came yet: a stream begins somewhere
  ++counters_.gaps;
  verifier_->gap();
}

bool VerifyStream::is_settled(const Held& held) const {
  for (auto picture = held.first_picture; picture < held.end_picture; ++picture) {
    if (picture < first_kept_ || picture - first_kept_ >= statuses_.size() ||
        !statuses_[picture - first_kept_])
      return false;
  }
  return true;
}

bool VerifyStream::may_pass(const Held& held) const {
  if (!held.has_slices) return true;
  if (held.first_picture == held.end_picture) return false;  // slices without a beginning, or damaged
  for (auto picture = held.first_picture; picture < held.end_picture; ++picture) {
    const auto status = statuses_[picture - first_kept_];
    // What is left of an incomplete picture is as it was signed.
    if (status != UnitStatus::authentic && status != UnitStatus::missing) return false;
  }
  return is_from_trusted_source();
}

bool VerifyStream::is_from_trusted_source() const {
  if (!trusted_) {
    const bool asked = !options_.anchors.empty() || options_.expected_signer;
    const auto found = verifier_ ? verifier_->origin().provenance : signed_video::Provenance::unknown;
    trusted_ = found == signed_video::Provenance::trusted ||
               (!asked && found != signed_video::Provenance::untrusted);
  }
  return *trusted_;
}

std::optional<signed_video::Report> VerifyStream::origin() const {
  if (!verifier_) return std::nullopt;
  return verifier_->origin();
}

void VerifyStream::decide(Held held) {
  if (held.event) {
    push_event(std::move(held.event));
    return;
  }
  held_bytes_ -= gst_buffer_get_size(held.buffer.get());
  const bool keyframe = !GST_BUFFER_FLAG_IS_SET(held.buffer.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  const bool passes = is_settled(held) && may_pass(held);
  for (; first_kept_ < held.end_picture && !statuses_.empty(); ++first_kept_) statuses_.pop_front();
  if (keyframe && passes) dropping_ = false;
  // Pictures that are predicted from a dropped one would show what was dropped, or worse.
  if (!passes || (dropping_ && held.has_slices)) {
    dropping_ = true;
    discontinuous_ = true;
    ++counters_.dropped;
    return;
  }
  if (std::exchange(discontinuous_, false)) {
    held.buffer.reset(gst_buffer_make_writable(held.buffer.release()));
    GST_BUFFER_FLAG_SET(held.buffer.get(), GST_BUFFER_FLAG_DISCONT);
  }
  push_buffer(std::move(held.buffer));
}

void VerifyStream::release(bool all) {
  const auto newest = held_.empty() ? std::optional<Ticks>() : held_.back().time;
  while (!held_.empty()) {
    const auto& front = held_.front();
    const bool late = front.time && newest && *newest - *front.time > settings_.max_delay;
    const bool ready = front.event || is_settled(front);
    if (!all && !ready && !late && held_bytes_ <= kMaxHeldBytes) return;
    auto held = std::move(held_.front());
    held_.pop_front();
    decide(std::move(held));
  }
}

std::optional<signed_video::Report> VerifyStream::finish() {
  if (!verifier_) {
    release(true);
    return std::nullopt;
  }
  auto report = verifier_->finish();
  trusted_.reset();
  release(true);
  verifier_.reset();
  return report;
}

std::optional<signed_video::Report> VerifyStream::flush() {
  held_.clear();
  held_bytes_ = 0;
  return finish();
}

}  // namespace camvault::gst_elements
