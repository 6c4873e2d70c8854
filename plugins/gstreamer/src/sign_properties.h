// The properties of camvaultsign: their descriptions, and how they become settings.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>

#include "camvault/base/time.h"
#include "sign_stream.h"

namespace camvault::gst_elements {

struct SignProperties {
  SignSettings settings;
  std::string start_time;  // ISO 8601; empty: the clock
  bool hold_last_picture = true;
};

void install_sign_properties(GObjectClass* object_class);
// False for an id that is not theirs.
bool set_sign_property(SignProperties& properties, guint id, const GValue* value);
bool get_sign_property(const SignProperties& properties, guint id, GValue* value);

// Ids of read-only properties that the element answers itself.
inline constexpr guint kSignStatsProperty = 100;

}  // namespace camvault::gst_elements
