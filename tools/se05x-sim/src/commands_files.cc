// Binary files, user ids, counters, registers.
#include <algorithm>
#include <array>

#include "card.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

namespace {
constexpr std::size_t kMinUserId = 4;
constexpr std::size_t kMaxUserId = 16;
constexpr std::size_t kMaxCounter = 8;
}  // namespace

Reply write_binary(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto target, read_target(in));
  CAM_TRY(const auto offset, field(in.maybe_u16(tag::k2)));
  CAM_TRY(const auto size, field(in.maybe_u16(tag::k3)));
  CAM_TRY(const auto data, field(in.maybe(tag::k4)));
  CAM_TRY(const auto version, field(in.maybe_u32(tag::k11)));
  CAM_TRY_STATUS(field(in.finish()));
  const bool is_new = call.card.store.find(target.id) == nullptr;
  CAM_TRY(auto object, begin_write(call, target, ObjectType::binary, may::kWrite));
  if (is_new) {
    if (!size || *size == 0 || *size > kMaxBinary) return refuse(status::kConditions);
    object.parts[tag::k4] = Bytes(*size);
  }
  auto& content = object.parts[tag::k4];
  if (data) {
    const std::size_t at = offset.value_or(0);
    if (at > content.size() || data->size() > content.size() - at) return refuse(status::kWrongData);
    std::copy(data->begin(), data->end(), content.begin() + static_cast<std::ptrdiff_t>(at));
  }
  object.version = version.value_or(0);
  return finish_write(call, std::move(object));
}

Reply write_user_id(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto target, read_target(in));
  CAM_TRY(const auto value, field(in.need(tag::k2)));
  CAM_TRY_STATUS(field(in.finish()));
  if ((call.command.ins & ins::kAuthObject) == 0) return refuse(status::kConditions);
  if (value.size() < kMinUserId || value.size() > kMaxUserId) return refuse(status::kWrongData);
  if (call.card.store.find(target.id) != nullptr) return refuse(status::kConditions);
  CAM_TRY(auto object, begin_write(call, target, ObjectType::user_id, may::kWrite));
  object.parts[tag::k2] = to_bytes(value);
  return finish_write(call, std::move(object));
}

// A size makes one, a value sets it to something larger, neither adds one.
Reply write_counter(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto target, read_target(in));
  CAM_TRY(const auto size, field(in.maybe_u16(tag::k2)));
  CAM_TRY(const auto value, field(in.maybe(tag::k3)));
  CAM_TRY_STATUS(field(in.finish()));
  const bool is_new = call.card.store.find(target.id) == nullptr;
  CAM_TRY(auto object, begin_write(call, target, ObjectType::counter, may::kWrite));
  if (is_new) {
    if (!size || *size == 0 || *size > kMaxCounter) return refuse(status::kConditions);
    object.parts[tag::k3] = Bytes(*size);
    if (!value) return finish_write(call, std::move(object));
  }
  auto& current = object.parts[tag::k3];
  if (value) {
    if (value->size() != current.size()) return refuse(status::kWrongData);
    if (!std::lexicographical_compare(current.begin(), current.end(), value->begin(), value->end()))
      return refuse(status::kConditions);
    current = to_bytes(*value);
    return finish_write(call, std::move(object));
  }
  if (std::all_of(current.begin(), current.end(), [](auto byte) { return byte == 0xFF; }))
    return refuse(status::kConditions);
  for (auto byte = current.rbegin(); byte != current.rend() && ++*byte == 0; ++byte) {
  }
  return finish_write(call, std::move(object));
}

Reply write_pcr(const Call& call) {
  auto in = call.fields();
  CAM_TRY(const auto target, read_target(in));
  CAM_TRY(const auto initial, field(in.maybe(tag::k2)));
  CAM_TRY(const auto data, field(in.maybe(tag::k3)));
  CAM_TRY_STATUS(field(in.finish()));
  const bool is_new = call.card.store.find(target.id) == nullptr;
  CAM_TRY(auto object, begin_write(call, target, ObjectType::pcr, may::kWrite));
  if (is_new) {
    if (!initial || initial->size() != keystore_se05x::kPcrValue) return refuse(status::kConditions);
    object.parts[tag::k1] = to_bytes(*initial);
    object.parts[tag::k2] = to_bytes(*initial);
  }
  if (data) {
    Bytes input = to_bytes(object.part(tag::k2));
    append(input, *data);
    CAM_TRY(object.parts[tag::k2], fitting(digest(DigestAlg::sha256, input)));
  } else if (!is_new) {
    object.parts[tag::k2] = to_bytes(object.part(tag::k1));  // back to the start
  }
  return finish_write(call, std::move(object));
}

}  // namespace camvault::se05x_sim
