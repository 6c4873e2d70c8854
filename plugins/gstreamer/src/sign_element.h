// camvaultsign: signs the video that passes.
#pragma once

#include <gst/gst.h>

namespace camvault::gst_elements {

GType sign_element_type();

}  // namespace camvault::gst_elements
