// One line to standard error per event; with systemd's priority prefix when the journal listens.
// Libraries return errors and do not log: this is for daemons and tools. No secret is ever an argument.
#pragma once

#include <string_view>

namespace camvault {

enum class LogLevel { error, warning, info, debug };

void set_log_level(LogLevel most_detailed);
void log(LogLevel level, std::string_view message);

}  // namespace camvault
