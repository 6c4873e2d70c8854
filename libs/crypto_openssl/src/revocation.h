// What is known about the revocation of a certificate, and revocation lists looked at for one path.
#pragma once

#include <map>
#include <vector>

#include "camvault/crypto/certificate.h"
#include "ossl.h"

namespace camvault::crypto_openssl {

struct Revocation {
  // Somebody who must know was asked: an authentic and complete list of the issuer, not past its next update,
  // or an OCSP response.
  bool answered = false;
  bool revoked = false;      // counts at the time asked
  bool compromised = false;  // for a key compromise, which counts at any time that nobody proves
  Timestamp since{};
};

// Whoever has the key can write any time into what it signs, so a compromise reaches into the past.
bool is_compromise(long reason);  // RFC 5280 5.3.1

// Lists parse once and their signatures are checked once per issuer. Not for use from several threads.
class RevocationLists {
 public:
  explicit RevocationLists(const std::vector<crypto::RevocationList>* lists);
  // `proven`: that what the certificate signed existed at that time (PathRequest::at_is_proven).
  Revocation look_up(const X509* certificate, const X509* issuer, Timestamp at, bool proven);

 private:
  struct List {
    X509Crl crl;
    std::optional<Timestamp> next_update;
    bool complete = false;                  // of all the issuer's certificates, for all reasons
    std::map<const X509*, bool> signed_by;  // by issuer
  };
  static bool is_signed(List& list, const X509* issuer);
  std::vector<List> lists_;
};

}  // namespace camvault::crypto_openssl
