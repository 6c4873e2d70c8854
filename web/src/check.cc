#include "check.h"

#include <algorithm>
#include <limits>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/report/html.h"
#include "camvault/report/json.h"
#include "camvault/report/view.h"

namespace camvault::web {

using signed_video::UnitStatus;
using signed_video::Verdict;

namespace {
// Some pictures of 4K; each piece costs a call of the browser and garbage of its size.
constexpr std::size_t kWindow = 4 << 20;

Result<std::vector<crypto::Certificate>> certificates_from(const crypto::Engine& engine, BytesView content) {
  const auto text = as_text(content);
  if (text.find("-----BEGIN") != std::string_view::npos) return engine.certificates_from_pem(text, 256);
  auto one = engine.certificate_from_der(content);
  if (!one) return fail(Errc::malformed, "not a certificate in PEM or DER");
  return std::vector<crypto::Certificate>{std::move(*one)};
}
}  // namespace

Check::Check(std::string file_name, codec::ByteSource& file)
    : file_(file), engine_(crypto_openssl::make_openssl_engine()) {
  subject_.file_name = std::move(file_name);
}

Status Check::add_anchors(BytesView certificates) {
  CAM_TRY(auto found, certificates_from(*engine_, certificates));
  for (auto& certificate : found) options_.anchors.push_back(std::move(certificate));
  return ok();
}

Status Check::add_revocations(BytesView list_or_ocsp_response) {
  auto crl = engine_->crl_from_pem_or_der(list_or_ocsp_response);
  if (crl) {
    options_.crls.push_back(std::move(*crl));
    return ok();
  }
  auto response = engine_->ocsp_from_der(list_or_ocsp_response);
  if (!response) return fail(Errc::malformed, "neither a revocation list nor an OCSP response");
  options_.ocsp.push_back(std::move(*response));
  return ok();
}

Status Check::set_signer(BytesView certificate) {
  CAM_TRY(auto found, certificates_from(*engine_, certificate));
  options_.expected_signer = std::move(found.front());
  return ok();
}

Status Check::set_time(const std::string& iso8601) {
  CAM_TRY(options_.at, from_iso8601(iso8601));
  return ok();
}

Status Check::set_codec(const std::string& name) {
  for (const auto codec : {codec::Codec::h264, codec::Codec::h265, codec::Codec::av1}) {
    if (name != to_string(codec)) continue;
    clip_options_.codec = codec;
    return ok();
  }
  return fail(Errc::usage, "codec must be h264, h265 or av1");
}

Status Check::set_format(const std::string& name) {
  if (name != "units") return fail(Errc::usage, "the only format that has to be named is units");
  clip_options_.units = true;
  return ok();
}

Status Check::open() {
  if (clip_options_.units && !clip_options_.codec)
    return fail(Errc::usage, "units behind their lengths do not say their codec: choose it");
  clip_options_.everything = true;
  CAM_TRY(units_, codec::open_clip(file_, clip_options_, kWindow));
  const auto& info = units_->info();
  subject_.file_bytes = file_.size();
  subject_.container = codec::to_string(info.format);
  subject_.tool_version = CAMVAULT_VERSION;
  subject_.checked_at = SystemClock().now();
  verifier_.emplace(info.codec, *engine_, std::move(options_));
  feed_.emplace(*units_, *verifier_);
  return ok();
}

Result<bool> Check::step(std::uint64_t bytes) {
  const auto stop = position_ + bytes;
  while (position_ < stop) {
    const auto run = feed_->next();
    if (!run) {
      // What came before is worth judging; what is cut off is said in the report.
      if (run.error().code != Errc::malformed) return tl::unexpected(run.error());
      CAM_TRY_STATUS(finish(true));
      return false;
    }
    if (run->empty()) {
      CAM_TRY_STATUS(finish(false));
      return false;
    }
    look_at(*run);
    position_ = std::max(position_, run->back().offset);
    if (run->size() < codec::UnitSource::kMaxRun) break;  // the window was used up
  }
  return true;
}

void Check::look_at(std::span<const codec::Unit> units) {
  const auto codec = units_->info().codec;
  for (const auto& unit : units) {
    // Counted as the verifier counts.
    const auto info = codec::classify(codec, unit.bytes);
    if (info.kind != codec::UnitKind::slice || (any_picture_ && !info.first_slice)) continue;
    any_picture_ = true;
    if (times_.size() == kMaxPictures) continue;
    times_.push_back(unit.container_time
                         ? static_cast<double>(unit.container_time->time_since_epoch().count()) / 1e7
                         : std::numeric_limits<double>::quiet_NaN());
  }
}

Status Check::finish(bool truncated) {
  report_ = verifier_->finish(truncated);
  if (report_.units == 0) return fail(Errc::malformed, "the file holds no video that could be checked");
  const auto& info = units_->info();
  subject_.width = info.width;
  subject_.height = info.height;
  subject_.not_video = info.not_video;
  subject_.duration = feed_->duration();
  position_ = file_.size();
  mark_pictures();
  feed_.reset();
  units_.reset();
  return ok();
}

void Check::mark_pictures() {
  const bool is_signed = report_.verdict != Verdict::not_signed;
  statuses_.assign(times_.size(),
                   static_cast<std::uint8_t>(is_signed ? UnitStatus::authentic : UnitStatus::not_covered));
  const auto mark = [&](std::uint64_t first, std::uint64_t count, UnitStatus status) {
    const auto size = std::uint64_t{statuses_.size()};
    const auto from = std::min(first, size);
    const auto to = from + std::min(count, size - from);
    std::fill(statuses_.begin() + static_cast<std::ptrdiff_t>(from),
              statuses_.begin() + static_cast<std::ptrdiff_t>(to), static_cast<std::uint8_t>(status));
  };
  // Where the list of findings was cut, what is known about whole groups stands for the rest.
  if (report_.findings_truncated) {
    for (const auto& gop : report_.gops) {
      if (gop.verdict != UnitStatus::authentic && gop.verdict != UnitStatus::missing &&
          gop.index > report_.findings.back().gop) {
        mark(gop.first_picture, gop.pictures, gop.verdict);
      }
    }
  }
  for (const auto& finding : report_.findings) {
    if (finding.status == UnitStatus::missing) continue;
    mark(finding.clip_picture, std::uint64_t{finding.last_picture} - finding.first_picture + 1,
         finding.status);
  }
}

Result<bool> Check::hash_step(std::uint64_t bytes) {
  constexpr std::uint64_t kPiece = 1 << 20;
  if (!hasher_) hasher_ = engine_->hasher(crypto::HashAlg::sha256);
  const auto stop = hashed_ + std::min(bytes, file_.size() - hashed_);
  while (hashed_ < stop) {
    piece_.resize(static_cast<std::size_t>(std::min(kPiece, stop - hashed_)));
    CAM_TRY_STATUS(file_.read(hashed_, piece_));
    hasher_->update(piece_);
    hashed_ += piece_.size();
  }
  if (hashed_ < file_.size()) return true;
  subject_.sha256 = to_hex(hasher_->finish().view());
  return false;
}

std::string Check::json() const {
  return report::to_json(subject_, report_);
}
std::string Check::view() const {
  return report::to_view_json(subject_, report_);
}
std::string Check::html() const {
  return report::to_html(subject_, report_);
}

}  // namespace camvault::web
