// What one neighbour says about services and hosts. Never what two of them say together: nobody can put an
// address under another one's name.
#pragma once

#include "camvault/dns_sd/message.h"
#include "camvault/dns_sd/search.h"
#include "link.h"

namespace camvault::dns_sd {

class Findings {
 public:
  // What is over the limits is left out.
  void take(const Answers& answers);

  // Of a service type ("_brski-registrar._tcp.local"): those whose host is a name of the link, with addresses
  // on it; no two are the same.
  std::vector<Service> services(const std::string& type, const Link& link) const;
  std::vector<std::string> addresses(const std::string& host, const Link& link) const;
  // What was not told along with the rest (RFC 6763 12 only recommends that it is).
  std::vector<Question> open_questions(const std::string& type) const;

 private:
  std::vector<const Server*> servers(const std::string& type) const;

  Answers all_;
};

}  // namespace camvault::dns_sd
