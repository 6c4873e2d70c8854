// What the page's worker calls (web/page/worker.js). Texts and bytes come in as pointers into the module's
// memory that the worker filled; texts that go out live until the next call. 0 means done, else
// camvault_error() says why not.
#include <emscripten.h>
#include <unistd.h>

#include <cstdlib>

#include "check.h"

// The worker's side of the file: bytes [offset, offset + size) to `to`; 0 if they could not be read. A double
// holds every offset of a file that a browser can open.
// clang-format off
EM_JS(int, camvault_read_clip, (double offset, std::uint32_t size, std::uint8_t* to), {
  return Module["readClip"](offset, size, to);
})
// clang-format on

namespace {

using namespace camvault;

class BrowserFile final : public codec::ByteSource {
 public:
  explicit BrowserFile(std::uint64_t size) : size_(size) {}
  std::uint64_t size() const override { return size_; }
  Status read(std::uint64_t offset, std::span<std::uint8_t> out) override {
    const auto done =
        camvault_read_clip(static_cast<double>(offset), static_cast<std::uint32_t>(out.size()), out.data());
    if (done == 0)
      return fail(Errc::io, "the browser cannot read the file: it was moved, changed or taken away");
    return ok();
  }

 private:
  std::uint64_t size_;
};

std::string g_text;  // what was given out last; a worker is one thread and runs one check

const char* keep(std::string text) {
  g_text = std::move(text);
  return g_text.c_str();
}

int told(const Status& status) {
  if (status) return 0;
  g_text = status.error().what;
  return 1;
}

// 1: more to do, 0: done, -1: failed
int told(const Result<bool>& more) {
  if (more) return *more ? 1 : 0;
  g_text = more.error().what;
  return -1;
}

}  // namespace

struct CamvaultCheck {
  CamvaultCheck(std::string name, std::uint64_t size) : file(size), check(std::move(name), file) {}
  BrowserFile file;
  web::Check check;
};

extern "C" {

EMSCRIPTEN_KEEPALIVE CamvaultCheck* camvault_new(const char* name, double size) {
  // OpenSSL blinds its arithmetic on curves with random numbers, for public keys too, and takes them from
  // here. It only refers to the function weakly: this call links it.
  std::uint8_t probe = 0;
  if (getentropy(&probe, sizeof probe) != 0) std::abort();
  return new CamvaultCheck(name, static_cast<std::uint64_t>(size));
}
EMSCRIPTEN_KEEPALIVE void camvault_delete(CamvaultCheck* c) {
  delete c;
}
EMSCRIPTEN_KEEPALIVE const char* camvault_error() {
  return g_text.c_str();
}

EMSCRIPTEN_KEEPALIVE int camvault_add_anchors(CamvaultCheck* c, const std::uint8_t* data, std::size_t size) {
  return told(c->check.add_anchors({data, size}));
}
EMSCRIPTEN_KEEPALIVE int camvault_add_revocations(CamvaultCheck* c, const std::uint8_t* data,
                                                  std::size_t size) {
  return told(c->check.add_revocations({data, size}));
}
EMSCRIPTEN_KEEPALIVE int camvault_set_signer(CamvaultCheck* c, const std::uint8_t* data, std::size_t size) {
  return told(c->check.set_signer({data, size}));
}
EMSCRIPTEN_KEEPALIVE int camvault_set_serial(CamvaultCheck* c, const char* serial) {
  c->check.set_serial(serial);
  return 0;
}
EMSCRIPTEN_KEEPALIVE int camvault_set_time(CamvaultCheck* c, const char* iso8601) {
  return told(c->check.set_time(iso8601));
}
EMSCRIPTEN_KEEPALIVE int camvault_set_codec(CamvaultCheck* c, const char* name) {
  return told(c->check.set_codec(name));
}

EMSCRIPTEN_KEEPALIVE int camvault_set_format(CamvaultCheck* c, const char* name) {
  return told(c->check.set_format(name));
}

EMSCRIPTEN_KEEPALIVE int camvault_open(CamvaultCheck* c) {
  return told(c->check.open());
}
EMSCRIPTEN_KEEPALIVE int camvault_step(CamvaultCheck* c, double bytes) {
  return told(c->check.step(static_cast<std::uint64_t>(bytes)));
}
EMSCRIPTEN_KEEPALIVE double camvault_position(const CamvaultCheck* c) {
  return static_cast<double>(c->check.position());
}
EMSCRIPTEN_KEEPALIVE int camvault_hash_step(CamvaultCheck* c, double bytes) {
  return told(c->check.hash_step(static_cast<std::uint64_t>(bytes)));
}

EMSCRIPTEN_KEEPALIVE const char* camvault_json(const CamvaultCheck* c) {
  return keep(c->check.json());
}
EMSCRIPTEN_KEEPALIVE const char* camvault_view(const CamvaultCheck* c) {
  return keep(c->check.view());
}
EMSCRIPTEN_KEEPALIVE const char* camvault_html(const CamvaultCheck* c) {
  return keep(c->check.html());
}

EMSCRIPTEN_KEEPALIVE std::size_t camvault_pictures(const CamvaultCheck* c) {
  return c->check.picture_times().size();
}
EMSCRIPTEN_KEEPALIVE const double* camvault_picture_times(const CamvaultCheck* c) {
  return c->check.picture_times().data();
}
EMSCRIPTEN_KEEPALIVE const std::uint8_t* camvault_picture_statuses(const CamvaultCheck* c) {
  return c->check.picture_statuses().data();
}

}  // extern "C"
