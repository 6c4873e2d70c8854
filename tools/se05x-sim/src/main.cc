// camvault-se05x-sim: the simulator as a program.
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "camvault/keystore_se05x/key_file.h"
#include "camvault/se05x_sim/server.h"

namespace {

using namespace camvault;

constexpr int kUsage = 64;
constexpr int kUnreadable = 65;
constexpr int kUnavailable = 69;

struct Arguments {
  std::string listen;
  std::string state;
  std::string applet = "7.2";
  std::string key_file;
  std::size_t chunk = 254;
  std::vector<std::string> faults;
  int ready_fd = -1;
};

int complain(int code, const std::string& what) {
  std::cerr << "camvault-se05x-sim: " << what << "\n";
  return code;
}

int run(const Arguments& arguments) {
  se05x_sim::SimulatorOptions options{.state = arguments.state,
                                      .applet_major = arguments.applet == "3.1" ? 3U : 7U,
                                      .chunk = arguments.chunk};
  if (!arguments.key_file.empty()) {
    auto keys = keystore_se05x::read_key_file(arguments.key_file);
    if (!keys) return complain(kUnreadable, keys.error().what);
    options.platform_keys = std::move(*keys);
  }
  std::vector<se05x_sim::Fault> faults;
  for (const auto& text : arguments.faults) {
    const auto fault = se05x_sim::fault_from_string(text);
    if (!fault) return complain(kUsage, text + ": " + fault.error().what);
    faults.push_back(*fault);
  }
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  ::sigaddset(&ends, SIGINT);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const UniqueFd stop(::signalfd(-1, &ends, SFD_CLOEXEC));
  auto simulator = se05x_sim::Simulator::create(std::move(options));
  if (!simulator) return complain(kUnreadable, simulator.error().what);
  for (const auto& fault : faults) (*simulator)->inject(fault);
  auto listener = se05x_sim::Listener::open(arguments.listen);
  if (!listener)
    return complain(listener.error().code == Errc::usage ? kUsage : kUnavailable, listener.error().what);
  const auto line = "SE05x simulator (software, protects nothing) at sim:" + listener->address() + "\n";
  std::cerr << line;
  if (arguments.ready_fd >= 0) {
    const UniqueFd ready(arguments.ready_fd);
    const auto address = "sim:" + listener->address() + "\n";
    if (::write(ready.get(), address.data(), address.size()) < 0)
      return complain(kUnavailable, "nobody waits");
  }
  const auto served = listener->serve(**simulator, stop.get());
  return served ? 0 : complain(kUnavailable, served.error().what);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("A simulator of an NXP SE05x secure element. Software: it protects nothing.");
  app.add_option("--listen", arguments.listen, "unix:PATH, tcp:PORT (127.0.0.1) or pty")->required();
  app.add_option("--state", arguments.state,
                 "file that keeps keys and objects; without it they end with the program");
  app.add_option("--applet", arguments.applet, "version of the applet")->check(CLI::IsMember({"7.2", "3.1"}));
  app.add_option("--scp03-keys", arguments.key_file,
                 "channel keys of a new state: a file of ENC, MAC and DEK lines");
  app.add_option("--chunk", arguments.chunk, "bytes of an answer in one frame")->check(CLI::Range(1, 254));
  app.add_option("--fault", arguments.faults, "KIND[:AMOUNT][@COMMANDS BEFORE IT], may be repeated");
  app.add_option("--ready-fd", arguments.ready_fd,
                 "descriptor that gets the address when the simulator listens");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return run(arguments);
}
