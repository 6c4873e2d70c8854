#include "camvault/keystore_software/root_key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "camvault/base/byte_reader.h"
#include "camvault/base/file.h"
#include "openssl.h"

namespace camvault::keystore_software {

namespace {
// docs/formats/keystore-files.md: the file is this text and 32 random bytes.
constexpr std::string_view kMagic = "camvault root key 1\n";
constexpr std::size_t kRootKey = 32;
constexpr std::size_t kSalt = 32;
constexpr std::string_view kInfo = "camvault keystore file key 1";

class RootKey final : public keystore_engine::Sealer {
 public:
  RootKey(Secret key, std::string where) : key_(std::move(key)), where_(std::move(where)) {}

  // A key of its own for every file: no two seals ever share key and nonce, however many files there are.
  Result<Bytes> seal(const Secret& plain, BytesView additional) override {
    Bytes out(kSalt + openssl::kGcmNonce);
    CAM_TRY_STATUS(openssl::random(out));
    CAM_TRY(const auto key, file_key(BytesView(out).first(kSalt)));
    CAM_TRY(const auto sealed, key.reveal([&](BytesView k) {
      return plain.reveal(
          [&](BytesView p) { return openssl::gcm_seal(k, BytesView(out).subspan(kSalt), additional, p); });
    }));
    append(out, sealed);
    return out;
  }

  Result<Secret> open(BytesView sealed, BytesView additional) override {
    ByteReader in(sealed);
    CAM_TRY(const auto salt, in.take(kSalt));
    CAM_TRY(const auto nonce, in.take(openssl::kGcmNonce));
    CAM_TRY(const auto key, file_key(salt));
    return key.reveal([&](BytesView k) { return openssl::gcm_open(k, nonce, additional, in.rest()); });
  }

  std::string describe() const override { return where_; }

 private:
  Result<Secret> file_key(BytesView salt) const {
    return key_.reveal(
        [&](BytesView k) { return openssl::hkdf_sha256(k, salt, as_bytes(kInfo), openssl::kGcmKey); });
  }

  Secret key_;
  std::string where_;
};

Result<Secret> new_root_key() {
  Status random = ok();
  auto key =
      Secret::make(kRootKey, [&](std::span<std::uint8_t> out) { random = openssl::random_private(out); });
  CAM_TRY_STATUS(random);
  return key;
}

tl::unexpected<Error> fail_errno(std::string_view action, int error) {
  const auto code = error == ENOENT                     ? Errc::not_found
                    : error == EACCES || error == EPERM ? Errc::denied
                                                        : Errc::io;
  return fail(code, std::string(action) + " the root key file: " + errno_text(error));
}

Result<Secret> read_root_key(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) return fail_errno("cannot open", errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("cannot look at", errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::denied, "the root key is not a regular file");
  if (info.st_uid != ::geteuid()) return fail(Errc::denied, "the root key file belongs to another user");
  if ((info.st_mode & 077u) != 0)
    return fail(Errc::denied, "the root key file is readable by others: its mode must be 0600");
  Bytes content(kMagic.size() + kRootKey + 1);
  const auto n = ::read(fd.get(), content.data(), content.size());
  if (n < 0) return fail_errno("cannot read", errno);
  content.resize(static_cast<std::size_t>(n));
  auto secret = Secret::absorb(std::move(content));
  return secret.reveal([](BytesView bytes) -> Result<Secret> {
    if (bytes.size() != kMagic.size() + kRootKey || as_text(bytes.first(kMagic.size())) != kMagic) {
      return fail(Errc::malformed, "the root key file is damaged, or of a version we do not know");
    }
    return Secret(bytes.subspan(kMagic.size()));
  });
}

Status write_root_key(const std::filesystem::path& path, const Secret& key) {
  return key.reveal([&](BytesView k) {
    Bytes content = to_bytes(as_bytes(kMagic));
    content.reserve(kMagic.size() + kRootKey);  // no second copy left behind by growing
    append(content, k);
    auto status = write_file_atomically(path, content, 0600);
    wipe(content.data(), content.size());
    return status;
  });
}
}  // namespace

Result<std::shared_ptr<keystore_engine::Sealer>> open_root_key(const std::filesystem::path& path,
                                                               bool may_create) {
  auto key = read_root_key(path);
  if (!key && key.error().code == Errc::not_found && may_create) {
    CAM_TRY(const auto fresh, new_root_key());
    CAM_TRY_STATUS(write_root_key(path, fresh));
    key = read_root_key(path);
  }
  if (!key) return tl::unexpected(std::move(key).error());
  return std::make_shared<RootKey>(
      std::move(*key),
      "The root key is the file " + path.string() +
          ", readable by the keystore's user and by root. It protects a copy of the key files without that "
          "file. It does "
          "not protect against whoever has both, such as the thief of the whole disk or a backup that "
          "includes it, nor "
          "against root, nor against putting back an older copy of a key file. No hardware seals it.");
}

std::shared_ptr<keystore_engine::Sealer> make_volatile_root_key() {
  auto key = new_root_key();
  return key ? std::make_shared<RootKey>(std::move(*key), "The root key is in memory only.") : nullptr;
}

}  // namespace camvault::keystore_software
