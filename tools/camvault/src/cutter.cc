#include "cutter.h"

#include <algorithm>
#include <charconv>

#include "camvault/container/rewrite.h"
#include "camvault/signed_video/signature_sei.h"

namespace camvault::cli {

namespace {

using signed_video::Report;
using signed_video::Verdict;

// A signature may come some GOPs late: a slow key, a long signing interval.
constexpr std::uint32_t kLateGops = 8;
constexpr std::size_t kMaxLastSignatures = 16;

// Counts GOPs as the verifier does: a new one with every IDR picture but the first one of the clip.
class GopCounter {
 public:
  explicit GopCounter(codec::Codec codec) : codec_(codec) {}
  void take(BytesView unit) {
    const auto info = codec::classify(codec_, unit);
    if (info.kind != codec::UnitKind::slice) return;
    if (info.gop_start && info.first_slice && any_) ++gop_;
    any_ = true;
  }
  std::uint32_t gop() const { return gop_; }
  bool any() const { return any_; }

 private:
  codec::Codec codec_;
  std::uint32_t gop_ = 0;
  bool any_ = false;
};

// Calls use(unit, gop) for every unit; units in front of a GOP's first slice count with that GOP, as they
// stand in its access unit. `use` returns false to stop.
template <class Use>
Status for_each_unit(codec::UnitSource& clip, Use&& use) {
  CAM_TRY_STATUS(clip.rewind());
  GopCounter counter(clip.info().codec);
  std::vector<std::pair<Bytes, codec::Unit>> front;  // since the last slice
  for (;;) {
    const auto units = clip.read();
    if (!units || units->empty()) break;  // a clip that is cut short ends there
    for (const auto& unit : *units) {
      const bool slice = codec::classify(clip.info().codec, unit.bytes).kind == codec::UnitKind::slice;
      if (!slice) {
        if (front.size() < 10'000) front.emplace_back(to_bytes(unit.bytes), unit);
        continue;
      }
      counter.take(unit.bytes);
      for (auto& [bytes, kept] : front) {
        kept.bytes = bytes;
        if (!use(kept, counter.gop())) return ok();
      }
      front.clear();
      if (!use(unit, counter.gop())) return ok();
    }
  }
  for (auto& [bytes, kept] : front) {
    kept.bytes = bytes;
    if (!use(kept, counter.gop())) return ok();
  }
  return ok();
}

struct Limits {
  std::optional<Timestamp> from_time;
  std::optional<Timestamp> to_time;
  std::optional<Ticks> from;
  std::optional<Ticks> to;
};

Status read_limit(const std::string& text, const char* option, std::optional<Timestamp>& time,
                  std::optional<Ticks>& seconds) {
  if (text.empty()) return ok();
  double number = 0;
  const auto end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && at == end && number >= 0 && number < 1e9) {
    seconds = Ticks(static_cast<std::int64_t>(number * 1e7));
    return ok();
  }
  auto given = from_iso8601(text);
  if (!given)
    return fail(Errc::usage, std::string(option) +
                                 ": neither seconds since the beginning nor a time as 2026-11-21T10:00:00Z");
  time = *given;
  return ok();
}

}  // namespace

Result<GopRange> gops_between(codec::UnitSource& clip, const Report& report, const std::string& from,
                              const std::string& to) {
  Limits limits;
  CAM_TRY_STATUS(read_limit(from, "--from", limits.from_time, limits.from));
  CAM_TRY_STATUS(read_limit(to, "--to", limits.to_time, limits.to));
  // When each GOP of the clip begins, in the container and as signed.
  std::vector<std::optional<Ticks>> begins;
  Ticks last_picture{0};
  CAM_TRY_STATUS(for_each_unit(clip, [&](const codec::Unit& unit, std::uint32_t gop) {
    if (begins.size() <= gop) begins.resize(std::size_t{gop} + 1);
    if (!unit.container_time) return true;
    const auto time = unit.container_time->time_since_epoch();
    if (!begins[gop]) begins[gop] = time;
    last_picture = std::max(last_picture, Ticks(time));
    return true;
  }));
  if (begins.empty()) return fail(Errc::malformed, "the clip holds no pictures");
  std::vector<const signed_video::GopReport*> present;
  for (const auto& gop : report.gops) {
    if (gop.pictures > 0) present.push_back(&gop);
  }
  if ((limits.from_time || limits.to_time) && present.size() != begins.size())
    return fail(
        Errc::unsupported,
        "the clip's groups of pictures have no signed times to cut by: give seconds since its beginning");
  if ((limits.from || limits.to) && !begins.front())
    return fail(Errc::unsupported,
                "a raw stream has no times of its own: give signed times (2026-11-21T10:00:00Z)");
  std::optional<GopRange> range;
  for (std::uint32_t i = 0; i < begins.size(); ++i) {
    bool inside = true;
    if (limits.from) {
      const auto end = i + 1 < begins.size() ? begins[i + 1] : std::optional(last_picture + Ticks(1));
      inside = inside && (!end || *end > *limits.from);
    }
    if (limits.to) inside = inside && begins[i] && *begins[i] < *limits.to;
    if (limits.from_time || limits.to_time) {
      const auto& gop = *present[i];
      if (limits.from_time) inside = inside && gop.end && *gop.end > *limits.from_time;
      if (limits.to_time) inside = inside && gop.start && *gop.start < *limits.to_time;
    }
    if (!inside) continue;
    if (!range) range = GopRange{i, i};
    range->last = i;
  }
  if (!range) return fail(Errc::usage, "no group of pictures of the clip lies between --from and --to");
  return *range;
}

Result<CutPlan> plan_cut(const crypto::Engine& engine, codec::UnitSource& clip, GopRange gops) {
  const auto codec = clip.info().codec;
  CutPlan plan;
  plan.gops = gops;
  std::vector<Bytes> behind;
  bool own_certificate = false;
  CAM_TRY_STATUS(for_each_unit(clip, [&](const codec::Unit& unit, std::uint32_t gop) {
    if (gop > gops.last + kLateGops) return false;
    if (!signed_video::is_signature_sei(codec, unit.bytes)) return true;
    const bool certificate = signed_video::is_certificate_sei(codec, unit.bytes);
    if (certificate && gop < gops.first) plan.certificate = to_bytes(unit.bytes);
    if (certificate && gop == gops.first) own_certificate = true;
    if (gop > gops.last && behind.size() < kMaxLastSignatures) behind.push_back(to_bytes(unit.bytes));
    return true;
  }));
  if (own_certificate) plan.certificate.reset();
  const auto judge = [&](std::size_t signatures) -> Result<Report> {
    signed_video::Verifier verifier(codec, engine, {});
    const auto add = [&](BytesView bytes) {
      codec::Unit unit;
      unit.bytes = bytes;
      verifier.add(std::span(&unit, 1));
    };
    if (plan.certificate) add(*plan.certificate);
    CAM_TRY_STATUS(for_each_unit(clip, [&](const codec::Unit& unit, std::uint32_t gop) {
      if (gop >= gops.first && gop <= gops.last) verifier.add(std::span(&unit, 1));
      return gop <= gops.last;
    }));
    for (std::size_t i = 0; i < signatures; ++i) add(behind[i]);
    return verifier.finish();
  };
  // More that is covered is better; a signature that speaks of pictures behind the piece says that they are
  // missing.
  const auto worth = [](const Report& report) {
    const auto covered = static_cast<std::int64_t>(report.pictures_authentic);
    return covered * 4 - static_cast<std::int64_t>(report.pictures_missing) -
           std::int64_t{report.gops_missing} -
           (report.verdict == Verdict::authentic_with_missing_frames ? 2 : 0);
  };
  std::optional<std::int64_t> best;
  std::size_t take = 0;
  for (std::size_t count = 0; count <= behind.size(); ++count) {
    CAM_TRY(const auto report, judge(count));
    if (!best || worth(report) > *best) {
      best = worth(report);
      take = count;
    }
    if (report.pictures_not_covered == 0 && report.pictures_authentic == report.pictures) break;
  }
  behind.resize(take);
  plan.last_signatures = std::move(behind);
  return plan;
}

namespace {
class Cutting final : public container::ClipEditor {
 public:
  explicit Cutting(const CutPlan& plan) : plan_(plan) {}
  Status begin(const container::SourceInfo& source) override {
    codec_ = source.codec;
    counter_.emplace(codec_);
    return ok();
  }
  Result<std::span<const BytesView>> edit(const container::SourceAccessUnit& access_unit) override {
    for (const auto unit : access_unit.units) counter_->take(unit);
    const auto gop = counter_->gop();
    if (gop < plan_.gops.first || gop > plan_.gops.last) return std::span<const BytesView>{};
    if (begun_ || !plan_.certificate) {
      begun_ = true;
      units_.assign(access_unit.units.begin(), access_unit.units.end());
      return std::span<const BytesView>(units_);
    }
    begun_ = true;
    container::insert_before_first_slice(codec_, access_unit.units, std::span(&*plan_.certificate, 1),
                                         units_);
    return std::span<const BytesView>(units_);
  }
  Result<std::span<const BytesView>> end() override {
    units_.assign(plan_.last_signatures.begin(), plan_.last_signatures.end());
    return std::span<const BytesView>(units_);
  }

 private:
  const CutPlan& plan_;
  codec::Codec codec_ = codec::Codec::h264;
  std::optional<GopCounter> counter_;
  bool begun_ = false;
  std::vector<BytesView> units_;
};
}  // namespace

Status write_cut(const std::filesystem::path& in, const std::filesystem::path& out, const CutPlan& plan,
                 std::optional<codec::Codec> codec) {
  Cutting cutting(plan);
  container::RewriteOptions how;
  how.codec = codec;
  how.cut = true;
  CAM_TRY(const auto summary, container::rewrite_clip(in, out, cutting, how));
  if (summary.access_units == 0) return fail(Errc::internal, "nothing was cut out");
  return ok();
}

}  // namespace camvault::cli
