// Verifying files, memory and streams.
#include "camvault/base/file.h"
#include "camvault/codec/clip.h"
#include "camvault/signed_video/clip_feed.h"
#include "handles.h"

namespace {

using namespace camvault;
using namespace camvault::capi;

signed_video::VerifyOptions values_of(const camvault_verify_options* options) {
  return options == nullptr ? signed_video::VerifyOptions{} : options->values;
}

Result<std::unique_ptr<camvault_report>> verify_clip(BytesView file, camvault_codec codec,
                                                     const camvault_verify_options* options) {
  codec::ClipOptions how;
  how.everything = true;
  if (codec != CAMVAULT_CODEC_ANY) {
    CAM_TRY(how.codec, codec_of(codec));
  }
  CAM_TRY(const auto source, codec::open_clip(file, how));
  const auto engine = crypto_openssl::make_openssl_engine();
  auto values = values_of(options);
  values.bytes_stay = source->info().bytes_stay;
  signed_video::Verifier verifier(source->info().codec, *engine, std::move(values));
  signed_video::ClipFeed feed(*source, verifier);
  bool truncated = false;
  for (;;) {
    const auto run = feed.next();
    if (!run) truncated = true;  // what came before is worth judging
    if (!run || run->empty()) break;
  }
  auto out = std::make_unique<camvault_report>();
  out->report = verifier.finish(truncated);
  if (out->report.units == 0) return fail(Errc::malformed, "there is no video that could be checked");
  auto& subject = out->subject;
  const auto& info = source->info();
  subject.file_bytes = file.size();
  subject.container = codec::to_string(info.format);
  subject.width = info.width;
  subject.height = info.height;
  subject.not_video = info.not_video;
  subject.duration = feed.duration();
  return out;
}

void sign_with_our_name(report::Subject& subject) {
  subject.tool_version = CAMVAULT_VERSION;
  subject.checked_at = SystemClock().now();
}

// The last part of a path, as reports name files.
std::string name_of(std::string_view path) {
  return std::string(path.substr(path.find_last_of('/') + 1));
}

}  // namespace

extern "C" {

camvault_status camvault_verify_options_create(camvault_verify_options** out) {
  return made(out, [&]() -> Result<std::unique_ptr<camvault_verify_options>> {
    return std::make_unique<camvault_verify_options>();
  });
}

void camvault_verify_options_destroy(camvault_verify_options* options) {
  delete options;
}

camvault_status camvault_verify_options_add_anchors(camvault_verify_options* options, const void* data,
                                                    size_t size) {
  return guarded([&]() -> Status {
    if (options == nullptr) return missing("options");
    CAM_TRY(const auto bytes, view_of(data, size, "data"));
    CAM_TRY(auto found, certificates_from(*options->engine, bytes));
    for (auto& certificate : found) options->values.anchors.push_back(std::move(certificate));
    return ok();
  });
}

camvault_status camvault_verify_options_add_crl(camvault_verify_options* options, const void* data,
                                                size_t size) {
  return guarded([&]() -> Status {
    if (options == nullptr) return missing("options");
    CAM_TRY(const auto bytes, view_of(data, size, "data"));
    CAM_TRY(auto list, options->engine->crl_from_pem_or_der(bytes));
    options->values.crls.push_back(std::move(list));
    return ok();
  });
}

camvault_status camvault_verify_options_set_signer(camvault_verify_options* options, const void* data,
                                                   size_t size) {
  return guarded([&]() -> Status {
    if (options == nullptr) return missing("options");
    CAM_TRY(const auto bytes, view_of(data, size, "data"));
    CAM_TRY(auto found, certificates_from(*options->engine, bytes));
    options->values.expected_signer = std::move(found.front());
    return ok();
  });
}

camvault_status camvault_verify_options_set_serial(camvault_verify_options* options, const char* serial) {
  return guarded([&]() -> Status {
    if (options == nullptr) return missing("options");
    if (serial == nullptr) return missing("serial");
    options->values.expected_serial = serial;
    return ok();
  });
}

camvault_status camvault_verify_options_set_jobs(camvault_verify_options* options, unsigned jobs) {
  return guarded([&]() -> Status {
    if (options == nullptr) return missing("options");
    if (jobs > signed_video::kMaxJobs) return fail(Errc::usage, "at most 64 threads");
    options->values.jobs = jobs;
    return ok();
  });
}

camvault_status camvault_verify_options_set_time(camvault_verify_options* options, camvault_time time) {
  return guarded([&]() -> Status {
    if (options == nullptr) return missing("options");
    options->values.at.reset();
    if (time != CAMVAULT_NO_TIME) options->values.at = Timestamp(Ticks(time));
    return ok();
  });
}

camvault_status camvault_verify_file(const char* path, camvault_codec codec,
                                     const camvault_verify_options* options, camvault_report** out) {
  return made(out, [&]() -> Result<std::unique_ptr<camvault_report>> {
    if (path == nullptr) return missing("path");
    CAM_TRY(const auto file, MappedFile::open(path));
    auto result = verify_clip(file.bytes(), codec, options);
    if (!result) return fail_in(path, result.error());
    (*result)->subject.file_name = name_of(path);
    sign_with_our_name((*result)->subject);
    return result;
  });
}

camvault_status camvault_verify_memory(const void* data, size_t size, camvault_codec codec,
                                       const camvault_verify_options* options, camvault_report** out) {
  return made(out, [&]() -> Result<std::unique_ptr<camvault_report>> {
    CAM_TRY(const auto bytes, view_of(data, size, "data"));
    CAM_TRY(auto result, verify_clip(bytes, codec, options));
    sign_with_our_name(result->subject);
    return result;
  });
}

camvault_status camvault_verifier_create(camvault_codec codec, const camvault_verify_options* options,
                                         camvault_verifier** out) {
  return made(out, [&]() -> Result<std::unique_ptr<camvault_verifier>> {
    CAM_TRY(const auto known, codec_of(codec));
    return std::make_unique<camvault_verifier>(known, values_of(options));
  });
}

void camvault_verifier_destroy(camvault_verifier* verifier) {
  delete verifier;
}

camvault_status camvault_verifier_add(camvault_verifier* verifier, const camvault_bytes* units,
                                      size_t count) {
  return guarded([&]() -> Status {
    if (verifier == nullptr) return missing("verifier");
    if (units == nullptr && count > 0) return missing("units");
    if (verifier->finished) return fail(Errc::usage, "the verifier is finished");
    auto& run = verifier->run;
    run.clear();
    auto offset = verifier->offset;
    for (std::size_t i = 0; i < count; ++i) {
      CAM_TRY(const auto bytes, view_of(units[i].data, units[i].size, "a unit"));
      codec::Unit unit;
      unit.bytes = bytes;
      unit.offset = offset;
      offset += bytes.size();
      run.push_back(unit);
    }
    verifier->offset = offset;
    verifier->verifier.add(run);
    return ok();
  });
}

camvault_status camvault_verifier_finish(camvault_verifier* verifier, int truncated, camvault_report** out) {
  return made(out, [&]() -> Result<std::unique_ptr<camvault_report>> {
    if (verifier == nullptr) return missing("verifier");
    if (verifier->finished) return fail(Errc::usage, "the verifier is finished");
    auto result = std::make_unique<camvault_report>();
    verifier->finished = true;
    result->report = verifier->verifier.finish(truncated != 0);
    result->subject.file_bytes = verifier->offset;
    sign_with_our_name(result->subject);
    return result;
  });
}

}  // extern "C"
