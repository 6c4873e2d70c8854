// HTTPS: a request a message, one after the other over one connection.
#pragma once

#include "camvault/cloud/publisher.h"

namespace camvault::cloud {

// What a status (RFC 9110 15) says about a message, and about all that wait behind it.
enum class Answer : std::uint8_t {
  taken,
  unfit,    // this message will never be taken
  unclear,  // this message, or all of them: 400 is also what servers say to a certificate
  later,    // the same request can succeed
  refused,  // no message of ours is wanted, or not here
};
Answer judge(int status);

Result<std::unique_ptr<Publisher>> make_https_publisher(const Profile& profile, const Device& device,
                                                        const tls::Context& context, Queue& queue);

}  // namespace camvault::cloud
