#include "camvault/service/process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>

#include "camvault/base/log.h"

namespace camvault::service {

namespace {
constexpr int kUsage = 64;
constexpr int kBadInput = 65;
constexpr int kServiceMissing = 69;

volatile std::sig_atomic_t stop_wanted = 0;
void on_signal(int number) {
  static_cast<void>(number);
  stop_wanted = 1;
}

struct Parsed {
  ProcessOptions options;
  bool help = false;
};

Result<Parsed> parse(int argc, const char* const argv[], FurtherOptions further) {
  Parsed out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name(argv[i]);
    if (name == "--help" || name == "-h") {
      out.help = true;
    } else if (name == "--root" && i + 1 < argc) {
      out.options.root = argv[++i];
    } else if (!further.flag.empty() && name == further.flag) {
      out.options.flag = true;
    } else if (!further.valued.empty() && name == further.valued && i + 1 < argc) {
      out.options.value = argv[++i];
    } else if (name == "--ready-fd" && i + 1 < argc) {
      const std::string_view text(argv[++i]);
      auto& fd = out.options.ready_fd;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
      if (error != std::errc() || end != text.data() + text.size() || fd < 0)
        return fail(Errc::usage, "--ready-fd wants a number");
    } else {
      return fail(Errc::usage, "unknown option " + std::string(name));
    }
  }
  return out;
}

void harden() {
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::umask(0077);
}
}  // namespace

int run_process(int argc, const char* const argv[], const char* name, const char* help,
                FurtherOptions further, const std::function<Status(const ProcessOptions&)>& run) {
  const auto parsed = parse(argc, argv, further);
  if (!parsed || parsed->help) {
    std::fputs(parsed ? help : (std::string(name) + ": " + parsed.error().what + "\n" + help).c_str(),
               parsed ? stdout : stderr);
    return parsed ? 0 : kUsage;
  }
  harden();
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // libpq writes without MSG_NOSIGNAL where it is old
  const auto done = run(parsed->options);
  if (done) return 0;
  log(LogLevel::error, std::string(name) + ": " + done.error().what);
  return done.error().code == Errc::usage         ? kUsage
         : done.error().code == Errc::unavailable ? kServiceMissing
                                                  : kBadInput;
}

const volatile std::sig_atomic_t* stop_flag() {
  return &stop_wanted;
}

void announce(const ProcessOptions& options, std::uint16_t port) {
  if (options.ready_fd < 0) return;
  const auto line = std::to_string(port) + "\n";
  [[maybe_unused]] const auto n = ::write(options.ready_fd, line.data(), line.size());
  ::close(options.ready_fd);
}

Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Errc::io, "cannot create " + folder.string() + ": " + error.message());
  return ok();
}

}  // namespace camvault::service
