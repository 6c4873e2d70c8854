#include "pipeline.h"

#include <gio/gio.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include <atomic>
#include <mutex>

#include "camvault/codec/annex_b.h"
#include "camvault/gst_support/handles.h"
#include "camvault/gst_support/times.h"
#include "camvault/gst_support/video_format.h"

// The cast macros of GLib and GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::camera {

using codec::Codec;

namespace {

using gst_support::CapsPtr;
using gst_support::GErrorPtr;
using gst_support::GstPtr;
using gst_support::MessagePtr;
using gst_support::SamplePtr;

Status init_gstreamer() {
  GError* raw = nullptr;
  if (gst_init_check(nullptr, nullptr, &raw) != 0) return ok();
  const GErrorPtr error(raw);
  return fail(Errc::unavailable, std::string("GStreamer does not start: ") + (error ? error->message : "?"));
}

Status check_elements(const std::vector<NeededElement>& needed) {
  for (const auto& element : needed) {
    const GstPtr<GstElementFactory> factory(gst_element_factory_find(element.name.c_str()));
    if (!factory)
      return fail(Errc::unavailable,
                  "GStreamer has no " + element.name + ": install the Debian package " + element.package);
  }
  return ok();
}

// What a pad carries that we can use.
struct PadContent {
  enum class Kind { raw, encoded, rtp } kind;
  Codec codec;
};
std::optional<PadContent> content_of(GstPad* pad) {
  CapsPtr caps(gst_pad_get_current_caps(pad));
  if (!caps) caps.reset(gst_pad_query_caps(pad, nullptr));
  if (!caps || gst_caps_is_empty(caps.get()) != 0 || gst_caps_is_any(caps.get()) != 0) return std::nullopt;
  const auto* structure = gst_caps_get_structure(caps.get(), 0);
  const std::string name = gst_structure_get_name(structure);
  using Kind = PadContent::Kind;
  if (name == "video/x-raw") return PadContent{Kind::raw, Codec::h264};
  if (const auto codec = gst_support::codec_of_caps_name(name)) return PadContent{Kind::encoded, *codec};
  if (name != "application/x-rtp") return std::nullopt;
  const char* encoding = gst_structure_get_string(structure, "encoding-name");
  if (encoding != nullptr && std::string_view(encoding) == "H264") return PadContent{Kind::rtp, Codec::h264};
  if (encoding != nullptr && std::string_view(encoding) == "H265") return PadContent{Kind::rtp, Codec::h265};
  return std::nullopt;
}

}  // namespace

struct Pipeline::Impl {
  CameraOptions options;  // without the password
  SourceKind kind = SourceKind::test;
  GstPtr<GstElement> pipeline;
  GstPtr<GstElement> sink;
  GstPtr<GstBus> bus;
  std::atomic<int> codec{-1};  // of the access units; -1 = no video found yet
  std::mutex mutex;            // of `problem`, written by GStreamer's threads
  std::optional<Error> problem;
  SamplePtr sample;
  GstMapInfo map{};
  bool mapped = false;

  ~Impl() {
    if (pipeline) gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    release_sample();
  }

  void release_sample() {
    if (mapped) gst_buffer_unmap(gst_sample_get_buffer(sample.get()), &map);
    mapped = false;
    sample.reset();
  }

  std::string tail_for(const PadContent& content, Codec& out) const {
    out = options.codec.value_or(Codec::h264);
    if (content.kind == PadContent::Kind::raw) return encode_description(out, options);
    const std::string depay = content.kind != PadContent::Kind::rtp ? ""
                              : content.codec == Codec::h264        ? "rtph264depay ! "
                                                                    : "rtph265depay ! ";
    if (options.codec.value_or(content.codec) != content.codec) {
      return depay + decode_description(content.codec) + " ! " + encode_description(out, options);
    }
    out = content.codec;
    return depay + pass_description(content.codec);
  }

  // Links the first video that turns up to the sink. Runs on GStreamer's threads.
  Status attach(GstPad* pad) {
    const auto content = content_of(pad);
    if (!content) return ok();
    Codec out = Codec::h264;
    const auto description = tail_for(*content, out);
    int expected = -1;
    if (!codec.compare_exchange_strong(expected, static_cast<int>(out))) return ok();
    GError* raw = nullptr;
    GstElement* tail = gst_parse_bin_from_description(description.c_str(), 1, &raw);
    const GErrorPtr error(raw);
    if (tail == nullptr)
      return fail(Errc::unavailable,
                  std::string("cannot build the encoder: ") + (error ? error->message : "?"));
    gst_bin_add(GST_BIN(pipeline.get()), tail);  // owns it now
    if (gst_element_link(tail, sink.get()) == 0) return fail(Errc::internal, "cannot link the encoder");
    const GstPtr<GstPad> target(gst_element_get_static_pad(tail, "sink"));
    if (GST_PAD_LINK_FAILED(gst_pad_link(pad, target.get())))
      return fail(Errc::unsupported, "the source's video cannot be encoded");
    gst_element_sync_state_with_parent(tail);
    return ok();
  }

  static void on_pad(GstElement*, GstPad* pad, gpointer self) {
    auto& impl = *static_cast<Impl*>(self);
    if (auto status = impl.attach(pad); !status) {
      const std::lock_guard lock(impl.mutex);
      impl.problem = std::move(status).error();
    }
  }

  static void on_no_more_pads(GstElement*, gpointer self) {
    auto& impl = *static_cast<Impl*>(self);
    if (impl.codec >= 0) return;
    const std::lock_guard lock(impl.mutex);
    impl.problem = Error{Errc::unsupported, impl.options.pass_through || impl.kind == SourceKind::rtsp
                                                ? "the source has no H.264 or H.265 video"
                                                : "the source has no video that can be decoded"};
  }

  Status configure_source(Source& source) {
    const GstPtr<GstElement> element(gst_bin_get_by_name(GST_BIN(pipeline.get()), "source"));
    if (!element) return fail(Errc::internal, "pipeline without source");
    auto* object = G_OBJECT(element.get());
    if (kind == SourceKind::file) g_object_set(object, "location", source.location.c_str(), nullptr);
    if (kind == SourceKind::v4l2) g_object_set(object, "device", source.location.c_str(), nullptr);
    if (kind != SourceKind::rtsp) return ok();
    g_object_set(object, "location", source.location.c_str(), nullptr);
    if (!source.user.empty()) g_object_set(object, "user-id", source.user.c_str(), nullptr);
    if (!source.password.empty()) {
      source.password.reveal([&](BytesView bytes) {
        std::string text(as_text(bytes));
        g_object_set(object, "user-pw", text.c_str(), nullptr);
        wipe(text.data(), text.size());
      });
    }
    if (source.tls) return configure_tls(object);
    return ok();
  }

  Status configure_tls(GObject* object) const {
    if (g_tls_backend_supports_tls(g_tls_backend_get_default()) == 0) {
      return fail(Errc::unavailable, "no TLS for rtsps: install the Debian package glib-networking");
    }
    if (options.ca_file.empty()) return ok();
    GError* raw = nullptr;
    GTlsDatabase* database = g_tls_file_database_new(options.ca_file.c_str(), &raw);
    const GErrorPtr error(raw);
    if (database == nullptr) return fail(Errc::usage, "cannot read the authorities in " + options.ca_file);
    g_object_set(object, "tls-database", database, nullptr);
    g_object_unref(database);
    return ok();
  }

  Status build(Source source) {
    GError* raw = nullptr;
    pipeline.reset(gst_parse_launch_full(head_description(kind, options).c_str(), nullptr,
                                         GST_PARSE_FLAG_FATAL_ERRORS, &raw));
    const GErrorPtr error(raw);
    if (!pipeline || error)
      return fail(Errc::internal,
                  std::string("cannot build the pipeline: ") + (error ? error->message : "?"));
    gst_object_ref_sink(pipeline.get());
    if (GST_IS_PIPELINE(pipeline.get()) == 0) {  // a single element comes without one
      GstElement* whole = gst_pipeline_new(nullptr);
      gst_object_ref_sink(whole);
      gst_bin_add(GST_BIN(whole), pipeline.release());
      pipeline.reset(whole);
    }
    sink.reset(gst_element_factory_make("appsink", "out"));
    gst_object_ref_sink(sink.get());
    // A file plays at its own speed; live sources come when they come. A full sink slows the source, and a
    // live source then skips pictures: nothing is lost behind the encoder.
    constexpr guint kMaxWaiting = 250;
    g_object_set(sink.get(), "sync", static_cast<gboolean>(kind == SourceKind::file), "max-buffers",
                 kMaxWaiting, nullptr);
    gst_bin_add(GST_BIN(pipeline.get()), GST_ELEMENT(gst_object_ref(sink.get())));
    CAM_TRY_STATUS(configure_source(source));
    const GstPtr<GstElement> pictures(
        gst_bin_get_by_name(GST_BIN(pipeline.get()), kind == SourceKind::rtsp ? "source" : "pictures"));
    if (!pictures) return fail(Errc::internal, "pipeline without pictures");
    if (kind == SourceKind::test) {
      codec = -1;
      return attach_test(pictures.get());
    }
    g_signal_connect(pictures.get(), "pad-added", G_CALLBACK(&Impl::on_pad), this);
    g_signal_connect(pictures.get(), "no-more-pads", G_CALLBACK(&Impl::on_no_more_pads), this);
    return ok();
  }

  Status attach_test(GstElement* pictures) {
    const auto out = options.codec.value_or(Codec::h264);
    codec = static_cast<int>(out);
    GError* raw = nullptr;
    GstElement* tail = gst_parse_bin_from_description(encode_description(out, options).c_str(), 1, &raw);
    const GErrorPtr error(raw);
    if (tail == nullptr)
      return fail(Errc::unavailable,
                  std::string("cannot build the encoder: ") + (error ? error->message : "?"));
    gst_bin_add(GST_BIN(pipeline.get()), tail);
    if (gst_element_link_many(pictures, tail, sink.get(), nullptr) == 0)
      return fail(Errc::internal, "cannot link the encoder");
    return ok();
  }

  Status check_bus() {
    {
      const std::lock_guard lock(mutex);
      if (problem) return tl::unexpected(*problem);
    }
    const MessagePtr message(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    if (!message) return ok();
    GError* raw = nullptr;
    gst_message_parse_error(message.get(), &raw, nullptr);  // the debug text can hold URLs: left out
    const GErrorPtr error(raw);
    const bool missing =
        error && (g_error_matches(error.get(), GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN) != 0 ||
                  g_error_matches(error.get(), GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND) != 0);
    const bool gone =
        error && g_error_matches(error.get(), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND) != 0;
    std::string text = error ? error->message : "unknown error";
    if (missing) text += " (Debian has decoders in gstreamer1.0-libav and gstreamer1.0-plugins-bad)";
    return fail(gone ? Errc::not_found : Errc::unavailable, "source: " + text);
  }
};

Result<std::unique_ptr<Pipeline>> Pipeline::create(Source source, const CameraOptions& options) {
  CAM_TRY_STATUS(init_gstreamer());
  CAM_TRY_STATUS(check_elements(needed_elements(source.kind, options)));
  auto impl = std::make_unique<Impl>();
  auto& kept = impl->options;
  kept.codec = options.codec;
  kept.pass_through = options.pass_through;
  kept.width = options.width;
  kept.height = options.height;
  kept.frames_per_second = options.frames_per_second;
  kept.kbit_per_second = options.kbit_per_second;
  kept.key_interval = options.key_interval;
  kept.slices = options.slices;
  kept.b_frames = options.b_frames;
  kept.ca_file = options.ca_file;
  impl->kind = source.kind;
  CAM_TRY_STATUS(impl->build(std::move(source)));
  impl->bus.reset(gst_element_get_bus(impl->pipeline.get()));
  return std::unique_ptr<Pipeline>(new Pipeline(std::move(impl)));
}

Pipeline::Pipeline(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pipeline::~Pipeline() = default;

Status Pipeline::start() {
  if (gst_element_set_state(impl_->pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    CAM_TRY_STATUS(impl_->check_bus());
    return fail(Errc::unavailable, "the source does not start");
  }
  return ok();
}

void Pipeline::end_stream() {
  gst_element_send_event(impl_->pipeline.get(), gst_event_new_eos());
}

Result<Pipeline::Event> Pipeline::pull(std::chrono::milliseconds patience, AccessUnit& out) {
  auto& impl = *impl_;
  impl.release_sample();
  const auto nanoseconds = static_cast<GstClockTime>(std::chrono::nanoseconds(patience).count());
  impl.sample.reset(gst_app_sink_try_pull_sample(GST_APP_SINK(impl.sink.get()), nanoseconds));
  if (!impl.sample) {
    CAM_TRY_STATUS(impl.check_bus());
    return gst_app_sink_is_eos(GST_APP_SINK(impl.sink.get())) != 0 ? Event::end : Event::nothing;
  }
  GstBuffer* buffer = gst_sample_get_buffer(impl.sample.get());
  if (buffer == nullptr || gst_buffer_map(buffer, &impl.map, GST_MAP_READ) == 0)
    return fail(Errc::unavailable, "source: picture without data");
  impl.mapped = true;
  out = AccessUnit();
  codec::AnnexBReader reader({impl.map.data, impl.map.size});
  while (const auto found = reader.next()) out.units.push_back(found->bytes);
  out.codec = static_cast<Codec>(impl.codec.load());
  out.keyframe = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT) == 0;
  if (const auto* segment = gst_sample_get_segment(impl.sample.get()); segment != nullptr) {
    out.pts = gst_support::running_time(*segment, GST_BUFFER_PTS(buffer));
    out.dts = gst_support::running_time(*segment, GST_BUFFER_DTS(buffer));
  }
  if (out.pts) out.age = gst_support::age_of(*impl.pipeline, *out.pts);
  return Event::picture;
}

}  // namespace camvault::camera
