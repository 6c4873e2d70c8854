#include <openssl/ts.h>

#include <algorithm>

#include "camvault/base/byte_reader.h"
#include "camvault/crypto_openssl/time_stamp.h"
#include "certificate.h"
#include "der.h"

namespace camvault::crypto_openssl {

namespace {
constexpr std::size_t kMaxNonce = 32;
constexpr std::size_t kMaxWords = 200;  // of an authority's reason that we pass on

using TsResponse = Owned<TS_RESP, TS_RESP_free>;

// One DER element, header included, off the front.
Result<BytesView> take_element(ByteReader& in, BytesView all) {
  const auto begin = in.position();
  CAM_TRY_STATUS(in.skip(1));
  CAM_TRY(const auto first, in.u8());
  std::size_t size = first;
  if (first > 0x80) {
    if (first > 0x83) return fail(Errc::limit, "DER element longer than 16 MiB");
    size = 0;
    for (int i = 0; i < (first & 0x7f); ++i) {
      CAM_TRY(const auto byte, in.u8());
      size = size << 8 | byte;
    }
  } else if (first == 0x80) {
    return fail(Errc::malformed, "indefinite length in DER");
  }
  CAM_TRY_STATUS(in.skip(size));
  return all.subspan(begin, in.position() - begin);
}

std::string oid_of_hash(crypto::HashAlg hash) {
  switch (hash) {
    case crypto::HashAlg::sha256:
      return "2.16.840.1.101.3.4.2.1";
    case crypto::HashAlg::sha384:
      return "2.16.840.1.101.3.4.2.2";
    case crypto::HashAlg::sha512:
      break;
  }
  return "2.16.840.1.101.3.4.2.3";
}

// 2.4.2: PKIFailureInfo, the bits an authority may set.
std::string_view words_of(int bit) {
  switch (bit) {
    case TS_INFO_BAD_ALG:
      return "it does not know the hash algorithm";
    case TS_INFO_BAD_REQUEST:
      return "it does not take such a request";
    case TS_INFO_BAD_DATA_FORMAT:
      return "it could not read the request";
    case TS_INFO_TIME_NOT_AVAILABLE:
      return "its clock is not available";
    case TS_INFO_UNACCEPTED_POLICY:
      return "it does not know the policy";
    case TS_INFO_UNACCEPTED_EXTENSION:
      return "it does not know an extension";
    case TS_INFO_ADD_INFO_NOT_AVAILABLE:
      return "additional information is not available";
    case TS_INFO_SYSTEM_FAILURE:
      return "it has failed";
    default:
      return {};
  }
}

std::string reason_of(const TS_STATUS_INFO* info) {
  std::string reason;
  if (const auto* bits = TS_STATUS_INFO_get0_failure_info(info)) {
    for (int bit = 0; bit < 32; ++bit) {
      if (ASN1_BIT_STRING_get_bit(bits, bit) == 0 || words_of(bit).empty()) continue;
      reason += (reason.empty() ? "" : ", ") + std::string(words_of(bit));
    }
  }
  if (const auto* texts = TS_STATUS_INFO_get0_text(info);
      texts != nullptr && sk_ASN1_UTF8STRING_num(texts) > 0) {
    const auto* text = sk_ASN1_UTF8STRING_value(texts, 0);
    const auto size = std::min(static_cast<std::size_t>(ASN1_STRING_length(text)), kMaxWords);
    const std::string words(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), size);
    std::string shown;
    std::copy_if(words.begin(), words.end(), std::back_inserter(shown),
                 [](char c) { return c >= ' ' && c <= '~'; });
    if (!shown.empty()) reason += (reason.empty() ? "\"" : ": \"") + shown + "\"";
  }
  return reason.empty() ? "it does not say why" : reason;
}
}  // namespace

Result<Bytes> encode_time_stamp_query(crypto::HashAlg hash, const crypto::Digest& digest, BytesView nonce,
                                      std::string_view policy) {
  if (digest.size != crypto::digest_size(hash)) return fail(Errc::usage, "a digest of another algorithm");
  const bool zero = std::all_of(nonce.begin(), nonce.end(), [](std::uint8_t byte) { return byte == 0; });
  if (nonce.empty() || nonce.size() > kMaxNonce || zero)
    return fail(Errc::usage, "a nonce has 1 to 32 bytes");
  CAM_TRY(const auto algorithm, der::object_identifier(oid_of_hash(hash)));
  const auto imprint =
      der::sequence({der::sequence({algorithm, der::null()}), der::octet_string(digest.view())});
  Bytes wanted_policy;
  if (!policy.empty()) {
    CAM_TRY(wanted_policy, der::object_identifier(policy));
  }
  return der::sequence(
      {der::integer(std::uint64_t{1}), imprint, wanted_policy, der::integer(nonce), der::boolean_true()});
}

Result<Bytes> time_stamp_token_of(BytesView answer) {
  if (answer.size() > kMaxTimeStampAnswer) return fail(Errc::limit, "time stamp answer longer than 68 KiB");
  clear_errors();
  const auto* cursor = answer.data();
  const TsResponse response(d2i_TS_RESP(nullptr, &cursor, static_cast<long>(answer.size())));
  clear_errors();
  if (!response || cursor != answer.data() + answer.size())
    return fail(Errc::malformed, "not an answer of a time stamp authority");
  const auto* info = TS_RESP_get_status_info(response.get());
  const long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info));
  clear_errors();
  if (status != TS_STATUS_GRANTED && status != TS_STATUS_GRANTED_WITH_MODS)
    return fail(Errc::denied, "the time stamp authority refuses: " + reason_of(info));
  // Bytes that were signed are kept as they came, never encoded again.
  ByteReader outer(answer);
  CAM_TRY(const auto whole, take_element(outer, answer));
  CAM_TRY_STATUS(outer.finish());
  const std::size_t header = whole[1] < 0x80 ? 2u : 2u + (whole[1] & 0x7fu);
  const auto body = whole.subspan(header);
  ByteReader in(body);
  CAM_TRY_STATUS(take_element(in, body));
  if (in.at_end()) return fail(Errc::malformed, "the time stamp authority granted nothing");
  CAM_TRY(const auto token, take_element(in, body));
  CAM_TRY_STATUS(in.finish());
  if (token.size() > crypto::kMaxTimeStampToken)
    return fail(Errc::limit, "time stamp token longer than 64 KiB");
  return to_bytes(token);
}

}  // namespace camvault::crypto_openssl
