// The owner's half of BRSKI, without its transport: what a camera's request must say, and what is passed on.
#pragma once

#include "camvault/tls/credential.h"
#include "camvault/voucher/signed_voucher.h"

namespace camvault::brski {

// RFC 8995 5.3: it is signed by the device that TLS knows (`idevid`), speaks about this device, and was made
// on a connection to us (`registrar`: the key of its proximity-registrar-cert). Errc::denied, malformed,
// limit, invalid, unsupported.
Result<voucher::VoucherRequest> check_pledge_request(const crypto::Engine& engine, BytesView message,
                                                     const crypto::Certificate& idevid,
                                                     const crypto::Certificate& registrar);

// RFC 8995 5.5: the registrar's request to the maker. `ca`: the owner's, which is to be pinned.
Result<Bytes> make_registrar_request(const tls::Credential& registrar, const crypto::Certificate& ca,
                                     const crypto::Certificate& idevid, BytesView pledge_message,
                                     const voucher::VoucherRequest& pledge, Timestamp now);

// Is this voucher an answer to that? It is passed on as it is; a camera judges it for itself.
Status check_voucher(const crypto::Engine& engine, BytesView message, const voucher::VoucherRequest& pledge,
                     const tls::Credential& registrar, const crypto::Certificate& ca);

}  // namespace camvault::brski
