// What stands behind the opaque types of camvault.h, and the border between C and C++.
#pragma once

#include <new>
#include <string>
#include <vector>

#include "camvault/camvault.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/report/json.h"
#include "camvault/signed_video/signer.h"
#include "camvault/signed_video/verifier.h"

struct camvault_verify_options {
  std::unique_ptr<camvault::crypto::Engine> engine = camvault::crypto_openssl::make_openssl_engine();
  camvault::signed_video::VerifyOptions values;
};

struct camvault_verifier {
  camvault_verifier(camvault::codec::Codec codec, camvault::signed_video::VerifyOptions options)
      : verifier(codec, *engine, std::move(options)) {}
  std::unique_ptr<camvault::crypto::Engine> engine = camvault::crypto_openssl::make_openssl_engine();
  camvault::signed_video::Verifier verifier;
  std::vector<camvault::codec::Unit> run;
  std::uint64_t offset = 0;
  bool finished = false;
};

struct camvault_report {
  camvault::report::Subject subject;
  camvault::signed_video::Report report;
  std::string json;
};

struct camvault_key {
  std::shared_ptr<camvault::crypto::SigningKey> key;
};

struct camvault_sign_options {
  camvault::signed_video::SignerOptions values;
};

struct camvault_signer {
  std::unique_ptr<camvault::crypto::Engine> engine = camvault::crypto_openssl::make_openssl_engine();
  std::optional<camvault::signed_video::Signer> signer;
  std::vector<camvault::BytesView> units;
  std::vector<camvault_bytes> seis;
};

namespace camvault::capi {

camvault_status status_of(Errc code);
Errc errc_of(camvault_status status);
camvault_status failed(const Error& error);  // keeps the text for camvault_last_error()
camvault_status failed(camvault_status status, const char* what) noexcept;

inline camvault_status finish(const Status& status) {
  return status ? CAMVAULT_OK : failed(status.error());
}

// Runs `work`, which returns a Status; no exception leaves. The library throws none of its own; memory can
// end.
template <class Work>
camvault_status guarded(Work&& work) noexcept {
  try {
    return finish(work());
  } catch (const std::bad_alloc&) {
    return failed(CAMVAULT_INTERNAL, "no memory left");
  } catch (...) {
    return failed(CAMVAULT_INTERNAL, "an error inside the library");
  }
}

// For functions that make an object: `*out` is NULL unless they succeed.
template <class T, class Work>
camvault_status made(T** out, Work&& work) noexcept {
  if (out == nullptr) return failed(CAMVAULT_USAGE, "there is no place for the result: out is NULL");
  *out = nullptr;
  return guarded([&]() -> Status {
    CAM_TRY(std::unique_ptr<T> object, work());
    *out = object.release();
    return ok();
  });
}

inline tl::unexpected<Error> missing(const char* what) {
  return fail(Errc::usage, std::string(what) + " is NULL");
}

// Of a unit or a file. NULL stands for nothing only when the size is 0.
Result<BytesView> view_of(const void* data, std::size_t size, const char* what);
Result<codec::Codec> codec_of(camvault_codec codec);
Result<std::vector<crypto::Certificate>> certificates_from(const crypto::Engine& engine, BytesView data);

}  // namespace camvault::capi
