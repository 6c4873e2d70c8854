// What standard output and standard error are connected to, and a progress line for long work.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "camvault/report/terminal.h"

namespace camvault::cli {

// Colours and width for standard output: colours only on a terminal, without NO_COLOR (no-color.org) and
// TERM=dumb.
report::TerminalStyle output_style();
bool errors_go_to_a_terminal();

// One line on standard error, redrawn at most ten times a second and only when that is a terminal; gone when
// it ends. Shows nothing for work that takes less than half a second.
class Progress {
 public:
  Progress(std::string what, std::uint64_t total_bytes);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void of(std::uint64_t total_bytes) { total_ = total_bytes; }
  void at(std::uint64_t bytes);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now, std::uint64_t bytes);

  std::string what_;
  std::uint64_t total_;
  bool shown_ = false;
  bool enabled_;
  Clock::time_point begun_ = Clock::now();
  Clock::time_point next_ = begun_ + std::chrono::milliseconds(500);
};

}  // namespace camvault::cli
