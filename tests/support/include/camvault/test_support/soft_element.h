// The simulator of an SE05x as a program of a test's own, on a private Unix socket, with its state in a
// private folder and the test keys of its channel.
#pragma once

#include "camvault/test_support/background_program.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::test_support {

class SoftElement {
 public:
  // `program`: the path of camvault-se05x-sim.
  SoftElement(std::string program, const std::filesystem::path& folder)
      : path_(std::move(program)), folder_(folder) {
    std::filesystem::create_directories(folder_);
    // test_platform_keys() of the simulator: everybody knows them.
    const std::string keys =
        "ENC 101112131415161718191a1b1c1d1e1f\nMAC 202122232425262728292a2b2c2d2e2f\n"
        "DEK 303132333435363738393a3b3c3d3e3f\n";
    if (!write_file_atomically(key_file(), as_bytes(keys), 0600)) throw std::runtime_error("write keys");
    start();
  }
  ~SoftElement() { stop(); }
  SoftElement(const SoftElement&) = delete;
  SoftElement& operator=(const SoftElement&) = delete;

  std::filesystem::path socket() const { return folder_ / "bus"; }
  std::string bus() const { return "sim:unix:" + socket().string(); }
  std::filesystem::path key_file() const { return folder_ / "scp03.keys"; }
  std::filesystem::path journal() const { return folder_ / "journal"; }

  // As when the power goes, in the middle of whatever it does.
  void stop(int signal = SIGKILL) {
    program_.stop(signal);
    std::filesystem::remove(socket());
  }
  // `options`: further ones of the program, such as faults.
  void start(const std::vector<std::string>& options = {}) {
    std::vector<std::string> arguments = {path_, "--listen", "unix:" + socket().string(), "--state",
                                          (folder_ / "state").string()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    program_ = BackgroundProgram(arguments, folder_ / "se05x-sim.log");
    if (!wait_for_listener(socket())) throw std::runtime_error("the SE05x simulator did not start");
  }
  const BackgroundProgram& program() const { return program_; }

 private:
  std::string path_;
  std::filesystem::path folder_;
  BackgroundProgram program_;
};

}  // namespace camvault::test_support
