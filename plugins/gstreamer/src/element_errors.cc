#include "element_errors.h"

// The macros of GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements {

namespace {
void post(GstElement* element, GstMessageType type, GQuark domain, gint code, const std::string& what) {
  gst_element_message_full(element, type, domain, code, g_strdup(what.c_str()), nullptr, __FILE__, "", 0);
}
}  // namespace

void post_error(GstElement* element, const Error& error) {
  const auto resource = gst_resource_error_quark();
  const auto stream = gst_stream_error_quark();
  const auto at = [&](GQuark domain, gint code) {
    post(element, GST_MESSAGE_ERROR, domain, code, error.what);
  };
  switch (error.code) {
    case Errc::not_found:
      return at(resource, GST_RESOURCE_ERROR_NOT_FOUND);
    case Errc::denied:
      return at(resource, GST_RESOURCE_ERROR_NOT_AUTHORIZED);
    case Errc::unavailable:
      return at(resource, GST_RESOURCE_ERROR_BUSY);
    case Errc::usage:
      return at(resource, GST_RESOURCE_ERROR_SETTINGS);
    case Errc::io:
      return at(resource, GST_RESOURCE_ERROR_WRITE);
    case Errc::malformed:
    case Errc::unsupported:
    case Errc::exists:
    case Errc::invalid:
    case Errc::limit:
      return at(stream, GST_STREAM_ERROR_FORMAT);
    case Errc::internal:
      return at(gst_core_error_quark(), GST_CORE_ERROR_FAILED);
  }
}

void post_warning(GstElement* element, const std::string& what) {
  post(element, GST_MESSAGE_WARNING, gst_resource_error_quark(), GST_RESOURCE_ERROR_BUSY, what);
}

}  // namespace camvault::gst_elements
