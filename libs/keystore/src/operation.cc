#include "camvault/keystore/operation.h"

#include <utility>

namespace camvault::keystore {

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::status:
      return "status";
    case Operation::list:
      return "list";
    case Operation::info:
      return "info";
    case Operation::generate:
      return "generate";
    case Operation::import_key:
      return "import";
    case Operation::remove:
      return "remove";
    case Operation::public_key:
      return "public_key";
    case Operation::sign_digest:
      return "sign_digest";
    case Operation::sign_message:
      return "sign_message";
    case Operation::random:
      return "random";
    case Operation::encrypt:
      return "encrypt";
    case Operation::decrypt:
      return "decrypt";
    case Operation::mac:
      return "mac";
    case Operation::attest:
      return "attest";
    case Operation::move:
      return "move";
    case Operation::certify:
      return "certify";
    case Operation::attester:
      return "attester";
    case Operation::activate:
      return "activate";
    case Operation::agree:
      return "agree";
    case Operation::compare:
      return "compare";
    case Operation::derive:
      return "derive";
    case Operation::read_counter:
      return "read_counter";
    case Operation::increment_counter:
      return "increment_counter";
    case Operation::seal:
      return "seal";
    case Operation::unseal:
      return "unseal";
    case Operation::backup:
      return "backup";
    case Operation::restore:
      return "restore";
    case Operation::tls_share:
      return "tls_share";
    case Operation::tls_agree:
      return "tls_agree";
    case Operation::tls_psk:
      return "tls_psk";
    case Operation::tls_derive:
      return "tls_derive";
  }
  return "?";
}

std::optional<Operation> operation_from_number(std::uint64_t number) {
  if (number < std::uint64_t{1} || number > static_cast<std::uint64_t>(kLastOperation)) return std::nullopt;
  return static_cast<Operation>(number);
}

std::optional<ServiceError> service_error_from_number(std::uint64_t number) {
  if (number < std::uint64_t{1} || number > static_cast<std::uint64_t>(ServiceError::unavailable))
    return std::nullopt;
  return static_cast<ServiceError>(number);
}

std::string_view to_string(ServiceError error) {
  switch (error) {
    case ServiceError::malformed:
      return "the message breaks the protocol";
    case ServiceError::unsupported_version:
      return "no common protocol version";
    case ServiceError::unsupported:
      return "the keystore does not support that";
    case ServiceError::limit:
      return "a limit of the keystore is passed";
    case ServiceError::busy:
      return "the keystore has too many requests at the moment";
    case ServiceError::not_found:
      return "there is no such key";
    case ServiceError::exists:
      return "a key of that name exists";
    case ServiceError::denied:
      return "the keystore's policy does not allow this user to do that";
    case ServiceError::wrong_purpose:
      return "the key has another purpose";
    case ServiceError::wrong_algorithm:
      return "the key's policy does not allow that algorithm";
    case ServiceError::invalid:
      return "the data does not authenticate, or is not a key of that type";
    case ServiceError::damaged:
      return "the key's file is damaged";
    case ServiceError::usage:
      return "the request makes no sense";
    case ServiceError::storage:
      return "the keystore cannot write its files: its disk may be full; its log says why";
    case ServiceError::internal:
      return "the keystore failed; its log says more";
    case ServiceError::unavailable:
      return "the module that holds the key does not answer; `camvault keystore status` says more";
  }
  return "?";
}

namespace {
ServiceError service_error_of(Errc code) {
  switch (code) {
    case Errc::malformed:
      return ServiceError::malformed;
    case Errc::unsupported:
      return ServiceError::unsupported;
    case Errc::limit:
      return ServiceError::limit;
    case Errc::not_found:
      return ServiceError::not_found;
    case Errc::exists:
      return ServiceError::exists;
    case Errc::denied:
      return ServiceError::storage;  // of a file of the service: the caller can do nothing about it
    case Errc::unavailable:
      return ServiceError::unavailable;
    case Errc::invalid:
      return ServiceError::invalid;
    case Errc::usage:
      return ServiceError::usage;
    case Errc::io:
      return ServiceError::storage;
    case Errc::internal:
      return ServiceError::internal;
  }
  return ServiceError::internal;
}

Errc errc_of(ServiceError error) {
  switch (error) {
    case ServiceError::malformed:
      return Errc::malformed;
    case ServiceError::unsupported_version:
    case ServiceError::unsupported:
      return Errc::unsupported;
    case ServiceError::limit:
      return Errc::limit;
    case ServiceError::busy:
    case ServiceError::unavailable:
      return Errc::unavailable;
    case ServiceError::not_found:
      return Errc::not_found;
    case ServiceError::exists:
      return Errc::exists;
    case ServiceError::denied:
    case ServiceError::wrong_purpose:
    case ServiceError::wrong_algorithm:
      return Errc::denied;
    case ServiceError::invalid:
    case ServiceError::damaged:
      return Errc::invalid;
    case ServiceError::usage:
      return Errc::usage;
    case ServiceError::storage:
      return Errc::io;
    case ServiceError::internal:
      return Errc::internal;
  }
  return Errc::internal;
}
}  // namespace

Refusal::Refusal(Error e) : error(service_error_of(e.code)), why(std::move(e.what)) {}

Error to_error(ServiceError error) {
  return {errc_of(error), std::string(to_string(error))};
}

}  // namespace camvault::keystore
