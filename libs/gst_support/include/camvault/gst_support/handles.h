// GStreamer's and GLib's objects as handles that release them.
#pragma once

#include <gst/gst.h>

#include "camvault/base/owned.h"

namespace camvault::gst_support {

template <class T>
struct UnrefObject {
  void operator()(T* object) const { gst_object_unref(object); }
};
template <class T>
using GstPtr = std::unique_ptr<T, UnrefObject<T>>;

using GErrorPtr = Owned<GError, g_error_free>;
using TextPtr = Owned<gchar, g_free>;
using StructurePtr = Owned<GstStructure, gst_structure_free>;

// Buffers, samples, messages, events, caps.
struct UnrefMini {
  template <class T>
  void operator()(T* object) const {
    gst_mini_object_unref(reinterpret_cast<GstMiniObject*>(object));
  }
};
using SamplePtr = std::unique_ptr<GstSample, UnrefMini>;
using MessagePtr = std::unique_ptr<GstMessage, UnrefMini>;
using CapsPtr = std::unique_ptr<GstCaps, UnrefMini>;
using BufferPtr = std::unique_ptr<GstBuffer, UnrefMini>;
using EventPtr = std::unique_ptr<GstEvent, UnrefMini>;

// The bytes of a buffer, mapped for reading. The buffer must outlive it.
class MappedBuffer {
 public:
  explicit MappedBuffer(GstBuffer* buffer)
      : buffer_(buffer), mapped_(gst_buffer_map(buffer, &map_, GST_MAP_READ) != 0) {}
  ~MappedBuffer() {
    if (mapped_) gst_buffer_unmap(buffer_, &map_);
  }
  MappedBuffer(const MappedBuffer&) = delete;
  MappedBuffer& operator=(const MappedBuffer&) = delete;

  bool is_mapped() const { return mapped_; }
  const std::uint8_t* data() const { return map_.data; }
  std::size_t size() const { return mapped_ ? map_.size : 0; }

 private:
  GstBuffer* buffer_;
  GstMapInfo map_{};
  bool mapped_;
};

}  // namespace camvault::gst_support
