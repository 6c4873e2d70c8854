// What GStreamer finds when it loads libgstcamvault.so.
#include "camvault/gst_elements/elements.h"

// The macros of GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

#define PACKAGE "camvault"

namespace {
gboolean init_plugin(GstPlugin* plugin) {
  return camvault::gst_elements::register_elements(plugin) ? 1 : 0;
}
}  // namespace

// NOLINTNEXTLINE: GStreamer's macro
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, camvault,
                  "Signs video by ONVIF Media Signing, and tells whether it is what the camera signed",
                  init_plugin, CAMVAULT_VERSION, "Apache 2.0", "Camvault", "https://camvault.example")
