#include "messages.h"

#include "camvault/codec/cbor.h"

namespace camvault::peer_auth {

using codec::CborReader;
using codec::CborWriter;

namespace {
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxSignature = 1024;
constexpr std::size_t kMaxCertificate = 8 * 1024;

// Tags keep their meaning for ever.
namespace tag {
constexpr std::int64_t kMessage = 0;  // [version, 1 hello, 2 challenge, 3 finish]
constexpr std::int64_t kNonce = 1;
constexpr std::int64_t kChain = 2;
constexpr std::int64_t kSignature = 3;
}  // namespace tag

void begin(CborWriter& out, std::uint64_t number) {
  out.begin_map();
  out.key(tag::kMessage);
  out.begin_array();
  out.unsigned_integer(kVersion);
  out.unsigned_integer(number);
  out.end();
}
void write_identity(CborWriter& out, BytesView nonce, const std::vector<Bytes>& chain) {
  out.bytes(tag::kNonce, nonce);
  out.key(tag::kChain);
  out.begin_array();
  for (const auto& der : chain) out.bytes(der);
  out.end();
}
Result<CborReader> open(BytesView message, std::uint64_t wanted) {
  if (message.size() > kMaxMessage) return fail(Errc::malformed, "a message over 32 KiB");
  CAM_TRY(auto in, CborReader::open(message));
  CAM_TRY(auto map, in.map());
  CAM_TRY_STATUS(map.key(tag::kMessage));
  CAM_TRY(auto kind, map.array());
  CAM_TRY(const auto version, kind.unsigned_integer());
  CAM_TRY(const auto number, kind.unsigned_integer());
  CAM_TRY_STATUS(kind.finish());
  if (version != kVersion) return fail(Errc::malformed, "another version of the protocol");
  if (number != wanted) return fail(Errc::malformed, "another message than the one that is due");
  return map;
}
template <class M>
Status read_identity(CborReader& map, M& out) {
  CAM_TRY(const auto nonce, map.bytes(tag::kNonce));
  if (nonce.size() != kNonce) return fail(Errc::malformed, "a nonce of another size");
  out.nonce = to_bytes(nonce);
  CAM_TRY_STATUS(map.key(tag::kChain));
  CAM_TRY(auto chain, map.array());
  while (!chain.at_end()) {
    CAM_TRY(const auto der, chain.bytes());
    if (der.size() > kMaxCertificate || out.chain.size() == kMaxChain)
      return fail(Errc::malformed, "more certificates than a device has");
    out.chain.push_back(to_bytes(der));
  }
  if (out.chain.empty()) return fail(Errc::malformed, "no certificate");
  return ok();
}
template <class M>
Status read_signature(CborReader& map, M& out) {
  CAM_TRY(const auto signature, map.bytes(tag::kSignature));
  if (signature.empty() || signature.size() > kMaxSignature)
    return fail(Errc::malformed, "a signature of another size");
  out.signature = to_bytes(signature);
  return ok();
}
}  // namespace

Result<Bytes> encode(const Hello& hello) {
  CborWriter out;
  begin(out, 1);
  write_identity(out, hello.nonce, hello.chain);
  out.end();
  return out.take();
}

Result<Bytes> encode(const Challenge& challenge) {
  CborWriter out;
  begin(out, 2);
  write_identity(out, challenge.nonce, challenge.chain);
  out.bytes(tag::kSignature, challenge.signature);
  out.end();
  return out.take();
}

Result<Bytes> encode(const Finish& finish) {
  CborWriter out;
  begin(out, 3);
  out.bytes(tag::kSignature, finish.signature);
  out.end();
  return out.take();
}

Result<Hello> decode_hello(BytesView message) {
  CAM_TRY(auto map, open(message, 1));
  Hello out;
  CAM_TRY_STATUS(read_identity(map, out));
  CAM_TRY_STATUS(map.finish());
  return out;
}

Result<Challenge> decode_challenge(BytesView message) {
  CAM_TRY(auto map, open(message, 2));
  Challenge out;
  CAM_TRY_STATUS(read_identity(map, out));
  CAM_TRY_STATUS(read_signature(map, out));
  CAM_TRY_STATUS(map.finish());
  return out;
}

Result<Finish> decode_finish(BytesView message) {
  CAM_TRY(auto map, open(message, 3));
  Finish out;
  CAM_TRY_STATUS(read_signature(map, out));
  CAM_TRY_STATUS(map.finish());
  return out;
}

}  // namespace camvault::peer_auth
