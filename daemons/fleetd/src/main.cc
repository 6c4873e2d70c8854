// fleetd: the owner's registrar. EST for cameras, a page and JSON for operators.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>

#include "camvault/base/file.h"
#include "camvault/base/log.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "config.h"
#include "server.h"

namespace camvault::fleetd {

namespace {
constexpr int kUsage = 64;
constexpr int kBadInput = 65;
constexpr int kServiceMissing = 69;
constexpr std::size_t kMaxPem = 4 * 1024 * 1024;

volatile std::sig_atomic_t stop_wanted = 0;
void on_signal(int number) {
  static_cast<void>(number);
  stop_wanted = 1;
}

constexpr const char* kHelp =
    "Usage: fleetd [--root DIR] [--ready-fd N | --new-ca]\n"
    "\n"
    "The owner's registrar: EST (RFC 7030) for cameras, a status page and JSON for operators, over mutual "
    "TLS.\n"
    "Reads DIR/etc/camvault/fleetd.toml, keeps its state in DIR/var/lib/camvault/fleetd, asks the keystored "
    "of DIR.\n"
    "\n"
    "  --root DIR     folder that holds the state (default /)\n"
    "  --new-ca       gives the owner's CA a new key and ends; the old one is believed until it ends. Start "
    "fleetd anew afterwards\n"
    "  --ready-fd N   writes the port to this descriptor when it listens\n"
    "\n"
    "Example: fleetd --root /srv/fleet\n";

struct Options {
  std::filesystem::path root = "/";
  int ready_fd = -1;
  bool new_ca = false;
  bool help = false;
};

Result<Options> parse_options(int argc, const char* const argv[]) {
  Options out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name(argv[i]);
    if (name == "--help" || name == "-h") {
      out.help = true;
    } else if (name == "--new-ca") {
      out.new_ca = true;
    } else if (name == "--root" && i + 1 < argc) {
      out.root = argv[++i];
    } else if (name == "--ready-fd" && i + 1 < argc) {
      const std::string_view text(argv[++i]);
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.ready_fd);
      if (error != std::errc() || end != text.data() + text.size() || out.ready_fd < 0)
        return fail(Errc::usage, "--ready-fd wants a number");
    } else {
      return fail(Errc::usage, "unknown option " + std::string(name));
    }
  }
  return out;
}

Result<std::vector<crypto::Certificate>> certificates_in(const crypto::Engine& engine,
                                                         const std::vector<std::filesystem::path>& files) {
  std::vector<crypto::Certificate> out;
  for (const auto& file : files) {
    CAM_TRY(const auto pem, read_file(file, kMaxPem));
    auto some = engine.certificates_from_pem(as_text(pem));
    if (!some) return fail_in(file.string(), some.error());
    out.insert(out.end(), some->begin(), some->end());
  }
  return out;
}

Result<std::vector<crypto::RevocationList>> lists_in(const crypto::Engine& engine,
                                                     const std::vector<std::filesystem::path>& files) {
  std::vector<crypto::RevocationList> out;
  for (const auto& file : files) {
    CAM_TRY(const auto data, read_file(file, kMaxPem));
    auto list = engine.crl_from_pem_or_der(data);
    if (!list) return fail_in(file.string(), list.error());
    out.push_back(std::move(*list));
  }
  return out;
}

Result<AuthoritySettings> settings_of(const crypto::Engine& engine, const Config& config) {
  AuthoritySettings out;
  out.organization = config.organization;
  out.names = config.names;
  out.certificate_validity = std::chrono::hours(config.certificate_hours);
  out.require_binding = config.require_binding;
  CAM_TRY(out.device_anchors, certificates_in(engine, config.device_anchors));
  CAM_TRY(out.device_lists, lists_in(engine, config.device_lists));
  CAM_TRY(out.operator_anchors, certificates_in(engine, config.operator_anchors));
  CAM_TRY(out.operator_lists, lists_in(engine, config.operator_lists));
  return out;
}

void harden() {
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::umask(0077);
}

Status run(const Options& options) {
  harden();
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // libpq writes without MSG_NOSIGNAL where it is old

  const key_source::RootLayout layout{options.root};
  CAM_TRY(const auto config, load_config(options.root / "etc/camvault/fleetd.toml"));
  const auto folder = options.root / "var/lib/camvault/fleetd";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Errc::io, "cannot create " + folder.string() + ": " + error.message());
  const auto engine = crypto_openssl::make_openssl_engine();
  const SystemClock clock;
  CAM_TRY(auto settings, settings_of(*engine, config));
  const auto database =
      config.database.empty() ? "sqlite:" + (folder / "fleet.db").string() : config.database;
  CAM_TRY(const auto keystore, ipc::connect_keystore(layout.keystore_socket()));
  if (options.new_ca) {
    CAM_TRY_STATUS(OwnerCas::renew(folder, {engine.get(), &clock}, *keystore, settings.organization));
    std::printf("  the owner's CA has a new key: %s\n", (folder / kCaFile).c_str());
    return ok();
  }
  CAM_TRY(const auto store, Store::open(database));
  CAM_TRY(const auto authority,
          Authority::open(folder, {engine.get(), &clock}, keystore, *store, std::move(settings)));
  CAM_TRY(auto listener, net::Listener::listen(config.listen, config.port));
  log(LogLevel::info, "fleetd listens at " + config.listen + " port " + std::to_string(listener.port()) +
                          "; " + store->describe());
  if (options.ready_fd >= 0) {
    const auto line = std::to_string(listener.port()) + "\n";
    [[maybe_unused]] const auto n = ::write(options.ready_fd, line.data(), line.size());
    ::close(options.ready_fd);
  }
  return serve(listener, *authority, *store, clock, {}, &stop_wanted);
}
}  // namespace

}  // namespace camvault::fleetd

int main(int argc, char* argv[]) {
  using namespace camvault;
  const auto options = fleetd::parse_options(argc, argv);
  if (!options || options->help) {
    std::fputs(options ? fleetd::kHelp : ("fleetd: " + options.error().what + "\n" + fleetd::kHelp).c_str(),
               options ? stdout : stderr);
    return options ? 0 : fleetd::kUsage;
  }
  const auto done = fleetd::run(*options);
  if (done) return 0;
  log(LogLevel::error, "fleetd: " + done.error().what);
  return done.error().code == Errc::usage         ? fleetd::kUsage
         : done.error().code == Errc::unavailable ? fleetd::kServiceMissing
                                                  : fleetd::kBadInput;
}
