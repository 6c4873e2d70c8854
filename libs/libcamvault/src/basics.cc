// Statuses, the text of the last error, and what the other files take in.
#include "handles.h"

namespace camvault::capi {

namespace {
constexpr std::size_t kMaxCertificates = 256;

// Per thread: a program that checks clips on many threads gets the text of its own call.
std::string& last_error() {
  thread_local std::string text;
  return text;
}

struct Pair {
  camvault_status status;
  Errc code;
  const char* text;
};
constexpr Pair kStatuses[] = {
    {CAMVAULT_MALFORMED, Errc::malformed, "malformed"},
    {CAMVAULT_UNSUPPORTED, Errc::unsupported, "unsupported"},
    {CAMVAULT_LIMIT, Errc::limit, "limit"},
    {CAMVAULT_NOT_FOUND, Errc::not_found, "not found"},
    {CAMVAULT_EXISTS, Errc::exists, "exists"},
    {CAMVAULT_DENIED, Errc::denied, "denied"},
    {CAMVAULT_UNAVAILABLE, Errc::unavailable, "unavailable"},
    {CAMVAULT_INVALID, Errc::invalid, "invalid"},
    {CAMVAULT_USAGE, Errc::usage, "usage"},
    {CAMVAULT_IO, Errc::io, "input or output"},
    {CAMVAULT_INTERNAL, Errc::internal, "internal"},
};
}  // namespace

camvault_status status_of(Errc code) {
  for (const auto& pair : kStatuses) {
    if (pair.code == code) return pair.status;
  }
  return CAMVAULT_INTERNAL;
}

Errc errc_of(camvault_status status) {
  for (const auto& pair : kStatuses) {
    if (pair.status == status) return pair.code;
  }
  return Errc::internal;
}

camvault_status failed(const Error& error) {
  last_error() = error.what;
  return status_of(error.code);
}

camvault_status failed(camvault_status status, const char* what) noexcept {
  try {
    last_error() = what;
  } catch (...) {
    last_error().clear();  // not even room for the text
  }
  return status;
}

Result<BytesView> view_of(const void* data, std::size_t size, const char* what) {
  if (data == nullptr && size > 0) return missing(what);
  return BytesView(static_cast<const std::uint8_t*>(data), size);
}

Result<codec::Codec> codec_of(camvault_codec codec) {
  switch (codec) {
    case CAMVAULT_CODEC_H264:
      return codec::Codec::h264;
    case CAMVAULT_CODEC_H265:
      return codec::Codec::h265;
    case CAMVAULT_CODEC_ANY:
      break;
  }
  return fail(Errc::usage, "the codec must be H.264 or H.265");
}

Result<std::vector<crypto::Certificate>> certificates_from(const crypto::Engine& engine, BytesView data) {
  const auto text = as_text(data);
  if (text.find("-----BEGIN") != std::string_view::npos) {
    CAM_TRY(auto found, engine.certificates_from_pem(text, kMaxCertificates));
    if (found.empty()) return fail(Errc::malformed, "there is no certificate in it");
    return found;
  }
  CAM_TRY(auto one, engine.certificate_from_der(data));
  return std::vector<crypto::Certificate>{std::move(one)};
}

}  // namespace camvault::capi

using namespace camvault::capi;

extern "C" {

const char* camvault_status_text(camvault_status status) {
  if (status == CAMVAULT_OK) return "ok";
  for (const auto& pair : kStatuses) {
    if (pair.status == status) return pair.text;
  }
  return "unknown status";
}

const char* camvault_last_error(void) {
  return last_error().c_str();
}

const char* camvault_version(void) {
  return CAMVAULT_VERSION;
}

}  // extern "C"
