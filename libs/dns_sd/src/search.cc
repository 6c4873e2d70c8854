#include "camvault/dns_sd/search.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "camvault/base/file.h"
#include "camvault/net/tcp.h"
#include "findings.h"

namespace camvault::dns_sd {

namespace {
constexpr std::size_t kMaxQuestions = 16;    // of a round
constexpr std::size_t kMaxServicesEach = 2;  // that one neighbour is heard about
constexpr std::size_t kMaxHostAddresses = 2 * kMaxAddresses;
constexpr int kRoomForNoise = 2 * 1024 * 1024;  // bytes
constexpr int kHops = 255;                      // RFC 6762 11

// Where we ask, and hear who answers us alone (RFC 6762 6.7: the port is not 5353).
struct Ear {
  UniqueFd socket;
  const Link* link = nullptr;
  sockaddr_storage group{};
  socklen_t group_size = 0;
};

struct Neighbour {
  const Link* link = nullptr;
  Address address;
  std::size_t messages = 0;
  Findings findings;
};

template <class Value>
bool set(int fd, int level, int option, const Value& value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

template <class Sockaddr>
bool bind_to(int fd, const Sockaddr& address) {
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool open_v4(Ear& ear, const Network& network, std::uint16_t port) {
  sockaddr_in own{};
  own.sin_family = AF_INET;
  std::memcpy(&own.sin_addr, network.own.bytes.data(), 4);
  sockaddr_in group{};
  group.sin_family = AF_INET;
  group.sin_port = htons(port);
  group.sin_addr.s_addr = htonl(0xe00000fb);  // 224.0.0.251
  std::memcpy(&ear.group, &group, sizeof group);
  ear.group_size = sizeof group;
  ip_mreqn through{};
  through.imr_ifindex = static_cast<int>(ear.link->index);
  return bind_to(ear.socket.get(), own) && set(ear.socket.get(), IPPROTO_IP, IP_MULTICAST_IF, through) &&
         set(ear.socket.get(), IPPROTO_IP, IP_MULTICAST_TTL, kHops);
}

bool open_v6(Ear& ear, const Network& network, std::uint16_t port) {
  sockaddr_in6 own{};
  own.sin6_family = AF_INET6;
  own.sin6_scope_id = ear.link->index;
  std::memcpy(&own.sin6_addr, network.own.bytes.data(), 16);
  sockaddr_in6 group{};
  group.sin6_family = AF_INET6;
  group.sin6_port = htons(port);
  group.sin6_scope_id = ear.link->index;
  if (::inet_pton(AF_INET6, "ff02::fb", &group.sin6_addr) != 1) return false;
  std::memcpy(&ear.group, &group, sizeof group);
  ear.group_size = sizeof group;
  const int index = static_cast<int>(ear.link->index);
  return set(ear.socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1) && bind_to(ear.socket.get(), own) &&
         set(ear.socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, index) &&
         set(ear.socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, kHops);
}

// One of each family for each link.
std::vector<Ear> ears_on(const std::vector<Link>& links, std::uint16_t port) {
  std::vector<Ear> out;
  for (const auto& link : links) {
    for (const bool v6 : {false, true}) {
      for (const auto& network : link.networks) {
        if (network.own.is_v6 != v6) continue;
        Ear ear{UniqueFd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
                &link};
        // Noise must not push out who is looked for; the kernel gives what it has.
        set(ear.socket.get(), SOL_SOCKET, SO_RCVBUF, kRoomForNoise);
        if (!ear.socket.valid() || !(v6 ? open_v6(ear, network, port) : open_v4(ear, network, port)))
          continue;
        out.push_back(std::move(ear));
        break;
      }
    }
  }
  return out;
}

class Search {
 public:
  // `all` ends the search at once, `enough` with the round; that one is asked once a round.
  Search(const Settings& settings, std::vector<Link> links)
      : settings_(settings),
        links_(std::move(links)),
        ears_(ears_on(links_, settings.port)),
        room_(kMaxMessage + 1) {}

  bool can_ask() const { return !ears_.empty(); }
  const std::vector<Neighbour>& neighbours() const { return neighbours_; }

  void run(const std::vector<Question>& first, const std::string& type, const std::function<bool()>& all,
           const std::function<bool()>& enough) {
    if (::getrandom(&id_, sizeof id_, 0) != sizeof id_) return;
    for (unsigned round = 0; round < settings_.rounds && !enough(); ++round) {
      auto questions = first;
      for (const auto& neighbour : neighbours_) {
        for (auto& question : neighbour.findings.open_questions(type)) {
          if (questions.size() < kMaxQuestions &&
              std::find(questions.begin(), questions.end(), question) == questions.end())
            questions.push_back(std::move(question));
        }
      }
      for (const auto& question : questions) ask(question);
      const auto end = net::within(settings_.round);
      while (!all() && listen(end)) {
      }
    }
  }

 private:
  void ask(const Question& question) {
    const auto message = write_question(question, id_);
    if (!message) return;
    for (const auto& ear : ears_)
      ::sendto(ear.socket.get(), message->data(), message->size(), 0,
               reinterpret_cast<const sockaddr*>(&ear.group), ear.group_size);
  }

  // False at the end of the time.
  bool listen(net::Deadline end) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    std::vector<pollfd> polls;
    polls.reserve(ears_.size());
    for (const auto& ear : ears_) polls.push_back({ear.socket.get(), POLLIN, 0});
    if (::poll(polls.data(), polls.size(), static_cast<int>(left)) <= 0) return true;
    for (std::size_t i = 0; i < ears_.size(); ++i) {
      if ((polls[i].revents & POLLIN) != 0) hear(ears_[i]);
    }
    return true;
  }

  void hear(const Ear& ear) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const auto count = ::recvfrom(ear.socket.get(), room_.data(), room_.size(), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&from), &size);
    if (count <= 0) return;
    // RFC 6762 6 and 11: answers come from that port, and from the link.
    const auto port = from.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(from).sin6_port
                                                 : reinterpret_cast<const sockaddr_in&>(from).sin_port;
    const auto address = address_of(reinterpret_cast<const sockaddr&>(from));
    if (ntohs(port) != settings_.port || !is_on(*ear.link, address)) return;
    auto* neighbour = neighbour_at(*ear.link, address);
    if (neighbour == nullptr || ++neighbour->messages > kMaxMessagesEach) return;
    const auto answers = read_answers(BytesView(room_.data(), static_cast<std::size_t>(count)), id_);
    if (answers) neighbour->findings.take(*answers);
  }

  Neighbour* neighbour_at(const Link& link, const Address& address) {
    const auto known = std::find_if(neighbours_.begin(), neighbours_.end(), [&](const Neighbour& neighbour) {
      return neighbour.link == &link && neighbour.address.is_v6 == address.is_v6 &&
             neighbour.address.bytes == address.bytes;
    });
    if (known != neighbours_.end()) return &*known;
    if (neighbours_.size() == kMaxNeighbours) return nullptr;
    neighbours_.push_back({&link, address, 0, {}});
    return &neighbours_.back();
  }

  const Settings& settings_;
  std::vector<Link> links_;
  std::vector<Ear> ears_;
  Bytes room_;
  std::uint16_t id_ = 0;
  std::vector<Neighbour> neighbours_;
};

// Avahi and others tell IPv4 addresses through IPv4 alone, and in an answer of their own; the server may
// listen on one family only.
bool of_both_families(const std::vector<std::string>& addresses) {
  const auto is_v6 = [](const std::string& text) { return text.find(':') != std::string::npos; };
  return std::any_of(addresses.begin(), addresses.end(), is_v6) &&
         !std::all_of(addresses.begin(), addresses.end(), is_v6);
}

Result<Search> search_with(const Settings& settings) {
  Search out(settings, links_of(settings.interfaces));
  if (!out.can_ask()) return fail(Errc::unavailable, "there is no network to ask on");
  return out;
}
}  // namespace

Result<std::vector<Service>> find_services(const std::string& type, const Settings& settings) {
  const Question question{type + ".local", RecordType::ptr};
  CAM_TRY_STATUS(write_question(question, 0));
  CAM_TRY(auto search, search_with(settings));
  const auto found = [&] {
    std::vector<Service> out;
    for (const auto& neighbour : search.neighbours()) {
      auto services = neighbour.findings.services(question.name, *neighbour.link);
      services.resize(std::min({services.size(), kMaxServicesEach, kMaxServices - out.size()}));
      std::move(services.begin(), services.end(), std::back_inserter(out));
    }
    return out;
  };
  // Who is heard through one family alone is asked once more.
  int rounds_with_some = 0;
  search.run(
      {question}, question.name, [] { return false; },
      [&] {
        std::vector<std::string> addresses;
        for (const auto& service : found())
          addresses.insert(addresses.end(), service.addresses.begin(), service.addresses.end());
        return of_both_families(addresses) || (!addresses.empty() && ++rounds_with_some == 2);
      });
  auto out = found();
  std::stable_sort(out.begin(), out.end(),
                   [](const Service& a, const Service& b) { return a.priority < b.priority; });
  return out;
}

Result<std::vector<std::string>> find_host(const std::string& host, const Settings& settings) {
  if (!is_link_name(host)) return fail(Errc::usage, "that is no name of the link");
  CAM_TRY(auto search, search_with(settings));
  const auto found = [&] {
    std::vector<std::string> out;
    for (const auto& neighbour : search.neighbours()) {
      for (auto& address : neighbour.findings.addresses(host, *neighbour.link)) {
        if (out.size() < kMaxHostAddresses && std::find(out.begin(), out.end(), address) == out.end())
          out.push_back(std::move(address));
      }
    }
    return out;
  };
  search.run(
      {{host, RecordType::a}, {host, RecordType::aaaa}}, {}, [&] { return of_both_families(found()); },
      [&] { return !found().empty(); });
  return found();
}

}  // namespace camvault::dns_sd
