#include "camvault/gst_support/times.h"

#include "camvault/gst_support/handles.h"

namespace camvault::gst_support {

namespace {
// RFC 5905: NTP counts from 1900.
constexpr std::int64_t kNtpEpoch = 2'208'988'800;

std::optional<Timestamp> time_of_meta(GstBuffer& buffer, const char* caps_name, std::int64_t epoch) {
  const CapsPtr caps(gst_caps_new_empty_simple(caps_name));
  const auto* meta = gst_buffer_get_reference_timestamp_meta(&buffer, caps.get());
  if (meta == nullptr || !GST_CLOCK_TIME_IS_VALID(meta->timestamp)) return std::nullopt;
  const auto ticks = Ticks(static_cast<std::int64_t>(meta->timestamp / 100));
  return Timestamp(ticks - std::chrono::seconds(epoch));
}
}  // namespace

std::optional<Ticks> running_time(const GstSegment& segment, GstClockTime time) {
  if (!GST_CLOCK_TIME_IS_VALID(time) || segment.format != GST_FORMAT_TIME) return std::nullopt;
  guint64 running = 0;
  const int sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, time, &running);
  if (sign == 0) return std::nullopt;
  const auto ticks = static_cast<std::int64_t>(running / 100);
  return Ticks(sign > 0 ? ticks : -ticks);
}

Ticks age_of(GstElement& element, Ticks running_time) {
  const GstPtr<GstClock> clock(gst_element_get_clock(&element));
  if (!clock) return Ticks(0);
  const auto now = gst_clock_get_time(clock.get());
  const auto base = gst_element_get_base_time(&element);
  if (now < base) return Ticks(0);
  const auto age = Ticks(static_cast<std::int64_t>((now - base) / 100)) - running_time;
  return std::max(age, Ticks(0));
}

std::optional<Timestamp> reference_time(GstBuffer& buffer) {
  if (auto time = time_of_meta(buffer, "timestamp/x-unix", 0)) return time;
  return time_of_meta(buffer, "timestamp/x-ntp", kNtpEpoch);
}

}  // namespace camvault::gst_support
