// camvault: the command line. Each subcommand lives in a file of its own; this is the table of contents.
#include <unistd.h>
#include <csignal>
#include <cstdio>

#include <iostream>

#include "commands.h"
#include "enrol.h"
#include "exit_code.h"
#include "network_command.h"

namespace {
using namespace camvault::cli;

// A file that somebody else cuts while we read it through a map ends in SIGBUS. That is no crash, it is
// unreadable input.
void on_bus_error(int) {
  static constexpr char kLine[] =
      "camvault: the file became shorter while it was read; try again when nobody writes to it\n";
  const auto written = write(STDERR_FILENO, kLine, sizeof kLine - 1);
  _exit(written < 0 ? kUnreadableInput : kUnreadableInput);
}

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_bus_error;
  sigaction(SIGBUS, &action, nullptr);
  // A reader of our output that goes away is an error of that write, not the end of us in the middle of a
  // file.
  std::signal(SIGPIPE, SIG_IGN);
}
}  // namespace

int main(int argc, char** argv) {
  install_signal_handlers();
  int exit_code = kYes;

  CLI::App app{
      "Signs camera video with a key from the keystore, and tells whether a clip is what the camera signed.",
      "camvault"};
  app.set_version_flag("--version", std::string("camvault ") + kVersion, "print the version and exit");
  app.set_help_flag("-h,--help", "print help and exit");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 yes (authentic, done), 1 no, 2 partly (authentic, but frames are missing), 64 wrong "
      "usage,\n"
      "65 unreadable input, 69 a service is not there, 70 a bug in camvault, 74 output cannot be written, 77 "
      "not permitted.\n\n"
      "Examples:\n"
      "  camvault verify clip.mp4 --trust ca.pem\n"
      "  camvault demo\n"
      "  camvault verify --help");
  add_verify(app, exit_code);
  add_sign(app, exit_code);
  add_camera(app, exit_code);
  add_factory(app, exit_code);
  add_enrol(app, exit_code);
  add_claim(app, exit_code);
  add_keystore(app, exit_code);
  add_attest(app, exit_code);
  add_network(app, exit_code);
  add_status(app, exit_code);
  add_cloud(app, exit_code);
  add_peer(app, exit_code);
  add_trust(app, exit_code);
  add_export(app, exit_code);
  add_report(app, exit_code);
  add_demo(app, exit_code);
  add_help(app, exit_code);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    return complain(kUsage, std::string(error.what()) + " (camvault --help, camvault SUBCOMMAND --help)");
  } catch (const std::exception& error) {
    return complain(kOurBug, std::string(error.what()) + " (this is a bug in camvault, please report it)");
  }
  return exit_code;
}
