#include "verify_element.h"

#include <atomic>
#include <mutex>

#include "camvault/base/file.h"
#include "camvault/gst_elements/elements.h"
#include "camvault/gst_support/times.h"
#include "element_errors.h"
#include "element_pads.h"
#include "sign_element.h"
#include "verify_messages.h"
#include "verify_properties.h"
#include "verify_stream.h"

// The cast macros of GLib and GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements {

using gst_support::BufferPtr;
using gst_support::CapsPtr;
using gst_support::EventPtr;
using gst_support::StructurePtr;

namespace {

guint gop_signal = 0;
guint report_signal = 0;

// The state of one element. The streaming thread owns all but what `mutex` guards.
struct Verify {
  GstElement* element = nullptr;
  GstPad* sink = nullptr;
  GstPad* source = nullptr;

  std::mutex mutex;
  VerifyProperties properties;
  VerifyCounters counters;
  std::optional<signed_video::Report> origin;
  std::string last_report;

  std::unique_ptr<VerifyStream> stream;  // from READY on
  std::vector<signed_video::GopReport> settled_gops;
  GstSegment segment{};
  GstFlowReturn flow = GST_FLOW_OK;  // of what was pushed while a buffer was taken

  void tell_gops() {
    if (settled_gops.empty()) return;
    // Who signed it can only change with a GOP.
    auto now = stream->origin();
    bool messages = false;
    {
      const std::lock_guard lock(mutex);
      if (now) origin = std::move(now);
      messages = properties.messages;
    }
    for (const auto& gop : std::exchange(settled_gops, {})) {
      const StructurePtr structure(gop_structure(gop));
      g_signal_emit(element, gop_signal, 0, structure.get());
      if (messages) post(gst_structure_copy(structure.get()));
    }
  }

  void post(GstStructure* structure) {
    gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), structure));
  }

  void update_counters() {
    const std::lock_guard lock(mutex);
    counters = stream->counters();
  }

  void tell_report(const std::optional<signed_video::Report>& report, ReportReason reason) {
    update_counters();
    tell_gops();
    if (!report || report->units == 0) return;
    const gst_support::TextPtr name(gst_object_get_name(GST_OBJECT(element)));
    const auto json = report_json(*report, name.get(), stream->bytes());
    std::string location;
    bool messages = false;
    {
      const std::lock_guard lock(mutex);
      last_report = json;
      location = properties.report_location;
      messages = properties.messages;
    }
    if (!location.empty()) {
      if (const auto written = write_file_atomically(location, as_bytes(json)); !written)
        post_error(element, {Errc::io, "report-location: " + written.error().what});
    }
    g_signal_emit(element, report_signal, 0, json.c_str());
    if (messages) post(report_structure(*report, reason, json));
  }

  GstFlowReturn chain(BufferPtr buffer) {
    // The first buffer of a stream follows nothing.
    const bool lost = GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
    const auto time = gst_support::running_time(segment, GST_BUFFER_DTS_OR_PTS(buffer.get()));
    flow = GST_FLOW_OK;
    if (const auto taken = stream->add(std::move(buffer), lost, time); !taken) {
      post_error(element, taken.error());
      return GST_FLOW_ERROR;
    }
    update_counters();
    tell_gops();
    return flow;
  }

  bool take_caps(GstCaps* caps) {
    const auto format = gst_support::format_of(*caps);
    if (!format) {
      post_error(element, format.error());
      return false;
    }
    if (!stream) return false;
    if (!stream->continues_with(*format)) tell_report(stream->finish(), ReportReason::format_changed);
    stream->set_format(*format);
    return true;
  }

  gboolean take_event(EventPtr event) {
    switch (GST_EVENT_TYPE(event.get())) {
      case GST_EVENT_CAPS: {
        GstCaps* caps = nullptr;
        gst_event_parse_caps(event.get(), &caps);
        if (!take_caps(caps)) return 0;
        break;
      }
      case GST_EVENT_SEGMENT:
        gst_event_copy_segment(event.get(), &segment);
        break;
      case GST_EVENT_GAP:
        if (stream) stream->gap();
        break;
      case GST_EVENT_EOS:
        if (stream) tell_report(stream->finish(), ReportReason::end_of_stream);
        break;
      case GST_EVENT_FLUSH_STOP:
        // What comes next need not follow what came before.
        if (stream) tell_report(stream->flush(), ReportReason::flushed);
        gst_segment_init(&segment, GST_FORMAT_UNDEFINED);
        break;
      default:
        break;
    }
    if (stream && GST_EVENT_IS_SERIALIZED(event.get()) &&
        GST_EVENT_TYPE(event.get()) != GST_EVENT_FLUSH_STOP) {
      stream->add_event(std::move(event));
      return 1;
    }
    return gst_pad_event_default(sink, GST_OBJECT(element), event.release());
  }

  gboolean answer_latency(GstQuery* query) {
    if (gst_pad_peer_query(sink, query) == 0) return 0;
    gboolean live = 0;
    GstClockTime min = 0;
    GstClockTime max = 0;
    gst_query_parse_latency(query, &live, &min, &max);
    const std::lock_guard lock(mutex);
    if (properties.settings.drop_unauthentic) {
      const auto delay = static_cast<GstClockTime>(properties.settings.max_delay.count()) * 100;
      min += delay;
      if (GST_CLOCK_TIME_IS_VALID(max)) max += delay;
    }
    gst_query_set_latency(query, live, min, max);
    return 1;
  }

  bool open() {
    VerifySettings settings;
    {
      const std::lock_guard lock(mutex);
      settings = properties.settings;
      counters = {};
      origin.reset();
      last_report.clear();
    }
    auto opened = VerifyStream::open(std::move(settings));
    if (!opened) {
      post_error(element, opened.error());
      return false;
    }
    stream = std::move(*opened);
    stream->on_gop = [this](const signed_video::GopReport& gop) { settled_gops.push_back(gop); };
    stream->push_buffer = [this](BufferPtr buffer) {
      const auto result = gst_pad_push(source, buffer.release());
      if (flow == GST_FLOW_OK) flow = result;
    };
    stream->push_event = [this](EventPtr event) { gst_pad_push_event(source, event.release()); };
    return true;
  }

  void stop() {
    if (!stream) return;
    tell_report(stream->flush(), ReportReason::stopped);
    gst_segment_init(&segment, GST_FORMAT_UNDEFINED);
  }

  GstStructure* stats() {
    const std::lock_guard lock(mutex);
    return stats_structure(counters, origin ? &*origin : nullptr);
  }
};

struct VerifyElement {
  GstElement parent;
  Verify* verify;
};
struct VerifyElementClass {
  GstElementClass parent;
};

GstElementClass* parent_class = nullptr;

Verify& of(gpointer element) {
  return *static_cast<VerifyElement*>(element)->verify;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  auto& verify = of(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !verify.open()) return GST_STATE_CHANGE_FAILURE;
  const auto done = parent_class->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) verify.stop();
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) verify.stream.reset();
  return done;
}

void init_class(gpointer klass, gpointer) {
  parent_class = static_cast<GstElementClass*>(g_type_class_peek_parent(klass));
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = [](GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    auto& verify = of(object);
    const std::lock_guard lock(verify.mutex);
    if (!set_verify_property(verify.properties, id, value))
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  };
  object_class->get_property = [](GObject* object, guint id, GValue* value, GParamSpec* spec) {
    auto& verify = of(object);
    if (id == kVerifyStatsProperty) {
      g_value_take_boxed(value, verify.stats());
      return;
    }
    const std::lock_guard lock(verify.mutex);
    if (id == kVerifyReportProperty) {
      g_value_set_string(value, verify.last_report.empty() ? nullptr : verify.last_report.c_str());
    } else if (!get_verify_property(verify.properties, id, value)) {
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
  };
  object_class->finalize = [](GObject* object) {
    delete static_cast<VerifyElement*>(static_cast<gpointer>(object))->verify;
    G_OBJECT_CLASS(parent_class)->finalize(object);
  };
  element_class->change_state = change_state;
  install_verify_properties(object_class);
  gop_signal = g_signal_new("gop", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr,
                            G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  report_signal = g_signal_new("report-ready", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, nullptr,
                               nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
  gst_element_class_set_static_metadata(
      element_class, "Camvault video verifier", "Codec/Filter/Video",
      "Tells of H.264 and H.265 video whether it is what a camera signed (ONVIF Media Signing): messages and "
      "a signal for each group of pictures, a report at the end; can keep back what is not authentic",
      "Camvault");
  const CapsPtr caps(gst_caps_from_string(gst_support::kPictureCaps));
  gst_element_class_add_pad_template(element_class,
                                     gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps.get()));
  gst_element_class_add_pad_template(element_class,
                                     gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps.get()));
}

void init_instance(GTypeInstance* instance, gpointer klass) {
  auto* self = reinterpret_cast<VerifyElement*>(instance);
  self->verify = new Verify;
  auto& verify = *self->verify;
  verify.element = &self->parent;
  gst_segment_init(&verify.segment, GST_FORMAT_UNDEFINED);
  make_pads<of>(verify, klass);
}

}  // namespace

GType verify_element_type() {
  static const GType type = [] {
    GTypeInfo info{};
    info.class_size = sizeof(VerifyElementClass);
    info.class_init = init_class;
    info.instance_size = sizeof(VerifyElement);
    info.instance_init = init_instance;
    return g_type_register_static(GST_TYPE_ELEMENT, "CamvaultVerify", &info, static_cast<GTypeFlags>(0));
  }();
  return type;
}

bool register_elements(GstPlugin* plugin) {
  return gst_element_register(plugin, "camvaultsign", GST_RANK_NONE, sign_element_type()) != 0 &&
         gst_element_register(plugin, "camvaultverify", GST_RANK_NONE, verify_element_type()) != 0;
}

}  // namespace camvault::gst_elements
