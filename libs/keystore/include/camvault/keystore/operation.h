// What a client may ask of the keystore, and how it can be refused: two closed lists, with the numbers that
// stand for them in messages (docs/formats/keystore-ipc.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "camvault/base/result.h"

namespace camvault::keystore {

enum class Operation : std::uint8_t {
  status = 1,
  list = 2,
  info = 3,
  generate = 4,
  import_key = 5,
  remove = 6,
  public_key = 7,
  sign_digest = 8,
  sign_message = 9,
  random = 10,
  encrypt = 11,
  decrypt = 12,
  mac = 13,
  attest = 14,
  move = 15,
  certify = 16,   // the module's own word about a key
  attester = 17,  // the module's attestation key
  activate = 18,  // a credential for that key
  agree = 19,
  compare = 20,
  derive = 21,
  read_counter = 22,
  increment_counter = 23,
  seal = 24,
  unseal = 25,
  backup = 26,
  restore = 27,
  tls_share = 28,   // an ephemeral key
  tls_agree = 29,   // and the other side's
  tls_psk = 30,     // a handle to a pre-shared key
  tls_derive = 31,  // a step of the key schedule
};
inline constexpr Operation kLastOperation = Operation::tls_derive;

std::optional<Operation> operation_from_number(std::uint64_t number);
std::string_view to_string(Operation operation);  // "sign_digest", ...: the audit's words

// Nothing but these numbers crosses to a client: the reasons stay in the service's log.
enum class ServiceError : std::uint8_t {
  malformed = 1,            // the message breaks its format; the connection ends
  unsupported_version = 2,  // of the protocol; the connection ends
  unsupported = 3,          // the backend does not do that
  limit = 4,                // a size or number limit
  busy = 5,                 // too many connections or requests at the moment; try again
  not_found = 6,
  exists = 7,
  denied = 8,
  wrong_purpose = 9,     // the key is for something else
  wrong_algorithm = 10,  // scheme or hash is not in the key's policy
  invalid = 11,          // sealed data that does not open, a key to import that is none
  damaged = 12,          // the key's file does not authenticate
  usage = 13,            // fields that do not fit together
  storage = 14,          // the service cannot write (disk full, rights)
  internal = 15,
  unavailable = 16,  // the module that holds the key does not answer; `status` says more
};

std::optional<ServiceError> service_error_from_number(std::uint64_t number);
std::string_view to_string(ServiceError error);  // one clause for people

// The answer of the service when it says no. `why` is for the service's log.
struct Refusal {
  ServiceError error = ServiceError::internal;
  std::string why;

  Refusal(ServiceError e, std::string reason) : error(e), why(std::move(reason)) {}
  Refusal(
      Error e);  // NOLINT(google-explicit-constructor): lets CAM_TRY turn a library's error into an answer
};

template <class T>
class [[nodiscard]] Answer : public tl::expected<T, Refusal> {
 public:
  using tl::expected<T, Refusal>::expected;
};

inline tl::unexpected<Refusal> refuse(ServiceError error, std::string why) {
  return tl::unexpected<Refusal>(Refusal(error, std::move(why)));
}

// What a client's caller gets.
Error to_error(ServiceError error);

}  // namespace camvault::keystore
