// Small data that opens on this platform, in this state, for this application only. The module binds it to
// the state, the root key to the label.
#include "camvault/keystore/encoding.h"
#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::ServiceError;

namespace {
constexpr std::string_view kContext = "camvault sealed data 1";

// What is sealed with the module's blob: who may ask for it, and which module opens it.
Bytes additional_of(const KeyName& label, std::string_view backend) {
  Bytes out = to_bytes(as_bytes(kContext));
  out.push_back(0);
  append(out, as_bytes(label.text()));
  out.push_back(0);
  append(out, as_bytes(backend));
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
  const auto name = chosen->name();
  CAM_TRY(const auto inner, config_.sealer->seal(Secret(bound), additional_of(label, name)));
  Bytes sealed;
  sealed.push_back(static_cast<std::uint8_t>(name.size()));  // at most 32
  append(sealed, as_bytes(name));
  append(sealed, inner);
  return sealed;
}

Answer<Secret> Engine::unseal(const Caller& who, const KeyName& label, BytesView sealed) {
  CAM_TRY_STATUS(authorise(who, Operation::unseal, label.application(), label.text()));
  const auto name = keystore::backend_of_sealed(sealed);
  auto* backend = name.empty() ? nullptr : backend_named(name);
  if (backend == nullptr)
    return keystore::refuse(ServiceError::invalid, "nothing that a backend here has sealed");
  CAM_TRY(const auto inner,
          config_.sealer->open(sealed.subspan(1 + name.size()), additional_of(label, name)));
  return inner.reveal([&](BytesView bytes) -> Answer<Secret> {
    auto plain = backend->unseal_from_platform(bytes);
    // The one refusal that is the module's decision and not ours.
    if (!plain && plain.error().code == Errc::denied)
      return keystore::refuse(ServiceError::denied, plain.error().what);
    if (!plain) return tl::unexpected(keystore::Refusal(plain.error()));
    return std::move(*plain);
  });
}

}  // namespace camvault::keystore_engine
