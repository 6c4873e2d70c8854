// NC-4-1, IP-3-2: orders, a line that works by itself, and an audit of what it did.
#include "camvault/identity/batch.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <set>
#include <thread>

#include "camvault/base/pem.h"
#include "camvault/identity/audit.h"
#include "factory_fixture.h"

namespace camvault::identity {
namespace {

using namespace test;

std::string requests_of(std::string_view serial, LocalKey& identity, LocalKey& media) {
  return crypto_openssl::certificate_request_pem(
             make_certificate_request_for(serial, identity, "idevid").value()) +
         crypto_openssl::certificate_request_pem(
             make_certificate_request_for(serial, media, "media-signing").value());
}
std::string requests_of(std::string_view serial, const Camera& camera = Camera::make()) {
  return requests_of(serial, *camera.identity, *camera.media_signing);
}

struct Line : Site {
  explicit Line(const std::filesystem::path& in = fast_folder()) : Site(KeyAlg::ec_p256, settings(), in) {
    EXPECT_TRUE(factory->certify_log_signer(*root_key, log_key->spki_der()));
    EXPECT_TRUE(factory->use_log_key(*log_key));
  }
  void order(const std::string& id, int first, int count) {
    Order made;
    made.id = id;
    for (int i = first; i < first + count; ++i) made.serials.push_back("CAM-" + std::to_string(i));
    const auto taken = factory->take_order(write_order(made), {});
    ASSERT_TRUE(taken) << taken.error().what;
  }
  BatchResult run(const std::string& id, const std::string& requests, std::size_t group = 16) {
    RequestStream stream({folder.write("requests.pem", requests)});
    refusals.clear();
    BatchOptions options;
    options.order = id;
    options.group = group;
    options.on_refusal = [&](const BatchRefusal& refusal) { refusals.push_back(refusal); };
    auto result = run_batch(*factory, *ca_key, *engine, stream, options);
    if (!result) throw std::runtime_error(result.error().what);
    return *result;
  }
  AuditReport audited(std::optional<LogPlace> seen = {}) const {
    const auto root = factory ? factory->root() : Factory::open(path(), clock, *engine)->root();
    AuditOptions options{path(), &root, std::move(seen)};
    auto report = audit(*engine, options);
    if (!report) throw std::runtime_error(report.error().what);
    return *report;
  }
  std::unique_ptr<LocalKey> log_key = LocalKey::generate(KeyAlg::ec_p256).value();
  std::vector<BatchRefusal> refusals;
};

TEST(Orders, WhatTheyMayBe) {
  const std::string good = "camvault-order 1\norder: PO-1\ncount: 2\nA1\nA2\n";
  const auto order = parse_order(good).value();
  EXPECT_EQ(order.id, "PO-1");
  EXPECT_EQ(order.serials, (std::vector<std::string>{"A1", "A2"}));
  EXPECT_EQ(write_order(order), good);
  const auto ends =
      parse_order("camvault-order 1\r\norder: P\r\nnot-after: 2027-01-01T00:00:00Z\r\ncount: 1\r\nA\r\n")
          .value();
  EXPECT_EQ(to_iso8601(*ends.not_after), "2027-01-01T00:00:00Z");
  for (const auto* bad :
       {"", "camvault-order 1", "camvault-order 2\norder: PO-1\ncount: 1\nA1\n",
        "camvault-order 1\norder: PO 1\ncount: 1\nA1\n", "camvault-order 1\norder: ../x\ncount: 1\nA1\n",
        "camvault-order 1\norder: PO-1\ncount: 2\nA1\n", "camvault-order 1\norder: PO-1\ncount: 1\nA1\nA2\n",
        "camvault-order 1\norder: PO-1\ncount: 1\nA1", "camvault-order 1\norder: PO-1\ncount: x\nA1\n",
        "camvault-order 1\norder: PO-1\ncount: 1\nA/1\n", "camvault-order 1\norder: PO-1\ncount: 1\n\n",
        "camvault-order 1\norder: PO-1\nnot-after: soon\ncount: 1\nA1\n",
        "camvault-order 1\ncount: 1\norder: PO-1\nA1\n"}) {
    EXPECT_EQ(parse_order(bad).error().code, Errc::malformed) << bad;
  }
  EXPECT_EQ(parse_order("camvault-order 1\norder: P\ncount: 2\nA1\nA1\n").error().code, Errc::exists);
  EXPECT_EQ(parse_order("camvault-order 1\norder: P\ncount: 0\n").error().code, Errc::limit);
  EXPECT_EQ(parse_order("camvault-order 1\norder: P\ncount: 1000001\nA\n").error().code, Errc::limit);
}

TEST(Orders, OnlyWhatIsListedAndEachOnce) {
  Line line;
  line.order("PO-1", 1, 2);
  const auto code = [&](const std::string& serial, const Camera& camera) {
    const auto made = line.provision(camera, serial);
    return made ? std::string("issued") : made.error().what.substr(0, made.error().what.find(':'));
  };
  const auto camera = Camera::make();
  EXPECT_EQ(code("CAM-1", camera), "issued");
  EXPECT_EQ(code("CAM-3", Camera::make()), "unlisted-serial");
  EXPECT_EQ(code("CAM-1", Camera::make()), "repeated-serial");
  EXPECT_EQ(code("CAM-1", camera), "replayed-request");
  EXPECT_EQ(code("CAM-2", camera), "key-of-another-camera");
  line.reopen();
  EXPECT_EQ(code("CAM-3", Camera::make()), "unlisted-serial");
  // The next order names a camera that another one has, or the same order comes again.
  Order again{"PO-2", {}, {"CAM-9", "CAM-2"}};
  EXPECT_EQ(line.factory->take_order(write_order(again), {}).error().code, Errc::exists);
  again = {"PO-1", {}, {"CAM-9"}};
  EXPECT_EQ(line.factory->take_order(write_order(again), {}).error().code, Errc::exists);
  again = {"PO-3", line.clock.time - std::chrono::hours(1), {"CAM-9"}};
  ASSERT_TRUE(line.factory->take_order(write_order(again), {}));
  EXPECT_EQ(code("CAM-9", Camera::make()), "order-over");
  EXPECT_EQ(line.factory->orders()->at(0).issued, 1u);
  // A stored order that somebody adds serial numbers to is noticed.
  line.folder.write("factory/orders/PO-1.order", "camvault-order 1\norder: PO-1\ncount: 1\nCAM-7\n");
  line.reopen();
  EXPECT_EQ(line.provision(Camera::make(), "CAM-7").error().code, Errc::malformed);
}

TEST(Batch, AStreamOfRequests) {
  Line line;
  line.order("PO-1", 1, 40);
  std::string requests = "a word of the station's before them\n";
  for (int i = 1; i <= 40; ++i) requests += requests_of("CAM-" + std::to_string(i));
  auto result = line.run("PO-1", requests);
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(result.progress.issued, 40u);
  EXPECT_EQ(result.progress.refused, 0u);
  EXPECT_EQ(line.factory->serials().size(), 40u);
  // The same stream once more, after the batch was over: replayed, each of them.
  result = line.run("PO-1", requests);
  EXPECT_EQ(result.progress.issued, 0u);
  EXPECT_EQ(result.refusals, (std::map<std::string, std::uint64_t>{{"replayed-request", 40}}));
  const auto report = line.audited();
  EXPECT_TRUE(report.whole()) << report.problems.front();
  EXPECT_TRUE(report.is_signed());
  EXPECT_EQ(report.cameras, 40u);
  EXPECT_EQ(report.certificates, 80u);
  EXPECT_EQ(report.files, 40u);
}

TEST(Batch, RefusalsHaveNames) {
  Line line;
  line.order("PO-1", 1, 5);
  line.order("PO-2", 6, 5);
  const auto one = Camera::make();
  const auto two = Camera::make();
  auto broken = requests_of("CAM-4");
  broken[100] = broken[100] == 'A' ? 'B' : 'A';
  const auto result =
      line.run("PO-1", requests_of("CAM-1", one) + requests_of("CAM-99") + requests_of("CAM-2", one) +
                           requests_of("CAM-1") + requests_of("CAM-7") + requests_of("CAM-1", one) + broken +
                           requests_of("CAM-5", *two.identity, *two.identity) + requests_of("CAM-3", two) +
                           "-----BEGIN CERTIFICATE REQUEST-----\n!!!\n-----END CERTIFICATE REQUEST-----\n");
  EXPECT_EQ(result.progress.issued, 2u);
  EXPECT_EQ(result.refusals.at("unlisted-serial"), 2u);  // in none, and in another order
  EXPECT_EQ(result.refusals.at("key-of-another-camera"), 1u);
  EXPECT_EQ(result.refusals.at("repeated-serial"), 1u);
  EXPECT_EQ(result.refusals.at("replayed-request"), 1u);
  EXPECT_EQ(result.refusals.at("one-key-for-two"), 1u);
  EXPECT_GE(result.refusals.at("bad-request"), 2u);
  EXPECT_EQ(line.factory->serials(), (std::vector<std::string>{"CAM-1", "CAM-3"}));
}

TEST(Batch, StreamsThatAreNone) {
  const test_support::TemporaryFolder folder;
  const auto first = [&](const std::string& text) {
    RequestStream stream({folder.write("requests.pem", text)});
    return stream.next();
  };
  const auto good = requests_of("S1");
  EXPECT_TRUE(first(good)->has_value());
  EXPECT_FALSE(first("")->has_value());
  EXPECT_FALSE(first("no request\n")->has_value());
  EXPECT_EQ(first(good.substr(0, good.size() / 4)).error().code, Errc::malformed);
  EXPECT_EQ(first(std::string(100'000, 'A')).error().code, Errc::limit);
  EXPECT_EQ(first("-----BEGIN X-----\n" +
                  [] {
                    std::string text;
                    for (int i = 0; i < 2000; ++i) text += std::string(64, 'A') + "\n";
                    return text;
                  }())
                .error()
                .code,
            Errc::limit);
  EXPECT_EQ(first(write_pem("CAMVAULT ATTESTATION", Bytes(8))).error().code, Errc::malformed);
  const auto camera = Camera::make();
  const auto unsaid =
      crypto_openssl::certificate_request_pem(make_certificate_request_for("S1", *camera.identity).value());
  EXPECT_EQ(first(unsaid).error().code, Errc::malformed);
  EXPECT_EQ(first(good + good).error().code, Errc::malformed);  // two of each
  RequestStream missing({folder / "not there"});
  EXPECT_EQ(missing.next().error().code, Errc::not_found);
}

// NC-4-1: killed at any moment, the line goes on where it was.
TEST(Batch, KilledAgainAndAgain) {
  constexpr int kCameras = 100;
  Line line;
  line.order("PO-1", 0, kCameras);
  std::string requests;
  for (int i = 0; i < kCameras; ++i) requests += requests_of("CAM-" + std::to_string(i));
  const auto file = line.folder.write("requests.pem", requests);
  line.factory.reset();
  std::mt19937 random(42);
  std::uniform_int_distribution<int> wait_ms(5, 60);
  int kills = 0;
  for (bool finished = false; !finished;) {
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto factory = Factory::open(line.path(), line.clock, *line.engine);
      if (!factory || !factory->use_log_key(*line.log_key)) ::_exit(1);
      RequestStream stream({file});
      BatchOptions options;
      options.order = "PO-1";
      options.group = 8;
      const auto result = run_batch(*factory, *line.ca_key, *line.engine, stream, options);
      ::_exit(result && result->finished && result->progress.refused == 0 ? 0 : 2);
    }
    // Longer and longer, so that it ends on a slow machine, too.
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms(random) + kills * 40));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    finished = WIFEXITED(status);
    kills += finished ? 0 : 1;
    ASSERT_LT(kills, 1000);
  }
  line.reopen();
  const auto serials = line.factory->serials();
  EXPECT_EQ(serials.size(), static_cast<std::size_t>(kCameras));
  EXPECT_EQ(std::set<std::string>(serials.begin(), serials.end()).size(), serials.size());
  const auto report = line.audited();
  EXPECT_TRUE(report.whole()) << report.problems.front();
  EXPECT_TRUE(report.is_signed());
  EXPECT_EQ(report.cameras, static_cast<std::uint64_t>(kCameras));
  EXPECT_EQ(report.certificates, 2u * kCameras);
  std::printf("%d kills, %d cameras\n", kills, kCameras);
}

TEST(Audit, FindsWhatWasChanged) {
  Line line;
  line.order("PO-1", 1, 3);
  line.run("PO-1", requests_of("CAM-1") + requests_of("CAM-2") + requests_of("CAM-3"));
  const auto seen = line.audited().end;
  ASSERT_TRUE(line.factory->revoke(*line.ca_key, "CAM-1", RevocationCause::superseded));
  const auto unsigned_end = line.audited(seen);
  EXPECT_TRUE(unsigned_end.whole());
  EXPECT_FALSE(unsigned_end.is_signed());
  ASSERT_TRUE(line.factory->checkpoint());
  EXPECT_TRUE(line.audited(seen).is_signed());
  const auto root = line.factory->root();
  line.factory.reset();
  const auto text = line.folder.read("factory/issued.jsonl");
  const auto with = [&](const std::string& changed, std::optional<LogPlace> place = {}) {
    line.folder.write("factory/issued.jsonl", changed);
    AuditOptions options{line.path(), &root, std::move(place)};
    const auto report = audit(*line.engine, options).value();
    line.folder.write("factory/issued.jsonl", text);
    return report;
  };
  EXPECT_TRUE(with(text, seen).is_signed());
  for (std::size_t at = 10; at < text.size(); at += 397) {
    auto changed = text;
    changed[at] = changed[at] == '0' ? '1' : '0';
    EXPECT_FALSE(with(changed).whole()) << at;
  }
  // Whole lines taken off the end: the rest is a log, and whoever saw more of it knows.
  const auto cut = text.substr(0, text.find('\n', text.find("\"event\":\"issued\"")) + 1);
  EXPECT_TRUE(with(cut).whole() || !with(cut).is_signed());
  EXPECT_FALSE(with(cut, seen).whole());
  // Written anew with good hashes by somebody who has no key for it: the checkpoints do not fit.
  auto moved = text;
  const auto first_end = moved.find('\n') + 1;
  moved.erase(0, first_end);
  EXPECT_FALSE(with(moved).whole());
  // Another factory's root.
  const Line other;
  AuditOptions options{line.path(), &other.factory->root(), {}};
  EXPECT_FALSE(audit(*line.engine, options)->whole());
  // A certificate that the log does not know.
  const auto pem = crypto_openssl::certificates_pem({root});
  line.folder.write("factory/issued/CAM-1.pem", pem);
  EXPECT_FALSE(with(text).whole());
}

}  // namespace
}  // namespace camvault::identity
