// Signing a stream.
#include "handles.h"

namespace {

using namespace camvault;
using namespace camvault::capi;

constexpr std::size_t kMaxVendorField = 255;
constexpr std::size_t kMaxChain = 1 << 20;
constexpr std::size_t kMaxUnits = 0xffff;  // of one access unit; a GOP's list holds no more

Result<std::string> vendor_field(const char* text) {
  std::string out = text == nullptr ? "" : text;
  if (out.size() > kMaxVendorField)
    return fail(Errc::limit, "vendor information has at most 255 bytes a field");
  return out;
}

Result<bool> flag(std::uint32_t value) {
  if (value > 1) return fail(Errc::usage, "this setting is 0 or 1");
  return value == 1;
}

Status set(signed_video::SignerOptions& options, camvault_sign_setting setting, std::uint32_t value) {
  const auto set_flag = [value](bool& field) -> Status {
    CAM_TRY(field, flag(value));
    return ok();
  };
  switch (setting) {
    case CAMVAULT_SIGN_HASH:
      if (value > CAMVAULT_HASH_SHA512) return fail(Errc::usage, "no such hash algorithm");
      options.hash = value == CAMVAULT_HASH_SHA512   ? crypto::HashAlg::sha512
                     : value == CAMVAULT_HASH_SHA384 ? crypto::HashAlg::sha384
                                                     : crypto::HashAlg::sha256;
      return ok();
    case CAMVAULT_SIGN_LOW_BITRATE:
      return set_flag(options.low_bitrate);
    case CAMVAULT_SIGN_CERTIFICATE_SEI:
      return set_flag(options.certificate_sei);
    case CAMVAULT_SIGN_CHAIN_IN_EVERY_SEI:
      return set_flag(options.chain_in_every_sei);
    case CAMVAULT_SIGN_EMULATION_PREVENTION:
      return set_flag(options.emulation_prevention);
    case CAMVAULT_SIGN_REPEAT_SEIS:
      return set_flag(options.repeat_seis);
    case CAMVAULT_SIGN_WAIT_FOR_KEY:
      return set_flag(options.wait_for_key);
    case CAMVAULT_SIGN_SUPPLEMENT:
      return set_flag(options.supplement);
    case CAMVAULT_SIGN_INTERVAL:
      options.signing_interval = value;
      return ok();
    case CAMVAULT_SIGN_MAX_PARTIAL_UNITS:
      options.max_partial_units = value;
      return ok();
    case CAMVAULT_SIGN_MAX_PARTIAL_TIME_MS:
      options.max_partial_time = std::chrono::milliseconds(value);
      return ok();
  }
  return fail(Errc::unsupported, "this version does not know that setting");
}

std::optional<Ticks> ticks_of(camvault_time time) {
  return time == CAMVAULT_NO_TIME ? std::nullopt : std::optional(Ticks(time));
}

Status give(camvault_signer& signer, Result<std::span<const Bytes>> made, const camvault_bytes** seis,
            size_t* count) {
  if (!made) return tl::unexpected(made.error());
  signer.seis.clear();
  for (const auto& sei : *made) signer.seis.push_back({sei.data(), sei.size()});
  *seis = signer.seis.data();
  *count = signer.seis.size();
  return ok();
}

}  // namespace

extern "C" {

camvault_status camvault_sign_options_create(camvault_sign_options** out) {
  return made(out, [&]() -> Result<std::unique_ptr<camvault_sign_options>> {
    return std::make_unique<camvault_sign_options>();
  });
}

void camvault_sign_options_destroy(camvault_sign_options* options) {
  delete options;
}

camvault_status camvault_sign_options_set(camvault_sign_options* options, camvault_sign_setting setting,
                                          uint32_t value) {
  return guarded([&]() -> Status {
    if (options == nullptr) return missing("options");
    return set(options->values, setting, value);
  });
}

camvault_status camvault_sign_options_set_vendor(camvault_sign_options* options, const char* manufacturer,
                                                 const char* firmware, const char* serial) {
  return guarded([&]() -> Status {
    if (options == nullptr) return missing("options");
    signed_video::VendorInfo vendor;
    CAM_TRY(vendor.manufacturer, vendor_field(manufacturer));
    CAM_TRY(vendor.firmware, vendor_field(firmware));
    CAM_TRY(vendor.serial, vendor_field(serial));
    options->values.vendor = std::move(vendor);
    return ok();
  });
}

camvault_status camvault_signer_create(camvault_codec codec, camvault_key* key, const char* chain_pem,
                                       const camvault_sign_options* options, camvault_signer** out) {
  return made(out, [&]() -> Result<std::unique_ptr<camvault_signer>> {
    if (key == nullptr) return missing("key");
    if (chain_pem == nullptr) return missing("chain_pem");
    signed_video::SignerOptions values = options == nullptr ? signed_video::SignerOptions{} : options->values;
    CAM_TRY(values.codec, codec_of(codec));
    values.chain_pem = chain_pem;
    if (values.chain_pem.size() > kMaxChain)
      return fail(Errc::limit, "the certificate chain is longer than 1 MiB");
    auto handle = std::make_unique<camvault_signer>();
    CAM_TRY(auto signer, signed_video::Signer::create(*handle->engine, key->key, std::move(values)));
    handle->signer.emplace(std::move(signer));
    return handle;
  });
}

void camvault_signer_destroy(camvault_signer* signer) {
  delete signer;
}

camvault_status camvault_signer_add(camvault_signer* signer, const camvault_bytes* units, size_t count,
                                    camvault_time time, const camvault_bytes** seis, size_t* sei_count) {
  return camvault_signer_add_shown(signer, units, count, time, CAMVAULT_NO_TIME, seis, sei_count);
}

camvault_status camvault_signer_add_shown(camvault_signer* signer, const camvault_bytes* units, size_t count,
                                          camvault_time time, camvault_time shown,
                                          const camvault_bytes** seis, size_t* sei_count) {
  if (seis == nullptr || sei_count == nullptr)
    return failed(CAMVAULT_USAGE, "there is no place for the SEIs");
  *seis = nullptr;
  *sei_count = 0;
  return guarded([&]() -> Status {
    if (signer == nullptr) return missing("signer");
    if (units == nullptr && count > 0) return missing("units");
    if (count > kMaxUnits) return fail(Errc::limit, "an access unit of more than 65,535 units");
    if (time == CAMVAULT_NO_TIME) return fail(Errc::usage, "a picture needs a time");
    signer->units.clear();
    for (std::size_t i = 0; i < count; ++i) {
      CAM_TRY(const auto unit, view_of(units[i].data, units[i].size, "a unit"));
      signer->units.push_back(unit);
    }
    return give(*signer, signer->signer->add(signer->units, Timestamp(Ticks(time)), ticks_of(shown)), seis,
                sei_count);
  });
}

camvault_status camvault_signer_add_header_unit(camvault_signer* signer, const void* data, size_t size) {
  return guarded([&]() -> Status {
    if (signer == nullptr) return missing("signer");
    CAM_TRY(const auto unit, view_of(data, size, "data"));
    signer->signer->add_header_unit(unit);
    return ok();
  });
}

camvault_status camvault_signer_add_sample(camvault_signer* signer, camvault_side_kind kind, uint32_t track,
                                           camvault_time shown, const void* data, size_t size) {
  return guarded([&]() -> Status {
    if (signer == nullptr) return missing("signer");
    if (kind != CAMVAULT_SIDE_AUDIO && kind != CAMVAULT_SIDE_METADATA)
      return fail(Errc::usage, "a sample is sound or metadata");
    signed_video::SideSample sample;
    sample.kind =
        kind == CAMVAULT_SIDE_AUDIO ? signed_video::SideKind::audio : signed_video::SideKind::metadata;
    sample.track = track;
    CAM_TRY(sample.bytes, view_of(data, size, "data"));
    sample.time = ticks_of(shown);
    return signer->signer->add_side(sample);
  });
}

camvault_status camvault_signer_finish(camvault_signer* signer, uint32_t patience_ms,
                                       const camvault_bytes** seis, size_t* sei_count) {
  if (seis == nullptr || sei_count == nullptr)
    return failed(CAMVAULT_USAGE, "there is no place for the SEIs");
  *seis = nullptr;
  *sei_count = 0;
  return guarded([&]() -> Status {
    if (signer == nullptr) return missing("signer");
    return give(*signer, signer->signer->finish(std::chrono::milliseconds(patience_ms)), seis, sei_count);
  });
}

camvault_status camvault_signer_request_certificate_sei(camvault_signer* signer) {
  return guarded([&]() -> Status {
    if (signer == nullptr) return missing("signer");
    signer->signer->request_certificate_sei();
    return ok();
  });
}

uint64_t camvault_signer_counter(const camvault_signer* signer, camvault_signer_count what) {
  if (signer == nullptr) return 0;
  const auto counters = signer->signer->counters();
  switch (what) {
    case CAMVAULT_SIGNER_UNITS_HASHED:
      return counters.units_hashed;
    case CAMVAULT_SIGNER_SEIS_SIGNED:
      return counters.seis_signed;
    case CAMVAULT_SIGNER_SEIS_UNSIGNED:
      return counters.seis_unsigned;
    case CAMVAULT_SIGNER_SIGNATURES_FAILED:
      return counters.signatures_failed;
    case CAMVAULT_SIGNER_SUPPLEMENTS:
      return counters.supplements;
  }
  return 0;
}

}  // extern "C"
