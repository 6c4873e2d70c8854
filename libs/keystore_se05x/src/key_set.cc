#include "key_set.h"

#include <algorithm>
#include <array>

namespace camvault::keystore_se05x {

namespace {
constexpr int kTries = 8;  // of random numbers for an object
}  // namespace

KeySet::KeySet(ElementOptions options, Journal journal, std::shared_ptr<const crypto::Engine> engine)
    : element_(std::move(options)), journal_(std::move(journal)), engine_(std::move(engine)) {}

Status KeySet::get_ready() {
  CAM_TRY_STATUS(element_.ready());
  if (swept_) return ok();
  const auto entries = journal_.entries();
  for (const auto& [id, mark] : entries) {
    if (mark == Journal::Mark::doomed) give_up(applet_, id);
  }
  swept_ = element_.is_connected();  // else it vanished meanwhile
  return ok();
}

Result<ObjectId> KeySet::reserve(Applet& applet) {
  for (int i = 0; i < kTries; ++i) {
    std::array<std::uint8_t, 4> bytes{};
    CAM_TRY_STATUS(applet.random(bytes));
    const auto number = static_cast<ObjectId>(bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
    const auto id = object::kFirstKey | (number & (object::kLastKey - object::kFirstKey));
    if (journal_.has(id)) continue;
    CAM_TRY(const bool taken, applet.exists(id));
    if (taken) continue;
    CAM_TRY_STATUS(journal_.put(id, Journal::Mark::pending));
    return id;
  }
  return fail(Errc::limit, "SE05x: no free number for an object");
}

void KeySet::give_up(Applet& applet, ObjectId id) {
  const auto there = applet.exists(id);
  const bool gone = there && (!*there || applet.remove(id));
  if (gone) {
    static_cast<void>(journal_.strike(id).has_value());
    return;
  }
  static_cast<void>(journal_.put(id, Journal::Mark::doomed).has_value());
  swept_ = false;
}

Status KeySet::forget(ObjectId id) {
  const std::lock_guard lock(element_mutex_);
  if (const auto ready = get_ready(); !ready) {
    note(ready.error());
    swept_ = false;
    return journal_.put(id, Journal::Mark::doomed);
  }
  give_up(applet_, id);
  return ok();
}

Status KeySet::recorded(ObjectId id) {
  const std::lock_guard lock(element_mutex_);
  return journal_.strike(id);
}

Status KeySet::settle(const std::vector<ObjectId>& recorded) {
  const std::lock_guard lock(element_mutex_);
  const auto entries = journal_.entries();
  for (const auto& [id, mark] : entries) {
    const bool is_recorded = std::find(recorded.begin(), recorded.end(), id) != recorded.end();
    CAM_TRY_STATUS(is_recorded ? journal_.strike(id) : journal_.put(id, Journal::Mark::doomed));
  }
  swept_ = false;
  return ok();
}

// Rights for the session that this host opens, or for everybody if it opens none. The public half may be read
// by whoever asks: attestation needs that.
std::vector<PolicyRule> KeySet::policy(std::uint32_t rights) const {
  const auto channel = element_.has_secure_channel() ? may::kRequireSecureMessaging : 0;
  if (element_.user() == 0) return {{0, rights | channel}};
  return {{element_.user(), rights | channel}, {0, rights & may::kRead}};
}

void KeySet::note(const Error& error) {
  const std::lock_guard lock(seen_mutex_);
  if (!element_.is_connected()) {
    seen_.usable = false;
    seen_.health = error.what;
  }
}

void KeySet::note_good() {
  const std::lock_guard lock(seen_mutex_);
  seen_.ever = true;
  seen_.usable = true;
  seen_.simulator = element_.is_simulator();
  seen_.health = element_.has_secure_channel() ? "ready, the bus is encrypted" : "ready, the bus is in clear";
  seen_.version = element_.version();
}

Seen KeySet::seen() const {
  const std::lock_guard lock(seen_mutex_);
  return seen_;
}

}  // namespace camvault::keystore_se05x
