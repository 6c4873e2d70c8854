#include "camvault/key_source/media_key_watch.h"

#include <condition_variable>

#include "camvault/key_source/media_key.h"
#include "camvault/key_source/root_layout.h"

namespace camvault::key_source {

namespace {
constexpr std::chrono::milliseconds kLook{500};
}  // namespace

MediaKeyWatch::MediaKeyWatch(KeySource source, std::string name)
    : source_(std::move(source)), name_(std::move(name)) {
  if (source_.is_the_cameras())
    worker_ = std::jthread([this](const std::stop_token& ending) { watch(ending); });
}

MediaKeyWatch::~MediaKeyWatch() = default;

std::optional<SigningIdentity> MediaKeyWatch::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(found_, std::nullopt);
}

void MediaKeyWatch::watch(const std::stop_token& ending) {
  const auto file = RootLayout{source_.root}.current_media_key();
  std::condition_variable_any never;
  std::unique_lock lock(mutex_);
  while (!ending.stop_requested()) {
    never.wait_for(lock, ending, kLook, [] { return false; });
    lock.unlock();
    const auto current = read_media_key(file);
    // What cannot be read or opened now is looked at again; the key that is there goes on signing.
    std::optional<SigningIdentity> next;
    if (current && *current && (*current)->key != name_) {
      if (auto opened = open_identity(source_)) next = std::move(*opened);
    }
    lock.lock();
    if (!next) continue;
    name_ = next->name;
    found_ = std::move(next);
  }
}

}  // namespace camvault::key_source
