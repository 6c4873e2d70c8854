#include "camvault/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace camvault {

namespace {
std::atomic<LogLevel> most_detailed_level{LogLevel::info};  // process-wide by nature: there is one stderr

struct Prefix {
  const char* journal;
  const char* plain;
};

Prefix prefix_of(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return {"<3>", "error: "};
    case LogLevel::warning:
      return {"<4>", "warning: "};
    case LogLevel::info:
      return {"<6>", ""};
    case LogLevel::debug:
      return {"<7>", "debug: "};
  }
  return {"<6>", ""};
}
}  // namespace

void set_log_level(LogLevel most_detailed) {
  most_detailed_level = most_detailed;
}

void log(LogLevel level, std::string_view message) {
  if (level > most_detailed_level.load()) return;
  // systemd sets JOURNAL_STREAM for services whose stderr it reads; sd-daemon(3) names the prefixes.
  static const bool to_journal = std::getenv("JOURNAL_STREAM") != nullptr;
  const auto prefix = prefix_of(level);
  std::string line = to_journal ? prefix.journal : prefix.plain;
  for (const char c : message) line += (c == '\n' || c == '\r') ? ' ' : c;  // one event, one line
  line += '\n';
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace camvault
