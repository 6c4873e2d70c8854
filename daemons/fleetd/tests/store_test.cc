// The same checks on both databases. One test each: a PostgreSQL cluster takes seconds to make.
#include "store.h"

#include <gtest/gtest.h>

#include <thread>

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
  EXPECT_EQ(store_->devices({}, 10).value().front().note, "north gate");
  EXPECT_EQ(store_->devices({}, 10).value().front().certificates, 2u);
  EXPECT_TRUE(store_->devices("A", 10).value().empty());
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
  const auto totals = store_->totals().value();
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
  EXPECT_EQ(store_->totals().value().issued, static_cast<std::uint64_t>(kKeys));
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
  EXPECT_EQ((*second)->totals().value().issued, 1u);
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
}

INSTANTIATE_TEST_SUITE_P(Databases, StoreTest, testing::Values("sqlite", "postgres"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST(Where, NobodyThere) {
  EXPECT_FALSE(Store::open("sqlite:/no/such/folder/fleet.db"));
  EXPECT_FALSE(Store::open("host=/no/such/folder dbname=x connect_timeout=1"));
}

}  // namespace
}  // namespace camvault::fleetd::test
