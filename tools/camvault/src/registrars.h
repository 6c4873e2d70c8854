// Where servers are that have no name in the DNS: on the camera's own link (RFC 6762, RFC 8995 Appendix B).
#pragma once

#include <functional>
#include <vector>

#include "camvault/brski/pledge.h"

namespace camvault::cli {

struct Place {
  http::Url server;
  std::vector<std::string> addresses;  // none: where its name leads
};

// A server that was named: its addresses on the link if its name is one of the link and somebody answers.
Place place_of(http::Url server);

// All that say they are registrars. Errc::unavailable: nobody does.
Result<std::vector<Place>> registrars_on_the_link();

struct Attempt {
  Result<brski::Onboarded> outcome;
  std::optional<std::chrono::seconds> retry_after;
};
// One after the other until one is the owner's, or could be tried again; then `server` is that one. Whether
// the camera has an owner afterwards is asked of `has_owner`: then nobody else is tried.
Result<brski::Onboarded> onboard_at_one_of(const std::vector<Place>& places,
                                           const std::function<Attempt(const Place&)>& onboard,
                                           const std::function<bool()>& has_owner, Place& server);

}  // namespace camvault::cli
