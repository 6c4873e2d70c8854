#include "camvault/keystore/tls_secrets.h"

namespace camvault::keystore {

std::size_t point_size(TlsGroup group) {
  return group == TlsGroup::x25519 ? 32 : 65;
}

Status check_tls_derivation(const TlsDerivation& d) {
  const bool expands = d.step == TlsStep::expand_1_3;
  const bool sized = expands || d.step == TlsStep::prf_1_2;
  if (d.secret.empty() && d.step != TlsStep::extract_1_3) return fail(Errc::usage, "no secret");
  if (!d.before.empty() && d.step != TlsStep::extract_1_3)
    return fail(Errc::usage, "a stage before, of what is no stage");
  if (d.label.empty() == expands || d.label.size() > kMaxTlsLabel)
    return fail(Errc::usage, "a label, if it expands, of at most 249 bytes");
  if (d.data.size() > kMaxTlsContext || (!d.data.empty() && d.step == TlsStep::extract_1_3))
    return fail(Errc::usage, "at most 4096 bytes of seed, context or message");
  if ((d.size != 0) != sized || d.size > kMaxTlsOutput)
    return fail(Errc::usage, "1 to 512 bytes from what has no size of its own");
  return ok();
}

}  // namespace camvault::keystore
