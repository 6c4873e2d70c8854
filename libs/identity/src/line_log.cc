#include "line_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace camvault::identity {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {
constexpr off_t kMaxLog = off_t{4} * 1024 * 1024 * 1024;  // some two million cameras
constexpr std::size_t kMaxLine = 4096;
constexpr std::size_t kPiece = 256 * 1024;  // read at a time

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
  const auto end = ::lseek(log.fd_.get(), 0, SEEK_END);
  const bool whole = end == log.size_;
  if (end < 0 || (!whole && (::ftruncate(log.fd_.get(), log.size_) != 0 || ::fsync(log.fd_.get()) != 0)))
    return fail_errno("cannot repair", path);
  return log;
}

Result<LineLog::End> LineLog::read(const fs::path& path, const crypto::Engine& engine,
                                   const OnLine& on_line) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid())
    return fail(errno == ENOENT ? Errc::not_found : Errc::io, path.string() + ": " + errno_text(errno));
  LineLog log(path, std::move(fd), engine);
  CAM_TRY_STATUS(log.read_all(on_line));
  return End{log.count_, log.previous_};
}

// Leaves `size_` at the end of the last whole line.
Status LineLog::read_all(const OnLine& on_line) {
  std::string pending;  // the beginning of a line, then pieces up to its end
  off_t at = 0;
  for (;;) {
    const auto had = pending.size();
    pending.resize(had + kPiece);
    const auto got = ::pread(fd_.get(), pending.data() + had, kPiece, at);
    if (got < 0 && errno == EINTR) {
      pending.resize(had);
      continue;
    }
    if (got < 0) return fail_errno("cannot read", path_);
    pending.resize(had + static_cast<std::size_t>(got));
    if (got == 0) return ok();
    at += got;
    if (at > kMaxLog) return fail(Errc::limit, path_.string() + " is longer than 4 GiB");
    std::size_t begin = 0;
    for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
      auto status = read_line(std::string_view(pending).substr(begin, end - begin), on_line);
      if (!status)
        return fail_in(path_.string() + " line " + std::to_string(count_ + 1), std::move(status).error());
      size_ += static_cast<off_t>(end + 1 - begin);
    }
    pending.erase(0, begin);
    if (pending.size() > kMaxLine)
      return fail(Errc::limit,
                  path_.string() + " line " + std::to_string(count_ + 1) + ": longer than 4096 bytes");
  }
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
  std::vector<json> lines;
  lines.push_back(std::move(line));
  return append_all(std::move(lines));
}

Status LineLog::append_all(std::vector<json> lines) {
  if (broken_) return fail(Errc::io, path_.string() + " could not be written before");
  std::string text;
  auto count = count_;
  auto previous = previous_;
  for (auto& line : lines) {
    line["n"] = count;
    line["prev"] = previous;
    const auto one = line.dump(-1, ' ', true, json::error_handler_t::replace);
    if (one.size() > kMaxLine) return fail(Errc::limit, "a log line longer than 4096 bytes");
    previous = to_hex(engine_->digest(crypto::HashAlg::sha256, as_bytes(one)).view());
    text += one;
    text += '\n';
    ++count;
  }
  CAM_TRY_STATUS(write_text(text));
  previous_ = previous;
  count_ = count;
  return ok();
}

// One write call: whoever reads meanwhile, or after a crash, sees whole lines and a piece without an end.
Status LineLog::write_text(const std::string& text) {
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
  return ok();
}

}  // namespace camvault::identity
