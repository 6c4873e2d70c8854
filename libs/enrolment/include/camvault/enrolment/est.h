// EST (RFC 7030, with RFC 8951's corrections) as messages: what a client asks, what a server answers, over
// any HTTP. No sockets here, no TLS; both are parameters.
#pragma once

#include <optional>

#include "camvault/crypto/certificate.h"
#include "camvault/http/message.h"

namespace camvault::enrolment {

inline constexpr std::string_view kEstPath = "/.well-known/est";
inline constexpr std::size_t kMaxEstBody =
    64 * 1024;  // bytes, both ways; certificates and requests are a few KiB
inline constexpr std::size_t kMaxAttributes = 64;

enum class EstOperation : std::uint8_t { cacerts, simpleenroll, simplereenroll, csrattrs, serverkeygen };
std::string_view path_of(EstOperation operation);  // "simpleenroll"
// Of "/.well-known/est/simpleenroll", or with one label between (RFC 7030 3.2.2), which is passed over.
std::optional<EstOperation> operation_of(std::string_view path);
// That label; empty: none.
std::string_view label_of(std::string_view path);

// Under this label certificates for keys that sign video are given (docs/enrolment.md), with the usage
// id-kp-documentSigning (RFC 9336): they open no door in TLS or 802.1X, which want clientAuth.
inline constexpr std::string_view kMediaLabel = "media-signing";
inline constexpr const char* kMediaUsage = "1.3.6.1.5.5.7.3.36";

// RFC 7030 4.5.2: what the server wants in a request. Others' wishes are kept as object identifiers.
struct CsrAttributes {
  bool challenge_password = false;  // bind the request to the connection (3.5)
  std::vector<Bytes> others;        // OBJECT IDENTIFIER elements, DER
};
Result<CsrAttributes> read_csr_attributes(BytesView der);
Bytes encode_csr_attributes(const CsrAttributes& attributes);

// The bodies of EST are base64 (RFC 8951 3.1), whatever a Content-Transfer-Encoding says.
std::string encode_body(BytesView der);
Result<Bytes> decode_body(BytesView body);

// The challenge password that binds a request to a connection: base64 of the channel binding.
std::string binding_text(BytesView channel_binding);

}  // namespace camvault::enrolment
