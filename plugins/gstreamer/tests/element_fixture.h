// An element between two test pads (GstHarness), signed scenes as buffers, and the messages it posts.
#pragma once

#include <gst/check/gstharness.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "camvault/codec/annex_b.h"
#include "camvault/gst_elements/elements.h"
#include "camvault/gst_support/handles.h"
#include "camvault/test_support/temporary_folder.h"
#include "scene.h"

// The cast macros of GLib and GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements::test {

namespace video = signed_video::test;
using gst_support::BufferPtr;
using gst_support::MessagePtr;
using gst_support::StructurePtr;

inline constexpr const char* kH264 = "video/x-h264,stream-format=byte-stream,alignment=au,framerate=25/1";
inline constexpr const char* kH265 = "video/x-h265,stream-format=byte-stream,alignment=au,framerate=25/1";
inline constexpr GstClockTime kPicture = 40 * GST_MSECOND;

inline Bytes with_start_codes(const std::vector<Bytes>& units) {
  Bytes out;
  for (const auto& unit : units) {
    append(out, Bytes{0, 0, 0, 1});
    append(out, unit);
  }
  return out;
}

inline GstBuffer* buffer_of(const Bytes& bytes, std::size_t picture, bool keyframe) {
  GstBuffer* buffer = bytes.empty() ? gst_buffer_new() : gst_buffer_new_memdup(bytes.data(), bytes.size());
  GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = picture * kPicture;
  GST_BUFFER_DURATION(buffer) = kPicture;
  if (!keyframe) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

inline std::vector<Bytes> units_in(GstBuffer* buffer) {
  const gst_support::MappedBuffer mapped(buffer);
  std::vector<Bytes> out;
  codec::AnnexBReader reader({mapped.data(), mapped.size()});
  while (const auto found = reader.next()) out.push_back(to_bytes(found->bytes));
  return out;
}

class ElementTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    gst_init(nullptr, nullptr);
    static const bool registered = register_elements(nullptr);
    ASSERT_TRUE(registered);
  }

  void TearDown() override {
    if (harness_ != nullptr) gst_harness_teardown(harness_);
    if (bus_ != nullptr) gst_object_unref(bus_);
  }

  // `launch`: "camvaultverify drop-unauthentic=true".
  void start(const std::string& launch, const char* caps = kH264) {
    GError* error = nullptr;
    GstElement* element = gst_parse_launch(launch.c_str(), &error);
    ASSERT_NE(element, nullptr) << (error != nullptr ? error->message : "");
    if (error != nullptr) g_error_free(error);
    bus_ = gst_bus_new();
    gst_element_set_bus(element, bus_);
    harness_ = gst_harness_new_with_element(element, "sink", "src");
    gst_object_unref(element);
    gst_harness_set_src_caps_str(harness_, caps);
  }

  GstElement* element() { return harness_->element; }

  std::vector<BufferPtr> pulled() {
    std::vector<BufferPtr> out;
    while (GstBuffer* buffer = gst_harness_try_pull(harness_)) out.emplace_back(buffer);
    return out;
  }

  // Element messages of that name since the last call.
  std::vector<StructurePtr> messages(const char* name) {
    std::vector<StructurePtr> out;
    while (const auto message = MessagePtr(gst_bus_pop(bus_))) {
      if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) errors_.push_back(error_text(message.get()));
      const auto* structure = gst_message_get_structure(message.get());
      if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ELEMENT &&
          gst_structure_has_name(structure, name) != 0)
        out.emplace_back(gst_structure_copy(structure));
    }
    return out;
  }

  static std::string error_text(GstMessage* message) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    std::string text = error->message;
    g_error_free(error);
    return text;
  }

  static std::string text(const StructurePtr& structure, const char* field) {
    const char* found = gst_structure_get_string(structure.get(), field);
    return found == nullptr ? "" : found;
  }
  static unsigned number(const StructurePtr& structure, const char* field) {
    guint found = 0;
    EXPECT_TRUE(gst_structure_get_uint(structure.get(), field, &found)) << field;
    return found;
  }
  std::uint64_t stat(const char* field) {
    GstStructure* raw = nullptr;
    g_object_get(element(), "stats", &raw, nullptr);
    const StructurePtr structure(raw);
    guint64 found = 0;
    EXPECT_TRUE(gst_structure_get_uint64(structure.get(), field, &found)) << field;
    return found;
  }

  GstClockTime latency() {
    GstQuery* query = gst_query_new_latency();
    EXPECT_TRUE(gst_pad_peer_query(harness_->sinkpad, query));
    GstClockTime min = 0;
    gst_query_parse_latency(query, nullptr, &min, nullptr);
    gst_query_unref(query);
    return min;
  }

  GstHarness* harness_ = nullptr;
  GstBus* bus_ = nullptr;
  std::vector<std::string> errors_;
};

}  // namespace camvault::gst_elements::test
