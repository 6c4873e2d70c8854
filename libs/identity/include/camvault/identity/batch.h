// A line that works by itself: requests from files or a stream, certificates for what an order lists.
// Whatever moment it is stopped at, the same call goes on where it was: no camera twice, none left out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "camvault/base/file.h"
#include "camvault/identity/factory.h"

namespace camvault::identity {

// PEM texts, one after the other: certificate requests (PKCS#10) whose subject has the camera's serial number
// and, as organizational unit, what the key is for ("idevid", "media-signing", one of kFurtherIdentities).
// Requests of one camera stand together. A block CAMVAULT ATTESTATION behind them is the keystore's evidence
// about the media signing key, made for offline_challenge. Memory does not grow with the stream.
class RequestStream {
 public:
  // Files in the order given; "-" is standard input. Errc::io, Errc::not_found when a file's turn comes.
  explicit RequestStream(std::vector<std::filesystem::path> files);
  // All *.pem, *.csr and *.req of a folder by name, or the file itself.
  static Result<RequestStream> of(const std::filesystem::path& path);

  // The next camera's; nothing at the end. Errc::malformed and Errc::limit: what cannot be read was passed
  // over, and the stream goes on behind it, except where the text itself is no PEM (then it is over).
  Result<std::optional<ProvisionRequest>> next();
  std::uint64_t bytes_read() const { return bytes_; }

 private:
  struct Block {
    std::string label;
    Bytes content;
    std::string serial;  // of a request: which camera it is of, empty if it cannot be read,
    std::string use;     // and what its key is for
    bool is_request() const;
  };
  Result<std::optional<std::string>> line();
  Result<std::optional<Block>> block();
  Status add(ProvisionRequest& request, Block block) const;

  std::vector<std::filesystem::path> files_;
  std::size_t next_file_ = 0;
  UniqueFd fd_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<Block> pending_;  // the first of the next camera
  bool over_ = false;
};

struct BatchProgress {
  std::uint64_t issued = 0;
  std::uint64_t before = 0;  // by this batch, until it was stopped
  std::uint64_t refused = 0;
  std::uint64_t ordered = 0;
  std::uint64_t done() const { return issued + before + refused; }
};
struct BatchRefusal {
  std::string serial;  // empty if not known
  std::string name;    // "unlisted-serial", "repeated-serial", "replayed-request", ...
  std::string what;
};

struct BatchOptions {
  std::string order;
  std::size_t group = 256;  // cameras that share a wait for the disk
  std::function<void(const BatchProgress&)> on_progress = {};
  std::function<void(const BatchRefusal&)> on_refusal = {};
  std::function<bool()> stop = {};  // asked between groups; the batch then goes on another time
};
struct BatchResult {
  std::uint32_t batch = 0;
  bool finished = false;  // the stream ended; or it was stopped
  BatchProgress progress;
  std::map<std::string, std::uint64_t> refusals;  // by name
};
// Errc::io and what keeps all cameras from certificates; the rest is in the result.
Result<BatchResult> run_batch(Factory& factory, crypto::SigningKey& device_ca_key,
                              const crypto::Engine& engine, RequestStream& requests,
                              const BatchOptions& options);

}  // namespace camvault::identity
