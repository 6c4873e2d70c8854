// The one element and what is known of it, shared by the backend and its keys. Thread-safe: one caller at a
// time talks to the element.
#pragma once

#include <mutex>

#include "camvault/crypto/engine.h"
#include "camvault/keystore_engine/backend.h"
#include "camvault/keystore_se05x/applet.h"
#include "journal.h"

namespace camvault::keystore_se05x {

using keystore::KeyType;

// What was seen last, for those who must not wait.
struct Seen {
  bool ever = false;
  bool usable = true;
  bool simulator = false;
  std::string health = "not used yet";
  AppletVersion version;
};

class KeySet {
 public:
  KeySet(ElementOptions options, Journal journal, std::shared_ptr<const crypto::Engine> engine);

  // Runs `use` with the applet; nobody else does meanwhile. Remembers how it went.
  template <class Use>
  auto with(Use&& use) {
    const std::lock_guard lock(element_mutex_);
    if (const auto ready = get_ready(); !ready) {
      note(ready.error());
      return decltype(use(applet_))(tl::unexpected(ready.error()));
    }
    auto result = use(applet_);
    if (result) {
      note_good();
    } else {
      note(result.error());
    }
    return result;
  }

  // A number for a new object, written down before it is used.
  Result<ObjectId> reserve(Applet& applet);
  // Nothing was made, or it shall go: now if possible, else when the element is there again.
  void give_up(Applet& applet, ObjectId id);
  // As give_up, for a key whose file is gone: if the element is not there, it goes when it is again. An error
  // only if that cannot be written down.
  Status forget(ObjectId id);
  // A key file holds it.
  Status recorded(ObjectId id);
  // Key files hold these and no others: what is pending and not among them goes when the element is there.
  Status settle(const std::vector<ObjectId>& recorded);

  Seen seen() const;
  crypto::Digest digest(crypto::HashAlg hash, BytesView message) const {
    return engine_->digest(hash, message);
  }
  const crypto::Engine& engine() const { return *engine_; }
  bool has_secure_channel() const { return element_.has_secure_channel(); }
  std::vector<PolicyRule> policy(std::uint32_t rights) const;

 private:
  Status get_ready();
  void note(const Error& error);
  void note_good();

  std::mutex element_mutex_;  // guards the four below
  Element element_;
  Applet applet_{element_};
  Journal journal_;
  bool swept_ = false;  // what was doomed is gone

  mutable std::mutex seen_mutex_;
  Seen seen_;
  std::shared_ptr<const crypto::Engine> engine_;
};

}  // namespace camvault::keystore_se05x
