// What the times of a buffer mean.
#pragma once

#include <gst/gst.h>

#include <optional>

#include "camvault/base/time.h"

namespace camvault::gst_support {

// Time on the pipeline's clock since it began; nothing for times outside the segment or none at all.
std::optional<Ticks> running_time(const GstSegment& segment, GstClockTime time);

// How long ago a buffer with this running time was captured; zero when that lies in the future or the element
// has no clock yet.
Ticks age_of(GstElement& element, Ticks running_time);

// When the buffer was captured in UTC, if something upstream knew (RTCP sender reports through rtspsrc's
// add-reference-timestamp-meta, for example).
std::optional<Timestamp> reference_time(GstBuffer& buffer);

}  // namespace camvault::gst_support
