#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace camvault::cli {

report::TerminalStyle output_style() {
  report::TerminalStyle style;
  if (isatty(STDOUT_FILENO) == 0) return style;
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  style.colour =
      (no_colour == nullptr || *no_colour == '\0') && (term == nullptr || std::string_view(term) != "dumb");
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  return style;
}

bool errors_go_to_a_terminal() {
  return isatty(STDERR_FILENO) != 0;
}

Progress::Progress(std::string what, std::uint64_t total_bytes)
    : what_(std::move(what)), total_(total_bytes), enabled_(errors_go_to_a_terminal()) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void Progress::at(std::uint64_t bytes) {
  if (!enabled_) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  draw(now, bytes);
}

void Progress::draw(Clock::time_point now, std::uint64_t bytes) {
  shown_ = true;
  const auto seconds = std::chrono::duration<double>(now - begun_).count();
  const auto share =
      total_ == 0 ? 0.0 : std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total_));
  const auto left = share > 0 ? seconds / share - seconds : 0.0;
  static constexpr int kCells = 30;
  const int full = static_cast<int>(share * kCells);
  std::string bar;
  for (int i = 0; i < kCells; ++i) bar += i < full ? "█" : "░";
  std::fprintf(stderr, "\r\x1b[K%s %s %3.0f %%  %.1f of %.1f MB, %.0f s left", what_.c_str(), bar.c_str(),
               share * 100, static_cast<double>(bytes) / 1e6, static_cast<double>(total_) / 1e6, left);
  std::fflush(stderr);
}

}  // namespace camvault::cli
