#include "options.h"

#include <charconv>
#include <string_view>

#include "camvault/ipc/keystore_client.h"

namespace camvault::keystored {

std::string usage() {
  return "keystored [--root DIR] [--config FILE] [--socket PATH] [--user NAME|UID] [--ready-fd N]\n"
         "\n"
         "Holds the private keys of this device and uses them for the programs that its configuration "
         "names.\n"
         "\n"
         "  --root DIR     puts DIR in front of /etc/camvault/keystored.toml, /var/lib/camvault/keystored "
         "and\n"
         "                 /run/camvault/keystored.sock\n"
         "  --config FILE  another configuration file\n"
         "  --socket PATH  another socket\n"
         "  --user NAME    the user to become when started by root (default: camvault-keys, if there is "
         "one)\n"
         "  --ready-fd N   writes a line to descriptor N when the socket listens\n";
}

Result<Options> parse_options(int argc, const char* const argv[]) {
  Options options;
  std::filesystem::path root = "/";
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--help" || name == "-h") {
      options.help = true;
      continue;
    }
    if (name == "--version") {
      options.version = true;
      continue;
    }
    std::string value;
    if (const auto equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    } else if (i + 1 < argc) {
      value = argv[++i];
    }
    if (value.empty()) return fail(Errc::usage, std::string(name) + " is unknown or lacks its value");
    if (name == "--root") {
      root = value;
    } else if (name == "--config") {
      options.config = value;
    } else if (name == "--socket") {
      options.socket = value;
    } else if (name == "--user") {
      options.user = value;
    } else if (name == "--ready-fd") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), options.ready_fd);
      if (error != std::errc() || end != value.data() + value.size() || options.ready_fd < 0) {
        return fail(Errc::usage, "--ready-fd wants a descriptor's number");
      }
    } else {
      return fail(Errc::usage, "unknown option " + std::string(name));
    }
  }
  if (options.config.empty()) options.config = root / "etc" / "camvault" / "keystored.toml";
  if (options.socket.empty()) options.socket = ipc::default_socket_path(root);
  options.state = root / "var" / "lib" / "camvault" / "keystored";
  return options;
}

}  // namespace camvault::keystored
