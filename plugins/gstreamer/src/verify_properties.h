// The properties of camvaultverify that somebody sets: their descriptions, and how they become settings.
#pragma once

#include <gst/gst.h>

#include <string>

#include "verify_stream.h"

namespace camvault::gst_elements {

struct VerifyProperties {
  VerifySettings settings;
  bool messages = true;
  std::string report_location;
};

inline constexpr guint kVerifyReportProperty = 100;
inline constexpr guint kVerifyStatsProperty = 101;

void install_verify_properties(GObjectClass* object_class);
// False for an id that is not theirs.
bool set_verify_property(VerifyProperties& properties, guint id, const GValue* value);
bool get_verify_property(const VerifyProperties& properties, guint id, GValue* value);

}  // namespace camvault::gst_elements
