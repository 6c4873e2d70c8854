// A PostgreSQL cluster of a test's own: private folder, no network, ended with the test.
#pragma once

#include <sys/stat.h>

#include "camvault/test_support/background_program.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::fleetd::test {

class PrivatePostgres {
 public:
  // Where the server's programs are; empty: not installed.
  static std::filesystem::path programs() {
    std::filesystem::path found;
    std::error_code none;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
      const auto bin = version.path() / "bin";
      if (std::filesystem::exists(bin / "initdb") && bin > found) found = bin;
    }
    return found;
  }

  PrivatePostgres() {
    constexpr uid_t kNobody = 65534;  // initdb and postgres refuse to run as root
    if (::geteuid() == 0) {
      prefix_ = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
      if (::chown(folder_.path().c_str(), kNobody, kNobody) != 0) throw std::runtime_error("chown");
    }
    ::chmod(folder_.path().c_str(), 0755);
    const auto made =
        test_support::run_program(as_user({(programs() / "initdb").string(), "-D", data(), "-U", "fleet",
                                           "-N", "-A", "trust", "-E", "UTF8", "--locale=C"}));
    if (made.exit_code != 0) throw std::runtime_error(made.output);
    start();
  }

  std::string connection(const std::string& database) const {
    return "host=" + folder_.path().string() + " user=fleet dbname=" + database;
  }

  void start() {
    server_ = test_support::BackgroundProgram(as_user({(programs() / "postgres").string(), "-D", data(), "-k",
                                                       folder_.path().string(), "-c", "listen_addresses="}),
                                              "/dev/null");
    for (int i = 0; i < 600; ++i) {
      if (test_support::run_program(
              {(programs() / "pg_isready").string(), "-q", "-h", folder_.path().string()})
              .exit_code == 0)
        return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    throw std::runtime_error("PostgreSQL does not start");
  }
  void kill() { server_.stop(SIGQUIT); }  // at once; the next start recovers

 private:
  std::string data() const { return (folder_ / "data").string(); }
  std::vector<std::string> as_user(std::vector<std::string> command) const {
    command.insert(command.begin(), prefix_.begin(), prefix_.end());
    return command;
  }

  test_support::TemporaryFolder folder_;
  std::vector<std::string> prefix_;
  test_support::BackgroundProgram server_;
};

}  // namespace camvault::fleetd::test
