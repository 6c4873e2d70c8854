// Which certificates belong to which key: public files on the camera, so that programs that ask a token for a
// certificate get one. What is in them is shown, not judged.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "camvault/base/bytes.h"

namespace camvault::pkcs11_module {

inline constexpr std::size_t kMaxMapFile = 64 * 1024;
inline constexpr std::size_t kMaxMapLines = 256;
inline constexpr std::size_t kMaxChainFile = 256 * 1024;
inline constexpr std::size_t kMaxChain = 8;  // certificates of one key

// Key name ("camera/https") to file.
using CertificateFiles = std::map<std::string, std::filesystem::path, std::less<>>;

// ROOT/etc/camvault/certificates, a line for each key: its name, blanks, an absolute path; '#' begins
// a comment. Besides that the identities that `camvault factory provision` installs
// (camera/idevid, camera/media-signing), unless a line names another file. Lines that make no sense are
// passed over.
CertificateFiles certificate_files(const std::filesystem::path& root);

// The chain in the file, leaf first, DER; nothing if it cannot be read.
std::vector<Bytes> read_chain(const std::filesystem::path& file);

}  // namespace camvault::pkcs11_module
