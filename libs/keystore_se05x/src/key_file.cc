#include "camvault/keystore_se05x/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "camvault/base/file.h"

namespace camvault::keystore_se05x {

namespace {
constexpr std::size_t kMaxFile = 4096;

struct Wipe {
  Bytes& bytes;
  ~Wipe() { wipe(bytes.data(), bytes.size()); }
};

Result<Bytes> read_private_file(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) {
    const int error = errno;
    return fail(error == ENOENT                     ? Errc::not_found
                : error == EACCES || error == ELOOP ? Errc::denied
                                                    : Errc::io,
                path.string() + ": " + errno_text(error));
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid() ||
      (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(Errc::denied, path.string() + " must be a file of this user that nobody else can read");
  Bytes out(kMaxFile + 1);
  std::size_t size = 0;
  while (size < out.size()) {
    const auto count = ::read(fd.get(), out.data() + size, out.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Errc::io, path.string() + ": " + errno_text(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMaxFile) return fail(Errc::limit, path.string() + " is too long for a file of keys");
  out.resize(size);
  return out;
}

Result<std::uint8_t> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return fail(Errc::malformed, "a key is not hexadecimal");
}

Result<Secret> key_from(std::string_view hex) {
  const auto size = hex.size() / 2;
  if (hex.size() % 2 != 0 || (size != 16 && size != 32))
    return fail(Errc::malformed, "keys have 16 or 32 bytes");
  Status good = ok();
  auto key = Secret::make(size, [&](std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < size; ++i) {
      const auto high = digit(hex[2 * i]);
      const auto low = digit(hex[2 * i + 1]);
      if (!high || !low) good = fail(Errc::malformed, "a key is not hexadecimal");
      out[i] = static_cast<std::uint8_t>(high.value_or(0) << 4 | low.value_or(0));
    }
  });
  CAM_TRY_STATUS(good);
  return key;
}

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}
}  // namespace

Result<Secret> read_login_file(const std::filesystem::path& path) {
  CAM_TRY(auto bytes, read_private_file(path));
  const Wipe guard{bytes};
  Secret out;
  for (auto text = as_text(bytes); !text.empty();) {
    const auto line = next_line(text);
    if (line.empty() || line.starts_with('#')) continue;
    if (!line.starts_with("AES ") || !out.empty())
      return fail(Errc::malformed, path.string() + ": one line, AES and a key");
    auto key = key_from(line.substr(4));
    if (!key) return fail_in(path.string(), key.error());
    out = std::move(*key);
  }
  if (out.empty()) return fail(Errc::malformed, path.string() + ": one line, AES and a key");
  return out;
}

Result<Scp03Keys> read_key_file(const std::filesystem::path& path) {
  CAM_TRY(auto bytes, read_private_file(path));
  const Wipe guard{bytes};
  Scp03Keys keys;
  for (auto text = as_text(bytes); !text.empty();) {
    const auto line = next_line(text);
    if (line.empty() || line.starts_with('#')) continue;
    auto* const target = line.starts_with("ENC ")   ? &keys.encryption
                         : line.starts_with("MAC ") ? &keys.authentication
                         : line.starts_with("DEK ") ? &keys.data
                                                    : nullptr;
    if (target == nullptr || !target->empty())
      return fail(Errc::malformed, path.string() + ": lines are ENC, MAC or DEK and a key, each once");
    auto key = key_from(line.substr(4));
    if (!key) return fail_in(path.string(), key.error());
    *target = std::move(*key);
  }
  if (keys.encryption.empty() || keys.encryption.size() != keys.authentication.size() ||
      keys.encryption.size() != keys.data.size())
    return fail(Errc::malformed, path.string() + ": needs ENC, MAC and DEK of one size");
  return keys;
}

}  // namespace camvault::keystore_se05x
