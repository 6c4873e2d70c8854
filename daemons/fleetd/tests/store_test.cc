// The same checks on both databases. One test each: a PostgreSQL cluster takes seconds to make.
#include "store.h"

#include <gtest/gtest.h>

#include <thread>

#include "camvault/net/tcp.h"
#include "private_postgres.h"

namespace camvault::fleetd::test {
namespace {

const Timestamp kNow = from_iso8601("2026-06-01T10:00:00Z").value();

CertificateRow row_of(const std::string& serial, const std::string& key, const std::string& number) {
  CertificateRow row;
  row.number = number;
  row.serial = serial;
  row.key_hash = key;
  row.der = "3000";
  row.issued = to_iso8601(kNow);
  row.not_after = "2026-09-01T10:00:00Z";
  return row;
}

class StoreTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "postgres") {
      if (PrivatePostgres::programs().empty()) GTEST_SKIP() << "PostgreSQL is not installed";
      postgres_ = std::make_unique<PrivatePostgres>();
    }
  }
  // A database of its own for each check.
  void open_fresh(const std::string& name) {
    where_ = "sqlite:" + (folder_ / name).string();
    if (postgres_ != nullptr) {
      auto maintenance = database::open_database(postgres_->connection("postgres"));
      ASSERT_TRUE(maintenance) << maintenance.error().what;
      ASSERT_TRUE((*maintenance)->run("CREATE DATABASE " + name, {}));
      where_ = postgres_->connection(name);
    }
    auto store = Store::open(where_);
    ASSERT_TRUE(store) << store.error().what;
    store_ = std::move(*store);
  }
  void one_certificate_for_a_key_of_a_device_on_the_list();
  void revocation_counts_once();
  void many_at_a_time();
  void what_was_answered_is_there_after_a_kill();
  void the_last_hundred_events_of_a_device();
  void a_device_that_is_revoked_while_its_certificate_is_written();
  void a_database_that_says_nothing();

  test_support::TemporaryFolder folder_;
  std::unique_ptr<PrivatePostgres> postgres_;
  std::string where_;
  std::unique_ptr<Store> store_;
};

void StoreTest::one_certificate_for_a_key_of_a_device_on_the_list() {
  EXPECT_EQ(store_->add_certificate(row_of("A", "k1", "01")).error().code, Errc::denied);
  ASSERT_TRUE(store_->allow("A", "north ' gate; DROP TABLE devices", kNow));
  ASSERT_TRUE(store_->allow("A", "north gate", kNow));
  EXPECT_TRUE(store_->is_allowed("A").value());
  EXPECT_FALSE(store_->is_allowed("B").value());
  EXPECT_EQ(store_->add_certificate(row_of("A", "k1", "01")).value().number, "01");
  EXPECT_EQ(store_->add_certificate(row_of("A", "k1", "02")).value().number, "01");  // asked again
  EXPECT_EQ(store_->add_certificate(row_of("A", "k2", "03")).value().number, "03");
  EXPECT_EQ(store_->valid_certificates("A", kNow).value(), 2u);
  EXPECT_EQ(store_->valid_certificates("A", kNow + std::chrono::hours(24 * 365)).value(), 0u);
  EXPECT_EQ(store_->devices({}, 10, kNow).value().front().note, "north gate");
  EXPECT_EQ(store_->devices({}, 10, kNow).value().front().certificates, 2u);
  EXPECT_EQ(store_->totals(kNow).value().enrolled, 1u);
  // Certificates that have ended are no identity.
  const auto later = kNow + std::chrono::hours(24 * 365);
  EXPECT_EQ(store_->devices({}, 10, later).value().front().certificates, 0u);
  EXPECT_EQ(store_->totals(later).value().enrolled, 0u);
  EXPECT_TRUE(store_->devices("A", 10, kNow).value().empty());
}

void StoreTest::revocation_counts_once() {
  ASSERT_TRUE(store_->allow("A", "", kNow));
  ASSERT_TRUE(store_->add_certificate(row_of("A", "k1", "01")));
  ASSERT_TRUE(store_->forbid("A"));
  EXPECT_EQ(store_->forbid("B").error().code, Errc::not_found);
  EXPECT_EQ(store_->revoke("A", 1, kNow).value(), 1u);
  EXPECT_EQ(store_->revoke("A", 4, kNow).value(), 0u);
  EXPECT_EQ(store_->revoked().value().front().reason, 1);
  EXPECT_EQ(store_->revoked().value().front().revoked, to_iso8601(kNow));
  EXPECT_EQ(store_->next_list_number().value(), 1u);
  EXPECT_EQ(store_->next_list_number().value(), 2u);
  EXPECT_EQ(store_->find_number("01").value()->revoked, to_iso8601(kNow));
  EXPECT_FALSE(store_->find_number("02").value());
  const auto totals = store_->totals(kNow).value();
  EXPECT_EQ(totals.issued, 1u);
  EXPECT_EQ(totals.revoked, 1u);
  EXPECT_EQ(totals.enrolled, 0u);
}

// Many threads, the same requests: each key ends with one certificate, and everybody gets that one.
void StoreTest::many_at_a_time() {
  constexpr int kKeys = 20;
  for (int i = 0; i < kKeys; ++i) ASSERT_TRUE(store_->allow("D" + std::to_string(i), "", kNow));
  std::vector<std::vector<std::string>> got(6, std::vector<std::string>(kKeys));
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < got.size(); ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kKeys; ++i) {
          const auto n = std::to_string(i);
          const auto kept = store_->add_certificate(row_of("D" + n, "k" + n, n + "-" + std::to_string(t)));
          if (kept) got[t][static_cast<std::size_t>(i)] = kept->number;
        }
      });
    }
  }
  for (std::size_t i = 0; i < kKeys; ++i) {
    EXPECT_FALSE(got[0][i].empty());
    for (const auto& thread : got) EXPECT_EQ(thread[i], got[0][i]);
  }
  EXPECT_EQ(store_->totals(kNow).value().issued, static_cast<std::uint64_t>(kKeys));
}

void StoreTest::what_was_answered_is_there_after_a_kill() {
  ASSERT_TRUE(store_->allow("A", "", kNow));
  ASSERT_TRUE(store_->add_certificate(row_of("A", "k1", "01")));
  if (postgres_ != nullptr) {
    postgres_->kill();
    const auto away = store_->add_certificate(row_of("A", "k2", "02"));
    ASSERT_FALSE(away);
    EXPECT_EQ(away.error().code, Errc::unavailable);
    postgres_->start();
  }
  // Connections that broke are opened anew.
  Result<std::optional<CertificateRow>> found = store_->find_key("k1");
  for (int i = 0; i < 20 && !found; ++i) found = store_->find_key("k1");
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ((*found)->number, "01");
  const auto second = Store::open(where_);
  ASSERT_TRUE(second) << second.error().what;
  EXPECT_EQ((*second)->totals(kNow).value().issued, 1u);
}

void StoreTest::the_last_hundred_events_of_a_device() {
  for (unsigned i = 0; i < kEventsOfDevice + 5; ++i) {
    const auto at = to_iso8601(kNow + std::chrono::seconds(i));
    ASSERT_TRUE(store_->note({"a" + std::to_string(i), "A", at, "refused", std::to_string(i), ""}));
  }
  ASSERT_TRUE(store_->note({"b", "B", to_iso8601(kNow), "voucher", "it's", "3000"}));
  const auto events = store_->onboarding("A", 500).value();
  ASSERT_EQ(events.size(), kEventsOfDevice);
  EXPECT_EQ(events.front().detail, std::to_string(kEventsOfDevice + 4));
  EXPECT_EQ(events.back().detail, "5");
  EXPECT_EQ(store_->onboarding("B", 500).value().front().detail, "it's");
  EXPECT_EQ(store_->onboarding({}, 500).value().size(), kEventsOfDevice + 1);
}

// A commit that takes long, and a revocation in between: the certificate is revoked, or nobody gets it.
void StoreTest::a_device_that_is_revoked_while_its_certificate_is_written() {
  if (postgres_ == nullptr) return;  // SQLite has one writer, which we are
  ASSERT_TRUE(store_->allow("A", "", kNow));
  auto database = database::open_database(where_).value();
  ASSERT_TRUE(
      database->run("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
                    "'BEGIN PERFORM pg_sleep(1); RETURN NULL; END'",
                    {}));
  ASSERT_TRUE(
      database->run("CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON certificates DEFERRABLE INITIALLY "
                    "DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()",
                    {}));
  Result<CertificateRow> kept = fail(Errc::internal, "");
  {
    std::jthread device([&] { kept = store_->add_certificate(row_of("A", "k1", "01")); });
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    ASSERT_TRUE(store_->forbid("A"));
    ASSERT_TRUE(store_->revoke("A", 1, kNow));
  }
  ASSERT_FALSE(kept) << "valid, given away, and on no list";
  EXPECT_EQ(kept.error().code, Errc::denied);
}

// A host that is gone without a word, and a server that does not come back to us.
void StoreTest::a_database_that_says_nothing() {
  if (postgres_ == nullptr) return;
  const auto begin = std::chrono::steady_clock::now();
  {
    std::jthread second([&] {
      auto database = database::open_database(where_).value();
      const auto rows = database->run("SELECT pg_sleep(11)", {});
      ASSERT_FALSE(rows);
      EXPECT_EQ(rows.error().code, Errc::unavailable);
      EXPECT_TRUE(database->run("SELECT 1", {})) << "a connection that was given up is opened anew";
    });
    auto listener = net::Listener::listen("127.0.0.1", 0).value();
    const auto silent =
        database::open_database("hostaddr=127.0.0.1 dbname=x port=" + std::to_string(listener.port()));
    ASSERT_FALSE(silent);
    EXPECT_EQ(silent.error().code, Errc::unavailable);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST_P(StoreTest, KeepsItsPromises) {
  ASSERT_NO_FATAL_FAILURE(open_fresh("check0"));
  one_certificate_for_a_key_of_a_device_on_the_list();
  ASSERT_NO_FATAL_FAILURE(open_fresh("check1"));
  revocation_counts_once();
  ASSERT_NO_FATAL_FAILURE(open_fresh("check2"));
  many_at_a_time();
  ASSERT_NO_FATAL_FAILURE(open_fresh("check3"));
  what_was_answered_is_there_after_a_kill();
  ASSERT_NO_FATAL_FAILURE(open_fresh("check4"));
  the_last_hundred_events_of_a_device();
  ASSERT_NO_FATAL_FAILURE(open_fresh("check5"));
  a_device_that_is_revoked_while_its_certificate_is_written();
  a_database_that_says_nothing();
}

INSTANTIATE_TEST_SUITE_P(Databases, StoreTest, testing::Values("sqlite", "postgres"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST(Where, NobodyThere) {
  EXPECT_FALSE(Store::open("sqlite:/no/such/folder/fleet.db"));
  EXPECT_FALSE(Store::open("host=/no/such/folder dbname=x connect_timeout=1"));
}

}  // namespace
}  // namespace camvault::fleetd::test
