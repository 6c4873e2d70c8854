#include "camvault/net/tcp.h"

#include <gtest/gtest.h>

#include <array>

namespace camvault::net {
namespace {
using namespace std::chrono_literals;

TEST(Tcp, CarriesBytesBothWaysAndSaysWhenItEnds) {
  auto listener = Listener::listen("127.0.0.1", 0);
  ASSERT_TRUE(listener) << listener.error().what;
  auto client = connect_tcp("127.0.0.1", std::to_string(listener->port()), within(5s));
  ASSERT_TRUE(client) << client.error().what;
  auto accepted = listener->accept(within(5s));
  ASSERT_TRUE(accepted);
  TcpStream a(std::move(*client));
  std::array<std::uint8_t, 16> room{};
  {
    TcpStream b(std::move(*accepted));
    ASSERT_TRUE(a.write(as_bytes("hello"), within(1s)));
    EXPECT_EQ(b.read(room, within(1s)).value(), 5u);
    EXPECT_EQ(b.read(room, within(30ms)).error().code, Errc::unavailable);
  }
  EXPECT_EQ(a.read(room, within(1s)).value(), 0u);
}

TEST(Tcp, EveryWaitEnds) {
  auto listener = Listener::listen("127.0.0.1", 0);
  ASSERT_TRUE(listener);
  EXPECT_EQ(listener->accept(within(20ms)).error().code, Errc::unavailable);
  TcpStream full(connect_tcp("127.0.0.1", std::to_string(listener->port()), within(1s)).value());
  const Bytes much(64u << 20);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(full.write(much, within(200ms)).error().code, Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(Tcp, NobodyThere) {
  std::uint16_t port = 0;
  { port = Listener::listen("127.0.0.1", 0).value().port(); }
  EXPECT_EQ(connect_tcp("127.0.0.1", std::to_string(port), within(1s)).error().code, Errc::unavailable);
  EXPECT_EQ(connect_tcp("", "1", within(1s)).error().code, Errc::unavailable);
  EXPECT_EQ(Listener::listen("no.such.address", 0).error().code, Errc::usage);
}

}  // namespace
}  // namespace camvault::net
