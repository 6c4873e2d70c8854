#include "sign_element.h"

#include <atomic>
#include <deque>
#include <mutex>

#include "camvault/gst_support/times.h"
#include "element_errors.h"
#include "element_pads.h"
#include "sign_properties.h"
#include "sign_stream.h"

// The cast macros of GLib and GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements {

using gst_support::BufferPtr;
using gst_support::CapsPtr;
using gst_support::EventPtr;

namespace {

constexpr auto kWarningInterval = std::chrono::seconds(10);

// The state of one element. The streaming thread owns all but what `mutex` guards.
struct Sign {
  GstElement* element = nullptr;
  GstPad* sink = nullptr;
  GstPad* source = nullptr;

  std::mutex mutex;
  SignProperties properties;
  signed_video::Signer::Counters counters;
  std::uint64_t pictures = 0;
  GstClockTime picture_duration = 0;  // by the caps

  std::unique_ptr<SignStream> stream;  // from READY on; cancel() from any thread
  std::atomic<bool> certificate_requested{false};
  std::atomic<bool> stopping{false};  // signatures are given up on purpose
  GstSegment segment{};
  BufferPtr held;                    // the last picture, when it is held back
  std::deque<EventPtr> held_events;  // that came behind it
  GstClockTime last_end = GST_CLOCK_TIME_NONE;
  bool hold = true;
  std::optional<bool> live;
  std::optional<Timestamp> origin;  // UTC of running time zero; of streams that are not live
  std::chrono::steady_clock::time_point next_warning{};
  std::uint64_t failures_told = 0;
  SystemClock clock;

  void forget_times() {
    live.reset();
    origin.reset();
    last_end = GST_CLOCK_TIME_NONE;
    gst_segment_init(&segment, GST_FORMAT_UNDEFINED);
  }

  void update_counters() {
    const auto now = stream->counters();
    const std::lock_guard lock(mutex);
    counters = now;
  }

  bool is_live() {
    if (!live) {
      GstQuery* query = gst_query_new_latency();
      gboolean answer = 0;
      if (gst_pad_peer_query(sink, query) != 0) gst_query_parse_latency(query, &answer, nullptr, nullptr);
      gst_query_unref(query);
      live = answer != 0;
    }
    return *live;
  }

  Result<Timestamp> capture_time(GstBuffer& buffer) {
    std::string start;
    {
      const std::lock_guard lock(mutex);
      start = properties.start_time;
    }
    const auto running = gst_support::running_time(segment, GST_BUFFER_PTS(&buffer));
    if (start.empty()) {
      if (const auto known = gst_support::reference_time(buffer)) return *known;
      if (is_live()) return clock.now() - (running ? gst_support::age_of(*element, *running) : Ticks(0));
    }
    if (!origin) {
      auto first = clock.now();
      if (!start.empty()) {
        auto given = from_iso8601(start);
        if (!given) return fail(Errc::usage, "start-time: " + given.error().what);
        first = *given;
      }
      origin = first - running.value_or(Ticks(0));
    }
    return running ? *origin + *running : clock.now();
  }

  GstFlowReturn push_held() {
    auto flow = GST_FLOW_OK;
    if (held) flow = gst_pad_push(source, held.release());
    while (!held_events.empty()) {
      auto event = std::move(held_events.front());
      held_events.pop_front();
      gst_pad_push_event(source, event.release());
    }
    return flow;
  }

  // The signed stream ends here: its last SEIs go behind its last picture.
  void end_stream() {
    if (!stream) return;
    auto last = stream->finish();
    if (!last) {
      post_error(element, last.error());
    } else if (*last && held) {
      gst_buffer_copy_into(held.get(), last->get(), GST_BUFFER_COPY_MEMORY, 0, static_cast<gsize>(-1));
    } else if (*last) {
      // Nothing to put it into: a buffer of its own, right behind the last picture.
      GST_BUFFER_PTS(last->get()) = GST_BUFFER_DTS(last->get()) = last_end;
      GST_BUFFER_FLAG_SET(last->get(), GST_BUFFER_FLAG_DELTA_UNIT);
      push_held();
      held = std::move(*last);
    }
    push_held();
    update_counters();
    warn_of_failures();
  }

  void warn_of_failures() {
    const auto failed = stream->counters().signatures_failed;
    const auto now = std::chrono::steady_clock::now();
    if (failed == failures_told || now < next_warning || stopping) return;
    next_warning = now + kWarningInterval;
    post_warning(element,
                 std::to_string(failed - failures_told) +
                     " signatures failed: the key refused or is away. The next signature covers those "
                     "groups of pictures; until then they are not signed");
    failures_told = failed;
  }

  // What came before is signed and passed on first, as an element that holds nothing back would have done: a
  // sink that waits for its first picture (preroll) must not get it after the error.
  GstFlowReturn refuse(const Error& error) {
    end_stream();
    post_error(element, error);
    return GST_FLOW_ERROR;
  }

  GstFlowReturn chain(BufferPtr buffer) {
    auto time = capture_time(*buffer);
    if (!time) return refuse(time.error());
    if (certificate_requested.exchange(false)) stream->request_certificate();
    const auto start = GST_BUFFER_DTS_OR_PTS(buffer.get());
    const auto duration = GST_BUFFER_DURATION(buffer.get());
    const auto shown = gst_support::running_time(segment, GST_BUFFER_PTS(buffer.get()));
    auto done = stream->add(std::move(buffer), *time, shown);
    if (!done) return refuse(done.error());
    if (!*done) return GST_FLOW_OK;
    last_end = GST_CLOCK_TIME_IS_VALID(start) && GST_CLOCK_TIME_IS_VALID(duration) ? start + duration : start;
    update_counters();
    {
      const std::lock_guard lock(mutex);
      ++pictures;
    }
    warn_of_failures();
    const auto flow = push_held();
    if (flow != GST_FLOW_OK || !hold)
      return flow != GST_FLOW_OK ? flow : gst_pad_push(source, done->release());
    held.reset(gst_buffer_make_writable(done->release()));
    return GST_FLOW_OK;
  }

  bool take_caps(GstCaps* caps) {
    const auto format = gst_support::format_of(*caps);
    if (!format) {
      post_error(element, format.error());
      return false;
    }
    if (!stream) return false;
    if (!stream->continues_with(*format)) end_stream();
    stream->set_format(*format);
    gint rate = 0;
    gint per = 0;
    const bool known =
        gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &rate, &per) != 0 &&
        rate > 0 && per > 0;
    const std::lock_guard lock(mutex);
    const auto before = picture_duration;
    // Nothing slower than a picture a second is guessed at: a wrong guess costs latency in everybody's
    // pipeline.
    picture_duration =
        known ? std::min<GstClockTime>(
                    gst_util_uint64_scale(GST_SECOND, static_cast<guint64>(per), static_cast<guint64>(rate)),
                    GST_SECOND)
              : 50 * GST_MSECOND;
    if (hold && before != picture_duration)
      gst_element_post_message(element, gst_message_new_latency(GST_OBJECT(element)));
    return true;
  }

  gboolean take_event(EventPtr event) {
    switch (GST_EVENT_TYPE(event.get())) {
      case GST_EVENT_CAPS: {
        GstCaps* caps = nullptr;
        gst_event_parse_caps(event.get(), &caps);
        if (!take_caps(caps)) return 0;
        push_held();
        break;
      }
      case GST_EVENT_SEGMENT:
        push_held();
        gst_event_copy_segment(event.get(), &segment);
        origin.reset();
        break;
      case GST_EVENT_STREAM_START:
        push_held();
        break;
      case GST_EVENT_EOS:
        end_stream();
        break;
      case GST_EVENT_FLUSH_START:
        give_up_signatures();
        break;
      case GST_EVENT_FLUSH_STOP:
        // What was signed and not seen is gone: what comes next is a stream of its own.
        held.reset();
        held_events.clear();
        if (stream) {
          stream->abandon();
          stream->resume();
        }
        stopping = false;
        forget_times();
        break;
      default:
        if (held && GST_EVENT_IS_SERIALIZED(event.get())) {
          held_events.push_back(std::move(event));
          return 1;
        }
    }
    return gst_pad_event_default(sink, GST_OBJECT(element), event.release());
  }

  gboolean answer_latency(GstQuery* query) {
    if (gst_pad_peer_query(sink, query) == 0) return 0;
    gboolean is_live_now = 0;
    GstClockTime min = 0;
    GstClockTime max = 0;
    gst_query_parse_latency(query, &is_live_now, &min, &max);
    const std::lock_guard lock(mutex);
    if (properties.hold_last_picture) {
      min += picture_duration;
      if (GST_CLOCK_TIME_IS_VALID(max)) max += picture_duration;
    }
    gst_query_set_latency(query, is_live_now, min, max);
    return 1;
  }

  bool open() {
    SignSettings settings;
    {
      const std::lock_guard lock(mutex);
      settings = properties.settings;
      hold = properties.hold_last_picture;
      counters = {};
      pictures = 0;
    }
    auto opened = SignStream::open(std::move(settings));
    if (!opened) {
      post_error(element, opened.error());
      return false;
    }
    stream = std::move(*opened);
    failures_told = 0;
    return true;
  }

  // Any thread.
  void give_up_signatures() {
    stopping = true;
    if (stream) stream->cancel();
  }

  void stop() {
    held.reset();
    held_events.clear();
    if (!stream) return;
    stream->abandon();
    update_counters();
    stream->resume();
    stopping = false;
    forget_times();
  }

  GstStructure* stats() {
    const std::lock_guard lock(mutex);
    return gst_structure_new(
        "application/x-camvault-sign-stats", "pictures", G_TYPE_UINT64, pictures, "units-hashed",
        G_TYPE_UINT64, counters.units_hashed, "signatures", G_TYPE_UINT64, counters.seis_signed,
        "unsigned-messages", G_TYPE_UINT64, counters.seis_unsigned, "signatures-failed", G_TYPE_UINT64,
        counters.signatures_failed, "supplements", G_TYPE_UINT64, counters.supplements, nullptr);
  }
};

struct SignElement {
  GstElement parent;
  Sign* sign;
};
struct SignElementClass {
  GstElementClass parent;
};

GstElementClass* parent_class = nullptr;

Sign& of(gpointer element) {
  return *static_cast<SignElement*>(element)->sign;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  auto& sign = of(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !sign.open()) return GST_STATE_CHANGE_FAILURE;
  // The streaming thread may wait for the last signatures.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) sign.give_up_signatures();
  const auto done = parent_class->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) sign.stop();
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) sign.stream.reset();
  return done;
}

void request_certificate(GstElement* element) {
  of(element).certificate_requested = true;
}

void init_class(gpointer klass, gpointer) {
  parent_class = static_cast<GstElementClass*>(g_type_class_peek_parent(klass));
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = [](GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    auto& sign = of(object);
    const std::lock_guard lock(sign.mutex);
    if (!set_sign_property(sign.properties, id, value)) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  };
  object_class->get_property = [](GObject* object, guint id, GValue* value, GParamSpec* spec) {
    auto& sign = of(object);
    if (id == kSignStatsProperty) {
      g_value_take_boxed(value, sign.stats());
      return;
    }
    const std::lock_guard lock(sign.mutex);
    if (!get_sign_property(sign.properties, id, value)) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  };
  object_class->finalize = [](GObject* object) {
    delete static_cast<SignElement*>(static_cast<gpointer>(object))->sign;
    G_OBJECT_CLASS(parent_class)->finalize(object);
  };
  element_class->change_state = change_state;
  install_sign_properties(object_class);
  g_signal_new_class_handler("request-certificate", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(request_certificate), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  gst_element_class_set_static_metadata(
      element_class, "Camvault video signer", "Codec/Filter/Video",
      "Signs H.264 and H.265 video by ONVIF Media Signing with a key that stays in its keystore; pictures "
      "are not changed and never wait for a signature",
      "Camvault");
  const CapsPtr caps(gst_caps_from_string(gst_support::kPictureCaps));
  gst_element_class_add_pad_template(element_class,
                                     gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps.get()));
  gst_element_class_add_pad_template(element_class,
                                     gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps.get()));
}

void init_instance(GTypeInstance* instance, gpointer klass) {
  auto* self = reinterpret_cast<SignElement*>(instance);
  self->sign = new Sign;
  auto& sign = *self->sign;
  sign.element = &self->parent;
  sign.forget_times();
  make_pads<of>(sign, klass);
}

}  // namespace

GType sign_element_type() {
  static const GType type = [] {
    GTypeInfo info{};
    info.class_size = sizeof(SignElementClass);
    info.class_init = init_class;
    info.instance_size = sizeof(SignElement);
    info.instance_init = init_instance;
    return g_type_register_static(GST_TYPE_ELEMENT, "CamvaultSign", &info, static_cast<GTypeFlags>(0));
  }();
  return type;
}

}  // namespace camvault::gst_elements
