// `openssl ocsp` as a responder on a free port of loopback. In the folder: ca.pem, and leaf.pem, which names
// the responder and is revoked.
#pragma once

#include "camvault/test_support/tsa.h"

namespace camvault::authority_client::test {

class Responder {
 public:
  explicit Responder(const test_support::TemporaryFolder& folder) {
    const auto at = [&](const char* name) { return (folder / name).string(); };
    run({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
         at("ca.key"), "-subj", "/CN=Test CA", "-days", "30", "-out", at("ca.pem")});
    folder.write("index", "R\t361231235959Z\t261101000000Z,keyCompromise\t1234\tunknown\t/CN=Camera\n");
    start({"openssl", "ocsp", "-index", at("index"), "-CA", at("ca.pem"), "-rsigner", at("ca.pem"), "-rkey",
           at("ca.key"), "-port", "0", "-ndays", "1"});
    folder.write(
        "ext",
        "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nauthorityInfoAccess=OCSP;URI:" + url() + "\n");
    run({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", at("leaf.key"),
         "-subj", "/CN=Camera", "-out", at("leaf.csr")});
    run({"x509", "-req", "-in", at("leaf.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-set_serial",
         "0x1234", "-days", "30", "-extfile", at("ext"), "-out", at("leaf.pem")});
  }
  ~Responder() {
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  static void run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    const auto done = test_support::run_program(arguments);
    if (done.exit_code != 0) throw std::runtime_error(done.output);
  }
  // It says where it listens ("ACCEPT [::]:PORT PID=..."); a connection to find out would hold it up.
  void start(std::vector<std::string> arguments) {
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    output_ = UniqueFd(out[0]);
    const UniqueFd child_out(out[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, child_out.get(), 2);
    const int error = ::posix_spawnp(&pid_, "openssl", &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot run openssl");
    std::string line;
    for (char c = 0; ::read(output_.get(), &c, 1) == 1;) {
      if (c != '\n') {
        line += c;
        continue;
      }
      const auto pid = line.find(" PID=");
      const auto colon = line.rfind(':', pid);
      if (line.starts_with("ACCEPT ") && pid != std::string::npos && colon != std::string::npos) {
        port_ = std::stoi(line.substr(colon + 1, pid - colon - 1));
        return;
      }
      line.clear();
    }
    throw std::runtime_error("the responder did not start");
  }

  UniqueFd output_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace camvault::authority_client::test
