#include "objects.h"

#include "camvault/base/file.h"
#include "camvault/keystore_se05x/tlv.h"

namespace camvault::se05x_sim {

using keystore_se05x::TlvReader;
using keystore_se05x::TlvWriter;

namespace {
constexpr std::size_t kMaxStateFile = 16 * 1024 * 1024;
constexpr std::string_view kMagic = "SE05x simulator state 1\n";

namespace field {
constexpr std::uint8_t kUniqueId = 1;
constexpr std::uint8_t kEncryption = 2;
constexpr std::uint8_t kAuthentication = 3;
constexpr std::uint8_t kData = 4;
constexpr std::uint8_t kFlags = 5;
constexpr std::uint8_t kResets = 6;
constexpr std::uint8_t kCurve = 7;
constexpr std::uint8_t kObject = 8;
// in objects
constexpr std::uint8_t kId = 1;
constexpr std::uint8_t kKind = 2;
constexpr std::uint8_t kPolicy = 3;
constexpr std::uint8_t kAttempts = 4;
constexpr std::uint8_t kOwner = 5;
constexpr std::uint8_t kVersion = 6;
constexpr std::uint8_t kPart = 7;
}  // namespace field

Bytes encode_object(const Object& object) {
  TlvWriter out;
  out.u32(field::kId, object.id);
  const std::uint8_t kind[] = {static_cast<std::uint8_t>(object.type),
                               object.curve ? static_cast<std::uint8_t>(*object.curve) : std::uint8_t{0},
                               object.auth ? std::uint8_t{1} : std::uint8_t{0},
                               static_cast<std::uint8_t>(object.origin)};
  out.put(field::kKind, kind);
  out.put(field::kPolicy, object.policy);
  out.u32(field::kAttempts, static_cast<std::uint32_t>(object.max_attempts) << 16 | object.failed_attempts);
  out.u32(field::kOwner, object.owner);
  out.u32(field::kVersion, object.version);
  for (const auto& [tag, bytes] : object.parts) {
    Bytes part = {tag};
    append(part, bytes);
    out.put(field::kPart, part);
  }
  return out.take();
}

Result<Object> decode_object(BytesView bytes) {
  TlvReader in(bytes);
  Object out;
  CAM_TRY(out.id, in.need_u32(field::kId));
  CAM_TRY(const auto kind, in.need(field::kKind));
  if (kind.size() != 4) return fail(Errc::malformed, "object of another form");
  out.type = static_cast<ObjectType>(kind[0]);
  if (kind[1] != 0) out.curve = static_cast<Curve>(kind[1]);
  out.auth = kind[2] != 0;
  out.origin = static_cast<ObjectOrigin>(kind[3]);
  CAM_TRY(const auto policy, in.need(field::kPolicy));
  out.policy = to_bytes(policy);
  CAM_TRY(const auto attempts, in.need_u32(field::kAttempts));
  out.max_attempts = static_cast<std::uint16_t>(attempts >> 16);
  out.failed_attempts = static_cast<std::uint16_t>(attempts & 0xFFFF);
  CAM_TRY(out.owner, in.need_u32(field::kOwner));
  CAM_TRY(out.version, in.need_u32(field::kVersion));
  while (!in.at_end()) {
    CAM_TRY(const auto part, in.need(field::kPart));
    if (part.empty()) return fail(Errc::malformed, "object of another form");
    out.parts[part[0]] = to_bytes(part.subspan(1));
  }
  return out;
}

Status read_curve(BytesView value, CardState& state) {
  if (value.empty()) return fail(Errc::malformed, "curve of another form");
  auto& parameters = state.curves[static_cast<Curve>(value[0])];
  for (const auto which : value.subspan(1)) parameters.insert(which);
  return ok();
}
}  // namespace

Bytes encode_state(const CardState& state) {
  TlvWriter out;
  const auto key = [&](std::uint8_t tag, const Secret& secret) {
    secret.reveal([&](BytesView bytes) { out.put(tag, bytes); });
  };
  out.put(field::kUniqueId, state.unique_id);
  key(field::kEncryption, state.platform.encryption);
  key(field::kAuthentication, state.platform.authentication);
  key(field::kData, state.platform.data);
  const std::uint8_t flags[] = {state.platform_required ? std::uint8_t{1} : std::uint8_t{0},
                                state.locked ? std::uint8_t{1} : std::uint8_t{0}, state.restricted};
  out.put(field::kFlags, flags);
  out.u32(field::kResets, state.resets);
  for (const auto& [curve, parameters] : state.curves) {
    Bytes value = {static_cast<std::uint8_t>(curve)};
    value.insert(value.end(), parameters.begin(), parameters.end());
    out.put(field::kCurve, value);
  }
  for (const auto& [id, object] : state.objects) {
    if (!object.transient) out.put(field::kObject, encode_object(object));
  }
  Bytes file = to_bytes(as_bytes(kMagic));
  append(file, out.view());
  return file;
}

Result<CardState> decode_state(BytesView bytes) {
  const auto magic = as_bytes(kMagic);
  if (bytes.size() < magic.size() || !equal(bytes.first(magic.size()), magic))
    return fail(Errc::malformed, "no state of an SE05x simulator");
  TlvReader in(bytes.subspan(magic.size()));
  CardState out;
  CAM_TRY(const auto unique_id, in.need(field::kUniqueId));
  out.unique_id = to_bytes(unique_id);
  CAM_TRY(const auto encryption, in.need(field::kEncryption));
  CAM_TRY(const auto authentication, in.need(field::kAuthentication));
  CAM_TRY(const auto data, in.need(field::kData));
  out.platform = {Secret(encryption), Secret(authentication), Secret(data)};
  CAM_TRY(const auto flags, in.need(field::kFlags));
  if (flags.size() != 3) return fail(Errc::malformed, "state of another form");
  out.platform_required = flags[0] != 0;
  out.locked = flags[1] != 0;
  out.restricted = flags[2];
  CAM_TRY(out.resets, in.need_u32(field::kResets));
  while (!in.at_end()) {
    CAM_TRY(const auto next, in.next());
    if (next.tag == field::kCurve) {
      CAM_TRY_STATUS(read_curve(next.value, out));
      continue;
    }
    if (next.tag != field::kObject || out.objects.size() == kMaxObjects)
      return fail(Errc::malformed, "state of another form");
    CAM_TRY(auto object, decode_object(next.value));
    const auto id = object.id;
    out.objects.insert_or_assign(id, std::move(object));
  }
  return out;
}

Result<ObjectStore> ObjectStore::open(std::filesystem::path path,
                                      const std::function<Result<CardState>()>& make_new) {
  ObjectStore store;
  store.path_ = std::move(path);
  if (!store.path_.empty() && std::filesystem::exists(store.path_)) {
    CAM_TRY(const auto bytes, read_file(store.path_, kMaxStateFile));
    CAM_TRY(store.state_, decode_state(bytes));
    return store;
  }
  CAM_TRY(store.state_, make_new());
  CAM_TRY_STATUS(store.commit());
  return store;
}

Object* ObjectStore::find(ObjectId id) {
  const auto found = state_.objects.find(id);
  return found == state_.objects.end() ? nullptr : &found->second;
}

Status ObjectStore::commit() const {
  if (path_.empty()) return ok();
  return write_file_atomically(path_, encode_state(state_), 0600);
}

}  // namespace camvault::se05x_sim
