// Our errors as GStreamer's.
#pragma once

#include <gst/gst.h>

#include "camvault/base/result.h"

namespace camvault::gst_elements {

// Posts an error message on the bus; the element's name goes in front of it there.
void post_error(GstElement* element, const Error& error);
void post_warning(GstElement* element, const std::string& what);

}  // namespace camvault::gst_elements
