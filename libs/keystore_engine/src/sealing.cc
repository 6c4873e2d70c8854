// Small data that opens on this platform, in this state, for this application only. The module binds it to
// the state, the root key to the label.
#include "camvault/base/byte_reader.h"
#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::ServiceError;

namespace {
constexpr std::string_view kContext = "camvault sealed data 1";

// What is sealed with the module's blob: who may ask for it.
Bytes additional_of(const KeyName& label) {
  Bytes out = to_bytes(as_bytes(kContext));
  out.push_back(0);
  append(out, as_bytes(label.text()));
  return out;
}
}  // namespace

Answer<Bytes> Engine::seal(const Caller& who, const KeyName& label, BytesView plain,
                           std::string_view backend) {
  CAM_TRY_STATUS(authorise(who, Operation::seal, label.application(), label.text()));
  CAM_TRY(auto* chosen, choose_backend(label, backend));
  if (plain.empty() || plain.size() > Backend::kMaxSealed)
    return keystore::refuse(ServiceError::limit, "1 to 128 bytes are sealed");
  CAM_TRY(const auto bound, chosen->seal_to_platform(Secret(plain)));
  const auto& name = chosen->name();
  Bytes inner;
  inner.push_back(static_cast<std::uint8_t>(name.size()));  // at most 32
  append(inner, as_bytes(name));
  append(inner, bound);
  CAM_TRY(auto sealed, config_.sealer->seal(Secret(inner), additional_of(label)));
  return sealed;
}

Answer<Secret> Engine::unseal(const Caller& who, const KeyName& label, BytesView sealed) {
  CAM_TRY_STATUS(authorise(who, Operation::unseal, label.application(), label.text()));
  CAM_TRY(const auto inner, config_.sealer->open(sealed, additional_of(label)));
  return inner.reveal([&](BytesView bytes) -> Answer<Secret> {
    ByteReader in(bytes);
    CAM_TRY(const auto size, in.u8());
    CAM_TRY(const auto name, in.take(size));
    auto* backend = backend_named(as_text(name));
    if (backend == nullptr) return keystore::refuse(ServiceError::unsupported, "its backend is not here");
    auto plain = backend->unseal_from_platform(in.rest());
    // The one refusal that is the module's decision and not ours.
    if (!plain && plain.error().code == Errc::denied)
      return keystore::refuse(ServiceError::denied, plain.error().what);
    if (!plain) return tl::unexpected(keystore::Refusal(plain.error()));
    return std::move(*plain);
  });
}

}  // namespace camvault::keystore_engine
