// Lines that are only ever added, each on the disk before append() returns, each naming the one before by its
// hash: a line that was changed, taken out or moved is noticed at the next opening. Somebody who can rewrite
// the whole file and knows how can still do so, but for the checkpoints in it (log_checkpoint.h).
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "camvault/base/file.h"
#include "camvault/crypto/engine.h"

namespace camvault::identity {

class LineLog {
 public:
  using OnLine = std::function<Status(const nlohmann::json& line)>;

  // Opens or creates. `on_line` sees every line in order. A last line without an end was cut off while it was
  // being written and was never acknowledged: it is removed. Anything else that is wrong is Errc::malformed.
  static Result<LineLog> open(const std::filesystem::path& path, const crypto::Engine& engine,
                              const OnLine& on_line);
  // The same for who only looks: nothing is created, removed or locked.
  struct End {
    std::uint64_t lines = 0;
    std::string head;  // hash of the last line
  };
  static Result<End> read(const std::filesystem::path& path, const crypto::Engine& engine,
                          const OnLine& on_line);

  // Adds "n" (its number) and "prev". After an error that leaves the file in doubt every further call fails.
  Status append(nlohmann::json line);
  // Together on the disk: one write, one wait for the disk.
  Status append_all(std::vector<nlohmann::json> lines);

  std::uint64_t count() const { return count_; }
  const std::string& head() const { return previous_; }  // hash of the last line, hex

 private:
  LineLog(std::filesystem::path path, UniqueFd fd, const crypto::Engine& engine)
      : path_(std::move(path)), fd_(std::move(fd)), engine_(&engine) {}
  Status read_all(const OnLine& on_line);
  Status read_line(std::string_view text, const OnLine& on_line);
  Status write_text(const std::string& text);

  std::filesystem::path path_;
  UniqueFd fd_;
  const crypto::Engine* engine_;
  std::uint64_t count_ = 0;
  off_t size_ = 0;
  std::string previous_ = std::string(64, '0');
  bool broken_ = false;
};

}  // namespace camvault::identity
