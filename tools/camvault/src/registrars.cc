#include "registrars.h"

#include <algorithm>

#include "camvault/dns_sd/search.h"

namespace camvault::cli {

namespace {
constexpr const char* kRegistrar = "_brski-registrar._tcp";

// What another registrar may do better.
bool is_about_the_registrar(Errc code) {
  return code == Errc::unavailable || code == Errc::denied || code == Errc::invalid ||
         code == Errc::malformed || code == Errc::limit;
}

// The most hopeful one: who is away may come back, and who refuses may have been a stranger.
bool is_more_hopeful(Errc code, Errc than) {
  return code == Errc::unavailable || (code == Errc::denied && than != Errc::unavailable);
}

std::string words_for(std::chrono::seconds wait) {
  return "; try again in " + std::to_string(wait.count()) + " s";
}
}  // namespace

Place place_of(http::Url server) {
  Place out{std::move(server), {}};
  if (!dns_sd::is_link_name(out.server.host)) return out;
  if (auto found = dns_sd::find_host(out.server.host)) out.addresses = std::move(*found);
  return out;
}

Result<std::vector<Place>> registrars_on_the_link() {
  CAM_TRY(auto services, dns_sd::find_services(kRegistrar));
  std::vector<Place> out;
  for (auto& service : services) {
    const auto url = http::parse_url("https://" + service.host + ":" + std::to_string(service.port));
    if (url) out.push_back({*url, std::move(service.addresses)});
  }
  if (out.empty())
    return fail(Errc::unavailable,
                "no registrar says on this network that it is there (_brski-registrar._tcp.local); --server "
                "names one");
  return out;
}

Result<brski::Onboarded> onboard_at_one_of(const std::vector<Place>& places,
                                           const std::function<Attempt(const Place&)>& onboard,
                                           const std::function<bool()>& has_owner, Place& server) {
  Error worst{Errc::unavailable, "there is no registrar"};
  std::string reasons;
  for (const auto& place : places) {
    auto attempt = onboard(place);
    server = place;
    if (attempt.outcome) return std::move(attempt.outcome);
    auto error = attempt.outcome.error();
    if (error.code == Errc::unavailable && attempt.retry_after) error.what += words_for(*attempt.retry_after);
    if (places.size() == 1 || !is_about_the_registrar(error.code) || has_owner())
      return tl::unexpected(std::move(error));
    if (reasons.empty() || is_more_hopeful(error.code, worst.code)) worst.code = error.code;
    reasons += "\n  " + place.server.authority() + ": " + error.what;
  }
  return fail(worst.code, "none of " + std::to_string(places.size()) +
                              " registrars on this network is the owner's:" + reasons);
}

}  // namespace camvault::cli
