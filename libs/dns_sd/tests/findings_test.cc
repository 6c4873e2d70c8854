// Who may say what about whom. RFC 6762 3, 11; AX-2.2-1
#include "findings.h"

#include <gtest/gtest.h>

namespace camvault::dns_sd {
namespace {

constexpr auto kType = "_brski-registrar._tcp.local";
constexpr auto kInstance = "fleet._brski-registrar._tcp.local";

Address v4(std::string name, std::array<std::uint8_t, 4> bytes) {
  Address out{std::move(name), false, {}};
  std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  return out;
}
Address v6(std::string name, std::array<std::uint8_t, 8> prefix, std::uint8_t last) {
  Address out{std::move(name), true, {}};
  std::copy(prefix.begin(), prefix.end(), out.bytes.begin());
  out.bytes[15] = last;
  return out;
}
constexpr std::array<std::uint8_t, 8> kSite{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1};
constexpr std::array<std::uint8_t, 8> kLinkLocal{0xfe, 0x80, 0, 0, 0, 0, 0, 0};

Link link() {
  return {
      3, "eth0", false, {{v4("", {192, 0, 2, 9}), 24}, {v6("", kSite, 9), 64}, {v6("", kLinkLocal, 9), 64}}};
}

Answers good() {
  return {{{kType, kInstance}}, {{kInstance, 0, 8443, "fleet.local"}}, {v4("fleet.local", {192, 0, 2, 7})}};
}

std::vector<Service> services_of(const Answers& answers) {
  Findings findings;
  findings.take(answers);
  return findings.services(kType, link());
}

TEST(Findings, ARegistrarOnTheLink) {
  const auto found = services_of(good());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].host, "fleet.local");
  EXPECT_EQ(found[0].port, 8443);
  EXPECT_EQ(found[0].addresses, std::vector<std::string>{"192.0.2.7"});
}

TEST(Findings, AddressesElsewhereAreNone) {
  const std::vector<Address> bad = {v4("fleet.local", {127, 0, 0, 1}),
                                    v4("fleet.local", {198, 51, 100, 1}),
                                    v4("fleet.local", {224, 0, 0, 1}),
                                    v4("fleet.local", {0, 0, 0, 0}),
                                    v4("fleet.local", {192, 0, 2, 255}),
                                    v4("fleet.local", {192, 0, 2, 0}),
                                    v4("fleet.local", {255, 255, 255, 255}),
                                    v4("other.local", {192, 0, 2, 7}),
                                    v6("fleet.local", {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 2}, 1),
                                    v6("fleet.local", {}, 1),
                                    v6("fleet.local", {}, 0),
                                    v6("fleet.local", {0xff, 0x02}, 0xfb)};
  for (const auto& address : bad) {
    auto answers = good();
    answers.addresses = {address};
    EXPECT_TRUE(services_of(answers).empty()) << text_of(link(), address);
  }
  auto answers = good();
  answers.addresses = {v6("fleet.local", kSite, 7), v6("fleet.local", kLinkLocal, 7)};
  EXPECT_EQ(services_of(answers).at(0).addresses,
            (std::vector<std::string>{"2001:db8:0:1::7", "fe80::7%eth0"}));
  auto no_v6 = link();
  no_v6.networks.resize(1);
  Findings findings;
  findings.take(answers);
  EXPECT_TRUE(findings.services(kType, no_v6).empty());
}

TEST(Findings, HostsThatAreNoNamesOfTheLinkAreNone) {
  for (const char* host :
       {"fleet.example", "local", ".local", "a.b.local", "fleet.local.example", "fl\\.eet.local", "-a.local",
        "a-.local", "192.0.2.7", "fleet_1.local", "fl eet.local", ""}) {
    auto answers = good();
    answers.servers[0].host = host;
    answers.addresses[0].name = host;
    EXPECT_TRUE(services_of(answers).empty()) << host;
  }
  EXPECT_TRUE(is_link_name("a.local"));
  EXPECT_TRUE(is_link_name(std::string(63, 'a') + ".local"));
  EXPECT_FALSE(is_link_name(std::string(64, 'a') + ".local"));
}

TEST(Findings, OtherServicesAndPortZeroAreNone) {
  auto answers = good();
  answers.pointers[0].name = "_ipp._tcp.local";
  EXPECT_TRUE(services_of(answers).empty());
  answers = good();
  answers.servers[0].port = 0;
  EXPECT_TRUE(services_of(answers).empty());
  answers = good();
  answers.servers[0].name = "other._brski-registrar._tcp.local";
  EXPECT_TRUE(services_of(answers).empty());
}

TEST(Findings, AsksForWhatWasNotTold) {
  Findings findings;
  auto answers = good();
  findings.take({answers.pointers, {}, {}});
  EXPECT_EQ(findings.open_questions(kType), (std::vector<Question>{{kInstance, RecordType::srv}}));
  findings.take({{}, answers.servers, {}});
  EXPECT_EQ(findings.open_questions(kType),
            (std::vector<Question>{{"fleet.local", RecordType::a}, {"fleet.local", RecordType::aaaa}}));
  findings.take({{}, {}, answers.addresses});
  EXPECT_TRUE(findings.open_questions(kType).empty());
  EXPECT_EQ(findings.services(kType, link()).size(), 1u);
}

TEST(Findings, AreBoundedAndSayNothingTwice) {
  Findings findings;
  for (int i = 0; i < 100; ++i) findings.take(good());
  EXPECT_EQ(findings.services(kType, link()).size(), 1u);
  EXPECT_EQ(findings.services(kType, link())[0].addresses.size(), 1u);
  Findings many;
  for (std::uint8_t i = 1; i < 200; ++i) {
    const auto host = "h" + std::to_string(i) + ".local";
    many.take({{{kType, host}}, {{host, 0, 1, host}}, {v4(host, {192, 0, 2, i})}});
  }
  EXPECT_LE(many.services(kType, link()).size(), 32u);
  Findings addresses;
  addresses.take(good());
  for (std::uint8_t i = 10; i < 30; ++i) addresses.take({{}, {}, {v4("fleet.local", {192, 0, 2, i})}});
  EXPECT_EQ(addresses.services(kType, link())[0].addresses.size(), kMaxAddresses);
}

}  // namespace
}  // namespace camvault::dns_sd
