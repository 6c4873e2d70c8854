// The two pads that both elements have: one buffer in, one or more out, the same capabilities on both sides.
#pragma once

#include <gst/gst.h>

#include "camvault/gst_support/handles.h"

// The cast macros of GLib and GStreamer are C.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::gst_elements {

// Makes pads by the templates "sink" and "src" of the element's class, and gives them to the element. `of` is
// the function that has the element's state, whose chain(), take_event() and answer_latency() are called.
template <auto of, class State>
void make_pads(State& state, gpointer klass) {
  using gst_support::BufferPtr;
  using gst_support::EventPtr;
  auto* element_class = GST_ELEMENT_CLASS(klass);
  state.sink = gst_pad_new_from_template(gst_element_class_get_pad_template(element_class, "sink"), "sink");
  state.source = gst_pad_new_from_template(gst_element_class_get_pad_template(element_class, "src"), "src");
  gst_pad_set_chain_function(state.sink, [](GstPad*, GstObject* parent, GstBuffer* buffer) {
    return of(parent).chain(BufferPtr(buffer));
  });
  gst_pad_set_event_function(state.sink, [](GstPad*, GstObject* parent, GstEvent* event) {
    return of(parent).take_event(EventPtr(event));
  });
  gst_pad_set_query_function(state.source, [](GstPad* pad, GstObject* parent, GstQuery* query) {
    return GST_QUERY_TYPE(query) == GST_QUERY_LATENCY ? of(parent).answer_latency(query)
                                                      : gst_pad_query_default(pad, parent, query);
  });
  GST_PAD_SET_PROXY_CAPS(state.sink);
  GST_PAD_SET_PROXY_ALLOCATION(state.sink);
  GST_PAD_SET_PROXY_CAPS(state.source);
  gst_element_add_pad(state.element, state.sink);
  gst_element_add_pad(state.element, state.source);
}

}  // namespace camvault::gst_elements

#pragma GCC diagnostic pop
