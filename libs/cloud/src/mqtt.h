// MQTT 3.1.1 on libmosquitto, QoS 1.
#pragma once

#include "camvault/cloud/publisher.h"

namespace camvault::cloud {

Result<std::unique_ptr<Publisher>> make_mqtt_publisher(const Profile& profile, const Device& device,
                                                       const tls::Context& context, Queue& queue);

}  // namespace camvault::cloud
