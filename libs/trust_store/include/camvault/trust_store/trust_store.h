// A folder of trust anchors, one file each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "camvault/trust_store/anchor.h"

namespace camvault::trust_store {

inline constexpr std::size_t kMaxAnchors = 4096;  // of a kind; real stores have a few dozen

// Something in the folder that is no anchor and should not be there. It is never trusted, and never silent.
struct Damaged {
  std::filesystem::path file;
  std::string why;
};

struct Content {
  std::vector<Anchor> anchors;  // by kind, then by fingerprint
  std::vector<Damaged> damaged;

  std::vector<crypto::Certificate> of(Kind kind) const;
};

// The folder's sub-folders are `makers`, `owners` and `tsas`; a file is named by the SHA-256 fingerprint of
// its certificate. Files are replaced, never rewritten, so that a process killed at any moment, or a machine
// without power, leaves each anchor there or not; what such a process left half-written has a name that
// begins with a dot and is swept by the next change. Several processes may work on one folder.
// Thread-confined; `engine` must outlive it.
class TrustStore {
 public:
  // Nothing is created or read.
  TrustStore(std::filesystem::path folder, const crypto::Engine& engine)
      : folder_(std::move(folder)), engine_(engine) {}

  const std::filesystem::path& folder() const { return folder_; }
  bool exists() const;  // the folder is there

  // All anchors. Errc::not_found without a folder; Errc::limit past kMaxAnchors; Errc::io.
  Result<Content> load() const;

  // Adds an anchor; the folder is made if it is not there. An anchor that is there already gets the new
  // label, and keeps its moment. `certificate_pem` is the PEM text of `anchor.certificate` alone. Errc::usage
  // for a bad label.
  Status add(const Anchor& anchor, std::string_view certificate_pem);

  // Removes the anchor whose fingerprint begins with `fingerprint` (hex, at least 8 digits), of that kind or,
  // without one, of all. Errc::not_found; Errc::usage when several certificates begin like this.
  Result<std::vector<Anchor>> remove(std::string_view fingerprint, std::optional<Kind> kind);

 private:
  std::filesystem::path folder_of(Kind kind) const;
  Status load_kind(Kind kind, Content& content) const;

  std::filesystem::path folder_;
  const crypto::Engine& engine_;
};

}  // namespace camvault::trust_store
