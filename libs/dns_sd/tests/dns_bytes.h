// DNS messages by hand, for tests: nothing here is used by what is tested.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "camvault/base/bytes.h"

namespace camvault::dns_sd::test {

inline void u16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

// Labels separated by '|', so that a dot can stand inside one.
inline Bytes name(std::string_view text) {
  Bytes out;
  while (!text.empty()) {
    const auto label = text.substr(0, text.find('|'));
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    text.remove_prefix(std::min(text.size(), label.size() + 1));
  }
  out.push_back(0);
  return out;
}

struct Record {
  Bytes owner;
  unsigned type = 0;
  Bytes data;
  unsigned klass = 1;
  unsigned ttl = 120;
};

inline Record ptr(std::string_view owner, std::string_view target) {
  return {name(owner), 12, name(target)};
}
inline Record srv(std::string_view owner, unsigned priority, unsigned port, std::string_view host) {
  Record out{name(owner), 33, {}};
  for (const unsigned value : {priority, 0u, port}) u16(out.data, value);
  const auto target = name(host);
  out.data.insert(out.data.end(), target.begin(), target.end());
  return out;
}
inline Record a(std::string_view owner, Bytes address) {
  return {name(owner), 1, std::move(address)};
}

// RFC 6762 6.7: with the question again if there is one.
inline Bytes message(unsigned id, const std::vector<Record>& answers, unsigned flags = 0x8400,
                     const Bytes& question = {}) {
  Bytes out;
  for (const unsigned value :
       {id, flags, question.empty() ? 0u : 1u, static_cast<unsigned>(answers.size()), 0u, 0u})
    u16(out, value);
  out.insert(out.end(), question.begin(), question.end());
  for (const auto& record : answers) {
    out.insert(out.end(), record.owner.begin(), record.owner.end());
    u16(out, record.type);
    u16(out, record.klass);
    u16(out, 0);
    u16(out, record.ttl);
    u16(out, static_cast<unsigned>(record.data.size()));
    out.insert(out.end(), record.data.begin(), record.data.end());
  }
  return out;
}

inline constexpr std::string_view kType = "_brski-registrar|_tcp|local";
inline constexpr std::string_view kInstance = "The. Fleet|_brski-registrar|_tcp|local";

}  // namespace camvault::dns_sd::test
