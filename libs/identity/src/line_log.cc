#include "line_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace camvault::identity {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {
constexpr std::size_t kMaxLog = 512 * 1024 * 1024;  // some 600,000 cameras
constexpr std::size_t kMaxLine = 4096;

tl::unexpected<Error> fail_errno(std::string_view action, const fs::path& path) {
  return fail(Errc::io, std::string(action) + " " + path.string() + ": " + errno_text(errno));
}

Status sync_folder(const fs::path& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) return fail_errno("cannot sync", folder);
  return ok();
}
}  // namespace

Result<LineLog> LineLog::open(const fs::path& path, const crypto::Engine& engine, const OnLine& on_line) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return fail_errno("cannot open", path);
  CAM_TRY_STATUS(sync_folder(path.parent_path()));
  LineLog log(path, std::move(fd), engine);
  CAM_TRY_STATUS(log.read_all(on_line));
  return log;
}

Status LineLog::read_all(const OnLine& on_line) {
  CAM_TRY(const auto content, read_file(path_, kMaxLog));
  auto rest = as_text(content);
  for (;;) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) break;
    auto status = read_line(rest.substr(0, end), on_line);
    if (!status) {
      return fail_in(path_.string() + " line " + std::to_string(count_ + 1), std::move(status).error());
    }
    rest.remove_prefix(end + 1);
    size_ += static_cast<off_t>(end + 1);
  }
  if (rest.empty()) return ok();
  if (::ftruncate(fd_.get(), size_) != 0 || ::fsync(fd_.get()) != 0)
    return fail_errno("cannot repair", path_);
  return ok();
}

Status LineLog::read_line(std::string_view text, const OnLine& on_line) {
  if (text.size() > kMaxLine) return fail(Errc::limit, "longer than 4096 bytes");
  const auto line = json::parse(text, nullptr, false);
  if (!line.is_object()) return fail(Errc::malformed, "not a JSON object");
  const auto number = line.find("n");
  const auto previous = line.find("prev");
  if (number == line.end() || *number != count_ || previous == line.end() || *previous != previous_) {
    return fail(Errc::malformed, "does not follow from the line before: the log was changed");
  }
  CAM_TRY_STATUS(on_line(line));
  previous_ = to_hex(engine_->digest(crypto::HashAlg::sha256, as_bytes(text)).view());
  ++count_;
  return ok();
}

Status LineLog::append(json line) {
  if (broken_) return fail(Errc::io, path_.string() + " could not be written before");
  line["n"] = count_;
  line["prev"] = previous_;
  auto text = line.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kMaxLine) return fail(Errc::limit, "a log line longer than 4096 bytes");
  const auto hash = to_hex(engine_->digest(crypto::HashAlg::sha256, as_bytes(text)).view());
  text += '\n';
  // One write call: whoever reads meanwhile, or after a crash, sees the line or a piece without an end.
  ssize_t written = -1;
  do {
    written = ::write(fd_.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(text.size())) {
    auto error = fail(
        Errc::io, "cannot write " + path_.string() + ": " + (written < 0 ? errno_text(errno) : "disk full"));
    broken_ = ::ftruncate(fd_.get(), size_) != 0;
    return error;
  }
  if (::fsync(fd_.get()) != 0) {
    // What the disk holds is not known any more (the kernel drops pages that it could not write).
    broken_ = true;
    return fail_errno("cannot sync", path_);
  }
  size_ += static_cast<off_t>(text.size());
  previous_ = hash;
  ++count_;
  return ok();
}

}  // namespace camvault::identity
