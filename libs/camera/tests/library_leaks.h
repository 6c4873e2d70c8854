// Memory that libraries behind GStreamer keep until the process ends, for LeakSanitizer: GLib's tables made
// when it is loaded, fontconfig's configuration, x265's frame filters. Whole call stacks, so that nothing of
// ours is hidden.
#pragma once

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): names that the sanitizers look for
const char* __asan_default_options();
const char* __asan_default_options() {
  return "fast_unwind_on_malloc=0";
}
const char* __lsan_default_suppressions();
const char* __lsan_default_suppressions() {
  return "leak:_dl_init\nleak:g_intern_string\nleak:libfontconfig\nleak:libx265\n";
}
// NOLINTEND(bugprone-reserved-identifier)
}
