#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "camvault/base/pem.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/identity/batch.h"

namespace camvault::identity {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMaxLine = 1024;
constexpr std::size_t kMaxBlock = 32 * 1024;  // of text; evidence has some 2 KB, a request of RSA-4096 1.7 KB
constexpr std::size_t kMaxBlocks = 16;        // of one camera
constexpr std::string_view kRequest = "CERTIFICATE REQUEST";
constexpr std::string_view kOldRequest = "NEW CERTIFICATE REQUEST";  // RFC 7468 7
constexpr std::string_view kEvidence = "CAMVAULT ATTESTATION";

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  return line;
}

// "-----BEGIN X-----" gives X.
std::string_view label_of(std::string_view line, std::string_view which) {
  constexpr std::string_view kDashes = "-----";
  const auto around = kDashes.size() + which.size() + 1 + kDashes.size();
  if (line.size() <= around || !line.starts_with(kDashes) || !line.ends_with(kDashes)) return {};
  line.remove_prefix(kDashes.size());
  line.remove_suffix(kDashes.size());
  if (!line.starts_with(which) || line[which.size()] != ' ') return {};
  return line.substr(which.size() + 1);
}
}  // namespace

bool RequestStream::Block::is_request() const {
  return label == kRequest || label == kOldRequest;
}

RequestStream::RequestStream(std::vector<fs::path> files) : files_(std::move(files)) {}

Result<RequestStream> RequestStream::of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return RequestStream({path});
  std::vector<fs::path> files;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    const auto extension = at->path().extension();
    if (extension == ".pem" || extension == ".csr" || extension == ".req") files.push_back(at->path());
  }
  if (error) return fail(Errc::io, path.string() + ": " + error.message());
  std::sort(files.begin(), files.end());
  return RequestStream(std::move(files));
}

Result<std::optional<std::string>> RequestStream::line() {
  for (;;) {
    const auto end = buffer_.find('\n', at_);
    if (end != std::string::npos) {
      std::string out(trimmed(std::string_view(buffer_).substr(at_, end - at_)));
      at_ = end + 1;
      if (out.size() > kMaxLine) return fail(Errc::limit, "a line longer than 1024 bytes");
      return out;
    }
    buffer_.erase(0, at_);
    at_ = 0;
    if (buffer_.size() > kMaxLine) return fail(Errc::limit, "a line longer than 1024 bytes");
    if (!fd_.valid()) {
      if (next_file_ == files_.size()) return std::optional<std::string>();
      const auto& file = files_[next_file_++];
      fd_ = UniqueFd(file == "-" ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
      if (!fd_.valid())
        return fail(errno == ENOENT ? Errc::not_found : Errc::io, file.string() + ": " + errno_text(errno));
    }
    const auto had = buffer_.size();
    buffer_.resize(had + kPiece);
    const auto got = ::read(fd_.get(), buffer_.data() + had, kPiece);
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Errc::io, std::string("cannot read requests: ") + errno_text(errno));
    bytes_ += static_cast<std::uint64_t>(got);
    if (got == 0) {
      fd_.reset();
      if (!buffer_.empty() && buffer_.back() != '\n') buffer_ += '\n';  // files join at line ends
    }
  }
}

// What stands between blocks is passed over, as everywhere in PEM.
Result<std::optional<RequestStream::Block>> RequestStream::block() {
  std::string text;
  std::string label;
  for (;;) {
    CAM_TRY(const auto next, line());
    if (!next) {
      if (!label.empty()) return fail(Errc::malformed, "the requests end in the middle of one");
      return std::optional<Block>();
    }
    if (label.empty()) {
      label = label_of(*next, "BEGIN");
      if (label.empty()) continue;
    }
    text += *next + "\n";
    if (text.size() > kMaxBlock) return fail(Errc::limit, "a block longer than 32 KiB");
    if (label_of(*next, "END") != label) continue;
    auto content = read_pem(text, label, 1);
    Block out{label, {}, {}, {}};
    if (!content || content->empty()) return out;  // no base64: refused as a request
    out.content = std::move(content->front());
    if (out.is_request()) {
      if (auto read = crypto_openssl::read_certificate_request(out.content)) {
        out.serial = std::move(read->device_serial);
        out.use = std::move(read->organizational_unit);
      }
    }
    return out;
  }
}

Status RequestStream::add(ProvisionRequest& request, Block block) const {
  if (block.label == kEvidence) {
    if (!request.attestation.empty()) return fail(Errc::malformed, "evidence twice for one camera");
    request.attestation = std::move(block.content);
    return ok();
  }
  const auto& use = block.use;
  auto* const place = use == "idevid"          ? &request.identity_request
                      : use == "media-signing" ? &request.media_signing_request
                                               : nullptr;
  if (place != nullptr) {
    if (!place->empty()) return fail(Errc::malformed, "two requests for " + use);
    *place = std::move(block.content);
    return ok();
  }
  for (const auto& kind : kFurtherIdentities) {
    if (kind.use != use) continue;
    request.further.emplace_back(use, std::move(block.content));
    return ok();
  }
  return fail(Errc::malformed,
              "a request that does not say what its key is for (OU=idevid, OU=media-signing, ...)");
}

Result<std::optional<ProvisionRequest>> RequestStream::next() {
  if (over_) return std::optional<ProvisionRequest>();
  std::optional<ProvisionRequest> out;
  Status bad = ok();
  for (std::size_t count = 0;; ++count) {
    auto found = pending_ ? Result<std::optional<Block>>(std::exchange(pending_, std::nullopt)) : block();
    if (!found) {
      over_ = true;
      return tl::unexpected(found.error());
    }
    if (!*found) {
      over_ = true;
      break;
    }
    auto& next_block = **found;
    if (!next_block.is_request() && next_block.label != kEvidence)
      continue;  // a certificate among them does no harm
    if (next_block.is_request()) {
      const auto serial = next_block.serial;
      if (out && serial != out->serial) {
        pending_ = std::move(next_block);
        break;
      }
      if (!out) {
        out.emplace();
        out->serial = serial;
      }
      if (serial.empty()) {
        bad = fail(Errc::malformed, "a request that cannot be read, or without a serial number");
        break;
      }
    }
    if (!out) return fail(Errc::malformed, "evidence without a request before it");
    if (count >= kMaxBlocks) bad = fail(Errc::limit, "more than 16 blocks for one camera");
    auto status = add(*out, std::move(next_block));
    if (!status && bad) bad = std::move(status);
  }
  if (!bad)
    return fail(bad.error().code,
                (out && !out->serial.empty() ? out->serial + ": " : std::string()) + bad.error().what);
  return out;
}

}  // namespace camvault::identity
