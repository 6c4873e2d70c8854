// A search with real sockets on the loopback link. RFC 6762 5.1, 6.7; AX-2.2-1
#include "camvault/dns_sd/search.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <functional>
#include <thread>

#include "camvault/base/file.h"
#include "camvault/net/tcp.h"
#include "dns_bytes.h"

namespace camvault::dns_sd::test {
namespace {
using namespace std::chrono_literals;

// Somebody on the link: what it says to a question (type, id, question), and from where.
class Neighbour {
 public:
  using Speak = std::function<std::vector<Bytes>(unsigned type, unsigned id, const Bytes& question)>;

  // `from`: its address on the loopback link; `port` 0: the one that all listen at.
  Neighbour(std::uint16_t group_port, Speak speak, const char* from = "127.0.0.1", bool other_port = false)
      : speak_(std::move(speak)),
        ear_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        mouth_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    ip_mreqn join{};
    join.imr_multiaddr.s_addr = ::inet_addr("224.0.0.251");
    join.imr_ifindex = static_cast<int>(::if_nametoindex("lo"));
    ::setsockopt(ear_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ::setsockopt(mouth_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr = join.imr_multiaddr;
    to.sin_port = htons(group_port);
    sockaddr_in own = to;
    own.sin_addr.s_addr = ::inet_addr(from);
    if (other_port) own.sin_port = 0;
    works_ = ::bind(ear_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 &&
             ::setsockopt(ear_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join) == 0 &&
             ::bind(mouth_.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) == 0;
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  }
  bool works() const { return works_; }
  int heard() const { return heard_; }

 private:
  void work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!net::wait_for(ear_.get(), POLLIN, net::within(20ms))) continue;
      Bytes room(9000);
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto count =
          ::recvfrom(ear_.get(), room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (count < 17) continue;
      ++heard_;
      room.resize(static_cast<std::size_t>(count));
      const unsigned type = room[room.size() - 3];
      const auto id = static_cast<unsigned>(room[0] << 8 | room[1]);
      for (const auto& answer : speak_(type, id, Bytes(room.begin() + 12, room.end())))
        ::sendto(mouth_.get(), answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&from),
                 size);
    }
  }

  Speak speak_;
  UniqueFd ear_;
  UniqueFd mouth_;
  bool works_ = false;
  std::atomic<int> heard_ = 0;
  std::jthread thread_;
};

std::uint16_t free_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  socklen_t size = sizeof own;
  ::bind(socket.get(), reinterpret_cast<sockaddr*>(&own), size);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &size);
  return ntohs(own.sin_port);
}

Neighbour::Speak tells(std::string_view host, Bytes address, unsigned priority = 0, unsigned port = 8443) {
  return [=](unsigned, unsigned id, const Bytes& question) {
    return std::vector<Bytes>{
        message(id, {ptr(kType, kInstance), srv(kInstance, priority, port, host), a(host, address)}, 0x8400,
                question)};
  };
}

class OnTheLink : public ::testing::Test {
 protected:
  Settings settings{{"lo"}, free_port(), 400ms, 3};
};

TEST_F(OnTheLink, FindsWhoeverAnswersInTheirOrder) {
  const Neighbour second(settings.port, tells("second|local", {127, 0, 0, 3}, 7, 8444), "127.0.0.3");
  const Neighbour first(settings.port, tells("FIRST|local", {127, 0, 0, 2}), "127.0.0.2");
  if (!first.works()) GTEST_SKIP() << "no multicast on the loopback link here";
  const auto found = find_services("_brski-registrar._tcp", settings).value();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].host, "first.local");
  EXPECT_EQ(found[0].addresses, std::vector<std::string>{"127.0.0.2"});
  EXPECT_EQ(found[1].host, "second.local");
  EXPECT_EQ(found[1].port, 8444);
  EXPECT_EQ(first.heard(), 2);  // once more, for an IPv6 address
  EXPECT_EQ(find_host("second.local", settings).value(), std::vector<std::string>{"127.0.0.3"});
}

TEST_F(OnTheLink, AsksAgainForWhatWasNotTold) {
  const Neighbour sparing(settings.port,
                          [](unsigned type, unsigned id, const Bytes& question) -> std::vector<Bytes> {
                            const Record record = type == 12   ? ptr(kType, kInstance)
                                                  : type == 33 ? srv(kInstance, 0, 8443, "fleet|local")
                                                               : a("fleet|local", {127, 0, 0, 1});
                            if (type == 28) return {};
                            return {message(id, {record}, 0x8400, question)};
                          });
  if (!sparing.works()) GTEST_SKIP() << "no multicast on the loopback link here";
  const auto found = find_services("_brski-registrar._tcp", settings).value();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].host, "fleet.local");
}

TEST_F(OnTheLink, NobodyThere) {
  settings.round = 50ms;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(find_services("_brski-registrar._tcp", settings).value().empty());
  EXPECT_TRUE(find_host("fleet.local", settings).value().empty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
  settings.interfaces = {"no-such-link"};
  EXPECT_EQ(find_services("_brski-registrar._tcp", settings).error().code, Errc::unavailable);
  EXPECT_EQ(find_services("", settings).error().code, Errc::usage);
  EXPECT_EQ(find_host("fleet.example", settings).error().code, Errc::usage);
}

// The honest one is found among them all, and nothing of what they say is told.
TEST_F(OnTheLink, HostileNeighboursDoNoHarm) {
  const Neighbour honest(settings.port, tells("fleet|local", {127, 0, 0, 9}, 5), "127.0.0.9");
  if (!honest.works()) GTEST_SKIP() << "no multicast on the loopback link here";
  const Neighbour garbage(
      settings.port,
      [](unsigned, unsigned, const Bytes&) { return std::vector<Bytes>(200, Bytes(9000, 0xc0)); },
      "127.0.0.10");
  const Neighbour elsewhere(settings.port, tells("evil|local", {198, 51, 100, 1}), "127.0.0.11");
  const Neighbour another_name(settings.port, tells("evil|example", {127, 0, 0, 12}), "127.0.0.12");
  const Neighbour no_port(settings.port, tells("evil|local", {127, 0, 0, 13}, 0, 0), "127.0.0.13");
  const Neighbour outsider(settings.port, tells("evil|local", {127, 0, 0, 14}), "127.0.0.14",
                           true);  // another port
  const Neighbour another_answer(
      settings.port,
      [](unsigned, unsigned id, const Bytes& question) {
        return tells("evil|local", {127, 0, 0, 15})(12, id + 1, question);
      },
      "127.0.0.15");
  // Under the honest one's name: an address of its own, which is not told as the honest one's.
  const Neighbour thief(
      settings.port,
      [](unsigned, unsigned id, const Bytes& question) {
        return std::vector<Bytes>{message(id, {a("fleet|local", {127, 0, 0, 16})}, 0x8400, question)};
      },
      "127.0.0.16");
  // As many services as fit.
  const Neighbour loud(
      settings.port,
      [](unsigned, unsigned id, const Bytes&) {
        std::vector<Bytes> out;
        for (int i = 0; i < 40; ++i) {
          const auto host = "loud" + std::to_string(i) + "|local";
          out.push_back(message(id, {ptr(kType, host), srv(host, 0, 1, host), a(host, {127, 0, 0, 17})}));
        }
        return out;
      },
      "127.0.0.17");
  const auto found = find_services("_brski-registrar._tcp", settings).value();
  std::vector<Service> of_fleet;
  for (const auto& service : found) {
    EXPECT_NE(service.host.substr(0, 4), "evil");
    if (service.host == "fleet.local") of_fleet.push_back(service);
  }
  ASSERT_EQ(of_fleet.size(), 1u);
  EXPECT_EQ(of_fleet[0].addresses, std::vector<std::string>{"127.0.0.9"});
  EXPECT_LE(found.size(), 3u);  // and two of the loud one's
}

}  // namespace
}  // namespace camvault::dns_sd::test
