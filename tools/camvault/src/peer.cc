// camvault peer: who is at the other end of a link without TLS? Both devices prove themselves.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/crypto_openssl/engine.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/ipc/keystore_client.h"
#include "camvault/key_source/root_layout.h"
#include "camvault/net/tcp.h"
#include "camvault/peer_auth/handshake.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "own_identity.h"

namespace camvault::cli {

namespace {
using namespace std::chrono_literals;
constexpr auto kPatience = 10s;  // of one handshake

struct Options {
  std::filesystem::path root = "/";
  std::vector<std::filesystem::path> anchors;
  std::vector<std::filesystem::path> lists;
  std::string key = "camera/idevid";
  std::filesystem::path chain;
  std::string context;
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  unsigned count = 0;                 // 0: until it is ended
  std::vector<std::string> expected;  // serial numbers; none: any device of those makers
  std::string peer;
  bool json = false;
};

struct World {
  SystemClock clock;
  std::unique_ptr<crypto::Engine> engine = crypto_openssl::make_openssl_engine();
  std::shared_ptr<const tls::Credential> ours;
  tls::Policy peers;
  Bytes context;

  peer_auth::Setup setup() const { return {{engine.get(), &clock}, ours.get(), &peers, context}; }
};

Result<std::unique_ptr<World>> prepare(const Options& options) {
  auto world = std::make_unique<World>();
  const key_source::RootLayout layout{options.root};
  CAM_TRY(const auto store, ipc::connect_keystore(layout.keystore_socket()));
  const auto chain = options.chain.empty() ? layout.device_identity_chain() : options.chain;
  CAM_TRY(world->ours, own_credential(*world->engine, *store, options.key, chain));
  CAM_TRY(world->peers, policy_from(*world->engine, options.anchors, options.lists));
  world->context = to_bytes(as_bytes(options.context));
  return world;
}

// On a stream each message has its length in front (u32).
Status write_message(net::Stream& stream, BytesView message, net::Deadline deadline) {
  ByteWriter out;
  out.u32(static_cast<std::uint32_t>(message.size()));
  out.raw(message);
  return stream.write(out.take(), deadline);
}
Result<Bytes> read_exactly(net::Stream& stream, std::size_t size, net::Deadline deadline) {
  Bytes out(size);
  for (std::size_t at = 0; at < size;) {
    CAM_TRY(const auto count, stream.read(std::span(out).subspan(at), deadline));
    if (count == 0) return fail(Errc::unavailable, "the other side has hung up");
    at += count;
  }
  return out;
}
Result<Bytes> read_message(net::Stream& stream, net::Deadline deadline) {
  CAM_TRY(const auto head, read_exactly(stream, 4, deadline));
  CAM_TRY(const auto size, ByteReader(head).u32());
  if (size == 0 || size > peer_auth::kMaxMessage)
    return fail(Errc::malformed, "a message over 32 KiB, or none");
  return read_exactly(stream, size, deadline);
}

Result<peer_auth::Peer> ask(const World& world, net::Stream& stream) {
  const auto deadline = net::within(kPatience);
  CAM_TRY(auto side, peer_auth::Initiator::create(world.setup()));
  CAM_TRY_STATUS(write_message(stream, side.hello(), deadline));
  CAM_TRY(const auto challenge, read_message(stream, deadline));
  CAM_TRY(const auto finish, side.answer(challenge));
  CAM_TRY_STATUS(write_message(stream, finish, deadline));
  return side.peer();
}

Result<peer_auth::Peer> answer(const World& world, net::Stream& stream) {
  const auto deadline = net::within(kPatience);
  CAM_TRY(auto side, peer_auth::Responder::create(world.setup()));
  CAM_TRY(const auto hello, read_message(stream, deadline));
  CAM_TRY(const auto challenge, side.challenge(hello));
  CAM_TRY_STATUS(write_message(stream, challenge, deadline));
  CAM_TRY(const auto finish, read_message(stream, deadline));
  CAM_TRY_STATUS(side.finish(finish));
  return side.peer();
}

// A good certificate of another device than those that are meant proves nothing here.
Result<peer_auth::Peer> expected(const Options& options, Result<peer_auth::Peer> peer) {
  if (!peer || options.expected.empty()) return peer;
  const auto serial = peer->serial();
  if (std::find(options.expected.begin(), options.expected.end(), serial) != options.expected.end())
    return peer;
  return fail(Errc::denied, "serial number " + serial + " is not one of those that are meant");
}

void say(const Options& options, const Result<peer_auth::Peer>& peer) {
  if (options.json) {
    nlohmann::ordered_json out{{"proven", peer.has_value()}};
    if (peer) {
      out["serial"] = report::printable(peer->serial());
      out["subject"] = report::printable(peer->path.front().subject);
      out["maker"] = report::printable(peer->path.back().subject);
    } else {
      out["reason"] = report::printable(peer.error().what);
    }
    std::puts(out.dump().c_str());
  } else if (peer) {
    std::printf("  serial number %s, proven\n  %s\n  made by %s\n", report::printable(peer->serial()).c_str(),
                report::printable(peer->path.front().subject).c_str(),
                report::printable(peer->path.back().subject).c_str());
  } else {
    std::printf("  not proven: %s\n", report::printable(peer.error().what).c_str());
  }
  std::fflush(stdout);
}

// "No" is an answer; that nobody answers is none.
Result<int> check(const Options& options) {
  const auto colon = options.peer.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == options.peer.size())
    return fail(Errc::usage, "the other side is HOST:PORT");
  CAM_TRY(const auto world, prepare(options));
  auto socket =
      net::connect_tcp(options.peer.substr(0, colon), options.peer.substr(colon + 1), net::within(kPatience));
  if (!socket) return fail_in(options.peer, socket.error());
  net::TcpStream stream(std::move(*socket));
  const auto peer = expected(options, ask(*world, stream));
  if (!peer && peer.error().code == Errc::unavailable) return fail_in(options.peer, peer.error());
  say(options, peer);
  return peer ? kYes : kNo;
}

Result<int> listen(const Options& options) {
  CAM_TRY(const auto world, prepare(options));
  CAM_TRY(auto listener, net::Listener::listen(options.address, options.port));
  if (options.json) {
    std::puts(nlohmann::ordered_json{{"port", listener.port()}}.dump().c_str());
  } else {
    std::printf("  listening on %s, port %u\n", options.address.c_str(), listener.port());
  }
  std::fflush(stdout);
  bool all = true;
  for (unsigned asked = 0; options.count == 0 || asked < options.count;) {
    auto socket = listener.accept(net::within(1s));
    if (!socket) continue;  // nobody came
    net::TcpStream stream(std::move(*socket));
    const auto peer = expected(options, answer(*world, stream));
    say(options, peer);
    all = all && peer;
    ++asked;
  }
  return all ? kYes : kNo;
}

CLI::App* add(CLI::App& parent, const std::shared_ptr<Options>& options, const std::string& name,
              const std::string& description, Result<int> (*work)(const Options&), int& exit_code) {
  auto* command = parent.add_subcommand(name, description);
  command->add_option("--root", options->root, "folder that holds this device's state (default /)")
      ->type_name("DIR");
  command->add_option("--trust", options->anchors, "roots of the other side's maker, PEM (repeatable)")
      ->type_name("CA.pem")
      ->required();
  command->add_option("--crl", options->lists, "revocation lists, PEM or DER (repeatable)")
      ->type_name("FILE");
  command->add_option("--key", options->key, "this device's key (default camera/idevid)")
      ->type_name("APPLICATION/NAME");
  command
      ->add_option("--chain", options->chain,
                   "its certificates (default DIR/var/lib/camvault/identity/idevid-chain.pem)")
      ->type_name("CHAIN.pem");
  command
      ->add_option("--serial", options->expected,
                   "the device that is meant (repeatable); without: any of those makers")
      ->type_name("SERIAL")
      ->allow_extra_args(false);
  command
      ->add_option("--context", options->context,
                   "what both sides call this link: on no other one the answers count")
      ->type_name("TEXT");
  command->add_flag("--json", options->json, "one JSON object a line");
  command->callback([options, work, &exit_code] {
    const auto done = work(*options);
    exit_code = done ? *done : complain_about(done.error());
  });
  return command;
}
}  // namespace

void add_peer(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("peer", "who is at the other end of a link without TLS");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  camvault peer listen --port 4700 --trust door-maker.pem\n"
      "  camvault peer check 192.0.2.7:4700 --trust camera-maker.pem");
  auto* checking = add(*command, options, "check", "ask the other side to prove itself, and prove ourselves",
                       check, exit_code);
  checking->add_option("PEER", options->peer, "HOST:PORT")->required();
  checking->footer(
      "Exit codes: 0 proven, 1 not proven, 69 nobody answers.\n\n"
      "Examples:\n  camvault peer check 192.0.2.7:4700 --trust camera-maker.pem --json");
  auto* listening =
      add(*command, options, "listen", "answer those who ask, and say who they are", listen, exit_code);
  listening->add_option("--address", options->address, "where to listen (default 127.0.0.1)");
  listening->add_option("--port", options->port, "0: the system chooses (default)");
  listening->add_option("--count", options->count, "end after so many; 1 if one of them was not proven");
  listening->footer("Examples:\n  camvault peer listen --address 0.0.0.0 --port 4700 --trust door-maker.pem");
}

}  // namespace camvault::cli
