#include "camvault/network/control_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include "camvault/test_support/temporary_folder.h"

namespace camvault::network {
namespace {
using std::chrono::milliseconds;

// The other end: says what the test wants.
class Peer {
 public:
  explicit Peer(const std::filesystem::path& path) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  std::string hear() {
    char text[8192];
    size_ = sizeof from_;
    const auto got = recvfrom(fd_.get(), text, sizeof text, 0, reinterpret_cast<sockaddr*>(&from_), &size_);
    return {text, got < 0 ? 0 : static_cast<std::size_t>(got)};
  }
  void say(std::string_view text) {
    EXPECT_EQ(
        sendto(fd_.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&from_), size_),
        static_cast<ssize_t>(text.size()));
  }

 private:
  UniqueFd fd_;
  sockaddr_un from_{};
  socklen_t size_ = 0;
};

TEST(ControlSocket, AsksAndIsAnswered) {
  const test_support::TemporaryFolder folder;
  Peer peer(folder / "eth0");
  auto socket = ControlSocket::connect(folder / "eth0").value();
  std::thread other([&] {
    EXPECT_EQ(peer.hear(), "PING");
    peer.say("<3>CTRL-EVENT-EAP-STARTED x");  // an event between is no answer
    peer.say("PONG\n");
    EXPECT_EQ(peer.hear(), "SELECT_NETWORK 1");
    peer.say("FAIL\n");
    EXPECT_EQ(peer.hear(), "CTRL-RSP-PSK_PASSPHRASE-0:abc");
    peer.say("OK\n");
  });
  EXPECT_EQ(socket.request("PING").value(), "PONG");
  EXPECT_EQ(socket.command("SELECT_NETWORK 1").error().code, Errc::denied);
  EXPECT_TRUE(socket.command("CTRL-RSP-PSK_PASSPHRASE-0:", Secret(as_bytes("abc"))));
  other.join();
}

TEST(ControlSocket, WaitsOnlySoLong) {
  const test_support::TemporaryFolder folder;
  EXPECT_EQ(ControlSocket::connect(folder / "eth0").error().code, Errc::not_found);
  Peer peer(folder / "eth0");
  auto socket = ControlSocket::connect(folder / "eth0").value();
  EXPECT_EQ(socket.request("PING", milliseconds(20)).error().code, Errc::limit);
  EXPECT_EQ(socket.request(std::string(kMaxCommand, 'x')).error().code, Errc::limit);
  EXPECT_FALSE(socket.next_event(milliseconds(20)).value());
  peer.hear();
  for (int i = 0; i < 5; ++i) peer.say("no event at all");
  peer.say("<3>CTRL-EVENT-EAP-SUCCESS yes");
  EXPECT_EQ(socket.next_event(milliseconds(200)).value()->kind, EventKind::eap_success);
  for (int i = 0; i < 5; ++i) peer.say("no event at all");
  EXPECT_FALSE(socket.next_event(milliseconds(0)).value());  // a flood of them holds nobody up
}

TEST(SupplicantEvent, WhatIsRead) {
  const auto read = [](std::string_view text) { return parse_event(text); };
  EXPECT_EQ(read("<3>CTRL-EVENT-EAP-FAILURE EAP authentication failed").value().kind, EventKind::eap_failure);
  EXPECT_EQ(read("<3>CTRL-EVENT-SOMETHING-NEW a b").value().kind, EventKind::other);
  for (const auto* bad : {"", "<3", "CTRL-EVENT-EAP-SUCCESS", "<x>CTRL-EVENT-EAP-SUCCESS"})
    EXPECT_EQ(read(bad).error().code, Errc::malformed) << bad;
  EXPECT_EQ(read("<3>" + std::string(kMaxEvent, 'a')).error().code, Errc::limit);

  const auto wanted = read("<3>CTRL-REQ-PSK_PASSPHRASE-2:PSK or passphrase needed for SSID x").value();
  EXPECT_EQ(wanted.kind, EventKind::passphrase_wanted);
  EXPECT_EQ(wanted.network, 2u);
  EXPECT_FALSE(read("<3>CTRL-REQ-PSK_PASSPHRASE-:x"));

  const auto certificate =
      read("<3>CTRL-EVENT-EAP-PEER-CERT depth=1 subject='/CN=a cert=00' cert=30820a").value();
  EXPECT_EQ(certificate.depth, 1u);
  EXPECT_EQ(certificate.certificate, (Bytes{0x30, 0x82, 0x0a}));
  // A name that looks like the field behind it.
  EXPECT_FALSE(read("<3>CTRL-EVENT-EAP-PEER-CERT depth=0 subject='/CN=a cert=3082' hash=00"));
  EXPECT_FALSE(read("<3>CTRL-EVENT-EAP-PEER-CERT depth= subject='x' cert=30"));
  EXPECT_EQ(read("<3>CTRL-EVENT-EAP-PEER-CERT depth=0 cert=" + std::string(2 * kMaxPeerCertificate + 2, '0'))
                .error()
                .code,
            Errc::limit);
}

TEST(SupplicantEvent, AccessPointsAndWrongPassphrases) {  // NA-2.5-1, NA-2.5-2
  const auto one = parse_event("<3>Associated with 02:00:5e:00:53:0f").value();
  EXPECT_EQ(one.kind, EventKind::associated);
  EXPECT_EQ(one.detail, "02:00:5e:00:53:0f");
  for (const auto* bad :
       {"<3>Associated", "<3>Associated with ", "<3>Associated with 02:00:5e:00:53:0",
        "<3>Associated with 02:00:5e:00:53:0g", "<3>Associated with 02:00:5e:00:53:0f clear",
        "<3>Associated to__ 02:00:5e:00:53:0f"})
    EXPECT_EQ(parse_event(bad).error().code, Errc::malformed) << bad;

  const auto kind = [](std::string_view name_and_reason) {
    return parse_event("<3>CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid=" + std::string(name_and_reason))
        .value()
        .kind;
  };
  EXPECT_EQ(kind("\"x\" auth_failures=1 duration=10 reason=WRONG_KEY"), EventKind::passphrase_differs);
  EXPECT_EQ(kind("\"x\" auth_failures=1 duration=10 reason=AUTH_FAILED"), EventKind::other);
  // A network whose name looks like the field behind it.
  EXPECT_EQ(kind("\" reason=WRONG_KEY\" auth_failures=1 duration=10 reason=CONN_FAILED"), EventKind::other);
}

TEST(SupplicantEvent, ForeignTextStaysText) {
  const auto error = parse_event(
                         "<3>CTRL-EVENT-EAP-TLS-CERT-ERROR reason=1 depth=0 subject='/CN=x' err='all is "
                         "well' err='self-signed \x1b[2J certificate'")
                         .value();
  EXPECT_EQ(error.kind, EventKind::server_refused);
  EXPECT_EQ(error.detail, "self-signed ?[2J certificate");
  EXPECT_EQ(harmless(std::string(1000, 'a')).size(), kMaxEventDetail);
  const auto alert =
      parse_event("<3>CTRL-EVENT-EAP-STATUS status='remote TLS alert' parameter='certificate revoked'")
          .value();
  EXPECT_EQ(alert.kind, EventKind::tls_alert);
  EXPECT_EQ(alert.detail, "the server says: certificate revoked");
}

}  // namespace
}  // namespace camvault::network
