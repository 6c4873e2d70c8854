// camvaultverify: passes video on and says whether it is what the camera signed.
#pragma once

#include <gst/gst.h>

namespace camvault::gst_elements {

GType verify_element_type();

}  // namespace camvault::gst_elements
