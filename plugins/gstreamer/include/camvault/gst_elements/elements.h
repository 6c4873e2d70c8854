// The elements, for the plugin and for tests that link them.
#pragma once

#include <gst/gst.h>

namespace camvault::gst_elements {

// `plugin` may be null: elements of this process alone. GStreamer must be initialised.
bool register_elements(GstPlugin* plugin);

}  // namespace camvault::gst_elements
