#include "findings.h"

#include <algorithm>

namespace camvault::dns_sd {

namespace {
constexpr std::size_t kMaxKept = 32;  // of each kind, of a neighbour
constexpr std::size_t kMaxLabel = 63;

template <class Record>
void take_some(std::vector<Record>& into, const std::vector<Record>& from) {
  const auto room = kMaxKept - into.size();
  into.insert(into.end(), from.begin(),
              from.begin() + static_cast<std::ptrdiff_t>(std::min(room, from.size())));
}

template <class List, class Value>
void add_once(List& list, Value value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(std::move(value));
}
}  // namespace

bool is_link_name(const std::string& host) {
  constexpr std::string_view kEnd = ".local";
  if (host.size() <= kEnd.size() || !host.ends_with(kEnd)) return false;
  const auto label = std::string_view(host).substr(0, host.size() - kEnd.size());
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), fits);
}

void Findings::take(const Answers& answers) {
  take_some(all_.pointers, answers.pointers);
  take_some(all_.servers, answers.servers);
  take_some(all_.addresses, answers.addresses);
}

std::vector<const Server*> Findings::servers(const std::string& type) const {
  std::vector<const Server*> out;
  for (const auto& pointer : all_.pointers) {
    if (pointer.name != type) continue;
    for (const auto& server : all_.servers) {
      if (server.name == pointer.target && server.port != 0 && is_link_name(server.host))
        add_once(out, &server);
    }
  }
  return out;
}

std::vector<std::string> Findings::addresses(const std::string& host, const Link& link) const {
  std::vector<std::string> out;
  for (const auto& address : all_.addresses) {
    if (address.name == host && is_on(link, address) && out.size() < kMaxAddresses)
      add_once(out, text_of(link, address));
  }
  return out;
}

std::vector<Service> Findings::services(const std::string& type, const Link& link) const {
  std::vector<Service> out;
  for (const auto* server : servers(type)) {
    auto where = addresses(server->host, link);
    const bool known = std::any_of(out.begin(), out.end(), [&](const Service& service) {
      return service.host == server->host && service.port == server->port;
    });
    if (!where.empty() && !known)
      out.push_back({server->name, server->host, server->port, std::move(where), server->priority});
  }
  return out;
}

std::vector<Question> Findings::open_questions(const std::string& type) const {
  std::vector<Question> out;
  for (const auto& pointer : all_.pointers) {
    const bool known = std::any_of(all_.servers.begin(), all_.servers.end(),
                                   [&](const Server& server) { return server.name == pointer.target; });
    if (pointer.name == type && !known) add_once(out, Question{pointer.target, RecordType::srv});
  }
  for (const auto* server : servers(type)) {
    const bool known = std::any_of(all_.addresses.begin(), all_.addresses.end(),
                                   [&](const Address& address) { return address.name == server->host; });
    if (known) continue;
    add_once(out, Question{server->host, RecordType::a});
    add_once(out, Question{server->host, RecordType::aaaa});
  }
  return out;
}

}  // namespace camvault::dns_sd
