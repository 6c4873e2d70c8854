// Errors as values. A dropped Result does not compile.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace camvault {

// What the caller can do about it; `Error::what` is for the operator and holds neither secrets nor raw input.
enum class Errc {
  malformed,    // the input breaks its format: reading it again will not help
  unsupported,  // well formed, but a version, codec or algorithm we do not implement
  limit,        // a named limit was passed (size, count, depth, time)
  not_found,    // no such file, key or entry
  exists,       // it is there already and may not be replaced
  denied,       // policy or permissions refuse it
  unavailable,  // a service or device is not there now: try again later
  invalid,      // a signature, certificate or authentication tag does not verify
  usage,        // the caller passed something that makes no sense
  io,           // the operating system failed us (disk full, broken pipe)
  internal,     // our bug
};

std::string_view to_string(Errc code);

struct Error {
  Errc code = Errc::internal;
  std::string what;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

inline tl::unexpected<Error> fail(Errc code, std::string what) {
  return tl::unexpected<Error>(Error{code, std::move(what)});
}

// Passes an error on with the place where it happened in front: "recording.mp4: box longer than the file".
inline tl::unexpected<Error> fail_in(std::string_view where, const Error& error) {
  return tl::unexpected<Error>(Error{error.code, std::string(where) + ": " + error.what});
}

inline Status ok() {
  return {};
}

}  // namespace camvault

#define CAM_CONCAT_(a, b) a##b
#define CAM_CONCAT(a, b) CAM_CONCAT_(a, b)

// CAM_TRY(const auto n, in.u16());   declares n, or returns the error to our caller.
#define CAM_TRY(declaration, expression) CAM_TRY_(CAM_CONCAT(cam_try_, __COUNTER__), declaration, expression)
#define CAM_TRY_(temporary, declaration, expression)                     \
  auto temporary = (expression);                                         \
  if (!temporary) return ::tl::unexpected(std::move(temporary).error()); \
  declaration = std::move(*temporary)

// CAM_TRY_STATUS(in.finish());   returns the error to our caller. Can stand inside a lambda that another one
// runs.
#define CAM_TRY_STATUS(expression) CAM_TRY_STATUS_(CAM_CONCAT(cam_status_, __COUNTER__), expression)
#define CAM_TRY_STATUS_(temporary, expression)                             \
  do {                                                                     \
    auto temporary = (expression);                                         \
    if (!temporary) return ::tl::unexpected(std::move(temporary).error()); \
  } while (false)
