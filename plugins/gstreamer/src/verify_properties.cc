#include "verify_properties.h"

// The cast macros of GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements {

namespace {

enum Id : guint {
  kTrust = 1,
  kCrl,
  kSigner,
  kSerial,
  kAt,
  kDropUnauthentic,
  kMaxDelay,
  kMessages,
  kReportLocation
};

constexpr auto kInReady =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto kReadOnly = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

std::string text_of(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text == nullptr ? "" : text;
}

}  // namespace

void install_verify_properties(GObjectClass* object_class) {
  const auto text = [&](guint id, const char* name, const char* nick, const char* blurb) {
    g_object_class_install_property(object_class, id,
                                    g_param_spec_string(name, nick, blurb, nullptr, kInReady));
  };
  text(kTrust, "trust", "Trust anchors",
       "File with the certificate authorities you trust, PEM (several) or DER (one). Not set: the video can "
       "be authentic, but nobody says whose it is");
  text(kCrl, "crl", "Revocation list", "File with a revocation list, PEM or DER");
  text(kSigner, "signer", "Signer", "File with a camera's certificate: only that camera counts");
  text(kSerial, "expect-serial", "Expected serial number", "Only a camera with this serial number counts");
  text(kAt, "at", "Judged at",
       "Judge certificates at this time (UTC, 2026-11-21T10:00:00Z), not at the recording time");
  g_object_class_install_property(
      object_class, kDropUnauthentic,
      g_param_spec_boolean(
          "drop-unauthentic", "Drop unauthentic pictures",
          "Let only pictures pass whose valid signature has come, and nothing that is predicted from a "
          "dropped picture. Pictures wait for their signature: at least one group of pictures of latency",
          0, kInReady));
  g_object_class_install_property(
      object_class, kMaxDelay,
      g_param_spec_uint64(
          "max-delay", "Largest delay",
          "How long a picture waits for its signature with drop-unauthentic, in nanoseconds; then it is "
          "dropped. Longer than a group of pictures and the camera's time to sign it",
          0, 600 * GST_SECOND, 5 * GST_SECOND, kInReady));
  g_object_class_install_property(
      object_class, kMessages,
      g_param_spec_boolean(
          "messages", "Messages",
          "Post element messages: camvault-gop for every group of pictures, camvault-report at the end", 1,
          kInReady));
  text(kReportLocation, "report-location", "Report file",
       "File that gets the JSON report at the end (docs/formats/report-json.md)");
  g_object_class_install_property(
      object_class, kVerifyReportProperty,
      g_param_spec_string("report", "Report",
                          "The last finished report as JSON: at the end of the stream, after a flush, when "
                          "the element stops. Not set while the first stream runs; stats has its counts",
                          nullptr, kReadOnly));
  g_object_class_install_property(
      object_class, kVerifyStatsProperty,
      g_param_spec_boxed("stats", "Statistics",
                         "Of the running stream: settled pictures by what became of them (authentic, "
                         "altered, incomplete, extra, out-of-place, not-covered), gaps that the transport "
                         "told of, damaged and dropped buffers, provenance and signer",
                         GST_TYPE_STRUCTURE, kReadOnly));
}

bool set_verify_property(VerifyProperties& p, guint id, const GValue* value) {
  auto& s = p.settings;
  switch (id) {
    case kTrust:
      s.trust = text_of(value);
      return true;
    case kCrl:
      s.crl = text_of(value);
      return true;
    case kSigner:
      s.signer = text_of(value);
      return true;
    case kSerial:
      s.expected_serial = text_of(value);
      return true;
    case kAt:
      s.at = text_of(value);
      return true;
    case kDropUnauthentic:
      s.drop_unauthentic = g_value_get_boolean(value) != 0;
      return true;
    case kMaxDelay:
      s.max_delay = Ticks(static_cast<std::int64_t>(g_value_get_uint64(value) / 100));
      return true;
    case kMessages:
      p.messages = g_value_get_boolean(value) != 0;
      return true;
    case kReportLocation:
      p.report_location = text_of(value);
      return true;
    default:
      return false;
  }
}

bool get_verify_property(const VerifyProperties& p, guint id, GValue* value) {
  const auto& s = p.settings;
  const auto text = [&](const std::string& what) {
    g_value_set_string(value, what.empty() ? nullptr : what.c_str());
  };
  switch (id) {
    case kTrust:
      text(s.trust.string());
      return true;
    case kCrl:
      text(s.crl.string());
      return true;
    case kSigner:
      text(s.signer.string());
      return true;
    case kSerial:
      text(s.expected_serial);
      return true;
    case kAt:
      text(s.at);
      return true;
    case kDropUnauthentic:
      g_value_set_boolean(value, s.drop_unauthentic ? 1 : 0);
      return true;
    case kMaxDelay:
      g_value_set_uint64(value, static_cast<guint64>(s.max_delay.count()) * 100);
      return true;
    case kMessages:
      g_value_set_boolean(value, p.messages ? 1 : 0);
      return true;
    case kReportLocation:
      text(p.report_location);
      return true;
    default:
      return false;
  }
}

}  // namespace camvault::gst_elements
