#include "camvault/cloud/publisher.h"

#include <algorithm>
#include <thread>

#include "https.h"
#include "mqtt.h"
#include "pause.h"

namespace camvault::cloud {

std::chrono::milliseconds Pause::next() {
  constexpr std::chrono::milliseconds kLongest{30'000};
  return std::exchange(length_, std::min(length_ * 2, kLongest));
}

void wait_unless(const std::function<bool(const Progress&)>& done, const Progress& progress,
                 std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until && !done(progress))
    std::this_thread::sleep_for(std::min(time, kStep));
}

Result<std::unique_ptr<Publisher>> Publisher::create(const Profile& profile, const Device& device,
                                                     const tls::Context& context, Queue& queue) {
  return profile.transport == Transport::https ? make_https_publisher(profile, device, context, queue)
                                               : make_mqtt_publisher(profile, device, context, queue);
}

}  // namespace camvault::cloud
