#include "camvault/ipc/response.h"

#include "camvault/codec/cbor.h"
#include "camvault/keystore/encoding.h"
#include "camvault/keystore/registry.h"
#include "numbers.h"

namespace camvault::ipc {

using codec::CborReader;
using codec::CborWriter;
using keystore::KeyInfo;
using keystore::Operation;
using keystore::ServiceError;
using keystore::ServiceStatus;

namespace {
std::uint64_t number_or_zero(const std::optional<ServiceError>& error) {
  return error ? static_cast<std::uint64_t>(*error) : 0;
}

Result<std::optional<ServiceError>> read_error(CborReader& in) {
  CAM_TRY(const auto number, in.unsigned_integer());
  if (number == 0) return std::optional<ServiceError>();
  const auto error = keystore::service_error_from_number(number);
  if (!error) return fail(Errc::malformed, "an unknown error number");
  return error;
}

Result<std::string> read_text(CborReader& in) {
  CAM_TRY(const auto text, in.text());
  return std::string(text);
}

void write_result(CborWriter&, const std::monostate&) {}
void write_result(CborWriter& out, const KeyInfo& info) {
  keystore::write_key_info(out, info);
}
void write_result(CborWriter& out, const std::vector<KeyInfo>& infos) {
  out.begin_array();
  for (const auto& info : infos) keystore::write_key_info(out, info);
  out.end();
}
void write_result(CborWriter& out, const Bytes& bytes) {
  out.bytes(bytes);
}
void write_result(CborWriter& out, bool yes) {
  out.boolean(yes);
}
void write_result(CborWriter& out, std::uint64_t number) {
  out.unsigned_integer(number);
}
void write_backend(CborWriter& out, const keystore::BackendStatus& backend) {
  out.begin_map();
  out.text(backend_tag::kName, backend.name);
  out.text(backend_tag::kKind, backend.kind);
  out.boolean(backend_tag::kSimulator, backend.simulator);
  out.key(backend_tag::kTypes);
  out.begin_array();
  for (const auto type : backend.key_types) out.unsigned_integer(keystore::number_of(type));
  out.end();
  out.text(backend_tag::kProtection, backend.protection);
  out.boolean(backend_tag::kUsable, backend.usable);
  out.text(backend_tag::kHealth, backend.health);
  out.text(backend_tag::kModule, backend.module);
  out.text(backend_tag::kCertification, backend.certification);
  if (backend.free_slots) {
    out.unsigned_integer(backend_tag::kFreeSlots, *backend.free_slots);
  }
  out.end();
}
void write_result(CborWriter& out, const ServiceStatus& status) {
  out.begin_map();
  out.text(status_tag::kVersion, status.version);
  out.unsigned_integer(status_tag::kKeys, status.keys);
  out.key(status_tag::kDamaged);
  out.begin_array();
  for (const auto& name : status.damaged) out.text(name);
  out.end();
  out.key(status_tag::kMechanisms);
  out.begin_array();
  for (const auto& mechanism : status.mechanisms) {
    out.begin_array();
    out.text(mechanism.name);
    out.boolean(mechanism.active);
    out.text(mechanism.detail);
    out.end();
  }
  out.end();
  out.key(status_tag::kBackends);
  out.begin_array();
  for (const auto& backend : status.backends) write_backend(out, backend);
  out.end();
  out.text(status_tag::kRootKey, status.root_key);
  out.end();
}

Result<keystore::Mechanism> read_mechanism(CborReader& in) {
  CAM_TRY(auto array, in.array());
  keystore::Mechanism mechanism;
  CAM_TRY(mechanism.name, read_text(array));
  CAM_TRY(mechanism.active, array.boolean());
  CAM_TRY(mechanism.detail, read_text(array));
  CAM_TRY_STATUS(array.finish());
  return mechanism;
}

Result<keystore::BackendStatus> read_backend(CborReader& in) {
  namespace tag = backend_tag;
  CAM_TRY(auto map, in.map());
  keystore::BackendStatus backend;
  CAM_TRY_STATUS(map.key(tag::kName));
  CAM_TRY(backend.name, read_text(map));
  CAM_TRY_STATUS(map.key(tag::kKind));
  CAM_TRY(backend.kind, read_text(map));
  CAM_TRY(backend.simulator, map.boolean(tag::kSimulator));
  CAM_TRY_STATUS(map.key(tag::kTypes));
  CAM_TRY(auto types, map.array());
  while (!types.at_end()) {
    CAM_TRY(const auto type, keystore::read_key_type(types));
    backend.key_types.push_back(type);
  }
  CAM_TRY_STATUS(map.key(tag::kProtection));
  CAM_TRY(backend.protection, read_text(map));
  CAM_TRY(backend.usable, map.boolean(tag::kUsable));
  CAM_TRY_STATUS(map.key(tag::kHealth));
  CAM_TRY(backend.health, read_text(map));
  CAM_TRY_STATUS(map.key(tag::kModule));
  CAM_TRY(backend.module, read_text(map));
  CAM_TRY_STATUS(map.key(tag::kCertification));
  CAM_TRY(backend.certification, read_text(map));
  if (map.at_key(tag::kFreeSlots)) {
    CAM_TRY(backend.free_slots, read_u32(map));
  }
  CAM_TRY_STATUS(map.finish());
  return backend;
}

// The number of elements is bounded by the frame.
template <class T>
Result<std::vector<T>> read_all(CborReader& in, Result<T> (*read)(CborReader&)) {
  CAM_TRY(auto array, in.array());
  std::vector<T> out;
  while (!array.at_end()) {
    CAM_TRY(auto item, read(array));
    out.push_back(std::move(item));
  }
  return out;
}

Result<ServiceStatus> read_status(CborReader& in) {
  CAM_TRY(auto map, in.map());
  ServiceStatus status;
  CAM_TRY_STATUS(map.key(status_tag::kVersion));
  CAM_TRY(status.version, read_text(map));
  CAM_TRY(status.keys, map.unsigned_integer(status_tag::kKeys));
  CAM_TRY_STATUS(map.key(status_tag::kDamaged));
  CAM_TRY(status.damaged, read_all<std::string>(map, read_text));
  CAM_TRY_STATUS(map.key(status_tag::kMechanisms));
  CAM_TRY(status.mechanisms, read_all<keystore::Mechanism>(map, read_mechanism));
  CAM_TRY_STATUS(map.key(status_tag::kBackends));
  CAM_TRY(status.backends, read_all<keystore::BackendStatus>(map, read_backend));
  CAM_TRY_STATUS(map.key(status_tag::kRootKey));
  CAM_TRY(status.root_key, read_text(map));
  CAM_TRY_STATUS(map.finish());
  return status;
}

Result<ResponseResult> read_result(Operation operation, CborReader& in) {
  switch (operation) {
    case Operation::status: {
      CAM_TRY(auto status, read_status(in));
      return status;
    }
    case Operation::list: {
      CAM_TRY(auto infos, read_all<KeyInfo>(in, keystore::read_key_info));
      return infos;
    }
    case Operation::info:
    case Operation::generate:
    case Operation::import_key:
    case Operation::restore:
    case Operation::move: {
      CAM_TRY(auto info, keystore::read_key_info(in));
      return info;
    }
    case Operation::remove:
      break;
    case Operation::public_key:
    case Operation::sign_digest:
    case Operation::sign_message:
    case Operation::random:
    case Operation::encrypt:
    case Operation::decrypt:
    case Operation::mac:
    case Operation::attest:
    case Operation::certify:
    case Operation::attester:
    case Operation::activate:
    case Operation::agree:
    case Operation::derive:
    case Operation::seal:
    case Operation::unseal:
    case Operation::backup:
    case Operation::tls_share:
    case Operation::tls_agree:
    case Operation::tls_psk:
    case Operation::tls_derive: {
      CAM_TRY(const auto bytes, in.bytes());
      return to_bytes(bytes);
    }
    case Operation::compare: {
      CAM_TRY(const auto yes, in.boolean());
      return yes;
    }
    case Operation::read_counter:
    case Operation::increment_counter: {
      CAM_TRY(const auto number, in.unsigned_integer());
      return number;
    }
  }
  return fail(Errc::malformed, "a result where none belongs");
}
}  // namespace

Result<Bytes> encode_hello_reply(const HelloReply& reply) {
  CborWriter out;
  out.begin_map();
  out.text(hello_tag::kProtocol, kProtocol);
  out.unsigned_integer(hello_tag::kError, number_or_zero(reply.error));
  out.unsigned_integer(hello_tag::kVersion, reply.version);
  out.end();
  return out.take();
}

Result<HelloReply> decode_hello_reply(BytesView frame) {
  CAM_TRY(auto in, CborReader::open(frame));
  CAM_TRY(auto map, in.map());
  CAM_TRY(const auto protocol, map.text(hello_tag::kProtocol));
  if (protocol != kProtocol) return fail(Errc::malformed, "another protocol");
  HelloReply reply;
  CAM_TRY_STATUS(map.key(hello_tag::kError));
  CAM_TRY(reply.error, read_error(map));
  CAM_TRY_STATUS(map.key(hello_tag::kVersion));
  CAM_TRY(reply.version, read_u32(map));
  CAM_TRY_STATUS(map.finish());
  if (reply.error.has_value() != (reply.version == 0)) return fail(Errc::malformed, "an error and a version");
  return reply;
}

Result<Bytes> encode_response(const Response& response) {
  CborWriter out;
  out.begin_map();
  out.unsigned_integer(response_tag::kId, response.id);
  out.unsigned_integer(response_tag::kError, number_or_zero(response.error));
  if (!response.error && response.result.index() != 0) {
    out.key(response_tag::kResult);
    std::visit([&](const auto& result) { write_result(out, result); }, response.result);
  }
  out.end();
  return out.take();
}

Result<std::uint32_t> response_id(BytesView frame) {
  CAM_TRY(auto in, CborReader::open(frame));
  CAM_TRY(auto map, in.map());
  CAM_TRY_STATUS(map.key(response_tag::kId));
  return read_u32(map);
}

Result<Response> decode_response(Operation operation, BytesView frame) {
  CAM_TRY(auto in, CborReader::open(frame));
  CAM_TRY(auto map, in.map());
  Response response;
  CAM_TRY_STATUS(map.key(response_tag::kId));
  CAM_TRY(response.id, read_u32(map));
  CAM_TRY_STATUS(map.key(response_tag::kError));
  CAM_TRY(response.error, read_error(map));
  if (!response.error && operation != Operation::remove) {
    CAM_TRY_STATUS(map.key(response_tag::kResult));
    CAM_TRY(response.result, read_result(operation, map));
  }
  CAM_TRY_STATUS(map.finish());
  return response;
}

}  // namespace camvault::ipc
