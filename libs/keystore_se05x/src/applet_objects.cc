// Objects, files, counters, random numbers, attested reads.
#include <algorithm>

#include "applet_calls.h"
#include "camvault/base/byte_reader.h"

namespace camvault::keystore_se05x {

namespace {
constexpr std::uint8_t kYes = 1;
constexpr std::uint8_t kNo = 2;
constexpr std::uint8_t kMore = 2;
constexpr std::uint8_t kAllTypes = 0xFF;
constexpr std::size_t kMaxObjects = 4096;
constexpr std::uint8_t kPersistentMemory = 1;
constexpr std::uint8_t kAttestEcdsaSha256 = 0x21;
constexpr std::uint16_t kCounterSize = 8;
constexpr std::size_t kMinAttributes = 15;  // id, type, login, attempts, owner, limit, origin

Result<bool> yes_or_no(BytesView answer) {
  TlvReader in(answer);
  CAM_TRY(const auto value, in.need_u8(tag::k1));
  CAM_TRY_STATUS(in.finish());
  if (value != kYes && value != kNo) return fail(Errc::malformed, "SE05x: neither yes nor no");
  return value == kYes;
}
}  // namespace

Result<Bytes> Applet::run(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, Bytes fields, Repeat repeat) {
  CommandApdu command{.ins = ins, .p1 = p1, .p2 = p2, .data = std::move(fields)};
  command.expects = true;
  command.extended = command.data.size() > 200;  // room for what the channels add, in one form of length
  auto answer = element_.command(command, repeat);
  wipe(command.data.data(), command.data.size());
  return answer;
}

// The one field that the answer consists of.
Result<Bytes> Applet::run_for(std::uint8_t which, std::uint8_t ins, std::uint8_t p1, std::uint8_t p2,
                              Bytes fields, Repeat repeat) {
  CAM_TRY(auto answer, run(ins, p1, p2, std::move(fields), repeat));
  const WipeOnExit guard{answer};
  TlvReader in(answer);
  CAM_TRY(const auto value, in.need(which));
  CAM_TRY_STATUS(in.finish());
  return to_bytes(value);
}

// A write that makes an object. If its answer gets lost, the object is there or not; then it is taken away.
Status Applet::make(ObjectId id, std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, Bytes fields) {
  const auto made = run(ins, p1, p2, std::move(fields), Repeat::never);
  if (made) return ok();
  if (const auto there = exists(id); there && *there) static_cast<void>(remove(id).has_value());
  return tl::unexpected(made.error());
}

Result<bool> Applet::exists(ObjectId id) {
  CAM_TRY(const auto answer,
          run(ins::kManage, p1::kDefault, p2::kExist, TlvWriter().u32(tag::k1, id).take(), Repeat::safe));
  return yes_or_no(answer);
}

Status Applet::remove(ObjectId id) {
  const auto removed =
      run(ins::kManage, p1::kDefault, p2::kDeleteObject, TlvWriter().u32(tag::k1, id).take(), Repeat::safe);
  if (removed) return ok();
  // The first of two tries may have done it.
  if (const auto there = exists(id); there && !*there) return ok();
  return tl::unexpected(removed.error());
}

Result<std::vector<ObjectId>> Applet::list() {
  std::vector<ObjectId> out;
  for (;;) {
    CAM_TRY(
        const auto answer,
        run(ins::kRead, p1::kDefault, p2::kList,
            TlvWriter().u16(tag::k1, static_cast<std::uint16_t>(out.size())).u8(tag::k2, kAllTypes).take(),
            Repeat::safe));
    TlvReader fields(answer);
    CAM_TRY(const auto more, fields.need_u8(tag::k1));
    CAM_TRY(const auto ids, fields.need(tag::k2));
    CAM_TRY_STATUS(fields.finish());
    const auto before = out.size();
    for (ByteReader in(ids); !in.at_end();) {
      CAM_TRY(const auto id, in.u32());
      out.push_back(id);
    }
    if (more != kMore) return out;
    if (out.size() == before || out.size() > kMaxObjects)
      return fail(Errc::limit, "SE05x: a list of objects that does not end");
  }
}

Result<ObjectInfo> Applet::info(ObjectId id) {
  CAM_TRY_STATUS(element_.ready());
  const auto which = element_.version().is_7() ? tag::k3 : tag::k2;
  CAM_TRY(const auto value, run_for(which, ins::kRead, p1::kDefault, p2::kAttributes,
                                    TlvWriter().u32(tag::k1, id).take(), Repeat::safe));
  const std::size_t tail = element_.version().is_7() ? 5 : 1;
  ByteReader in(value);
  ObjectInfo out;
  CAM_TRY(out.id, in.u32());
  CAM_TRY(out.type, in.u8());
  CAM_TRY(const auto login, in.u8());
  CAM_TRY_STATUS(in.u16());
  CAM_TRY(out.owner, in.u32());
  CAM_TRY_STATUS(in.u16());
  if (value.size() < kMinAttributes || in.remaining() < tail)
    return fail(Errc::malformed, "SE05x: short attributes");
  CAM_TRY(const auto policy, in.take(in.remaining() - tail));
  CAM_TRY(out.policy, decode_policy(policy));
  CAM_TRY(const auto origin, in.u8());
  out.for_login = login == kNo;  // 1: not for login, 2: for login
  out.origin = static_cast<ObjectOrigin>(origin);
  return out;
}

Result<std::uint32_t> Applet::free_memory() {
  CAM_TRY(const auto value, run_for(tag::k1, ins::kManage, p1::kDefault, p2::kMemory,
                                    TlvWriter().u8(tag::k1, kPersistentMemory).take(), Repeat::safe));
  ByteReader in(value);
  if (value.size() == 2) {
    CAM_TRY(const auto bytes, in.u16());
    return std::uint32_t{bytes};
  }
  CAM_TRY(const auto bytes, in.u32());
  CAM_TRY_STATUS(in.finish());
  return bytes;
}

Result<Bytes> Applet::unique_id() {
  return read_file(object::kUniqueId, kUniqueIdSize);
}

Result<AttestedRead> Applet::attested_read(ObjectId id, ObjectId attester, const Freshness& freshness) {
  CommandApdu command{.ins = ins::kRead | ins::kAttest,
                      .data = TlvWriter()
                                  .u32(tag::k1, id)
                                  .u32(tag::k5, attester)
                                  .u8(tag::k6, kAttestEcdsaSha256)
                                  .put(tag::k7, freshness)
                                  .take(),
                      .extended = true,
                      .expects = true};
  AttestedRead out;
  CAM_TRY(out.answer, element_.command(command, Repeat::safe));
  command.expects = false;  // the signature covers the command without the length of the answer
  out.command = encode_command(command);
  out.applet_7 = element_.version().is_7();
  return out;
}

Status Applet::random(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto count = std::min(out.size(), kMaxRandom);
    CAM_TRY(auto bytes,
            run_for(tag::k1, ins::kManage, p1::kDefault, p2::kRandom,
                    TlvWriter().u16(tag::k1, static_cast<std::uint16_t>(count)).take(), Repeat::safe));
    if (bytes.size() != count) return fail(Errc::malformed, "SE05x: another number of random bytes");
    std::copy(bytes.begin(), bytes.end(), out.begin());
    wipe(bytes.data(), bytes.size());
    out = out.subspan(count);
  }
  return ok();
}

Status Applet::write_file(ObjectId id, BytesView content, const std::vector<PolicyRule>& policy) {
  if (content.empty() || content.size() > kMaxFile) return fail(Errc::usage, "a file has 1 to 16384 bytes");
  CAM_TRY(const bool there, exists(id));
  if (there) return fail(Errc::exists, "SE05x: the number is taken");
  auto fields = with_policy(policy, id);
  fields.u16(tag::k3, static_cast<std::uint16_t>(content.size()));
  CAM_TRY_STATUS(make(id, ins::kWrite, p1::kBinary, p2::kDefault, fields.take()));
  for (std::size_t at = 0; at < content.size(); at += kPiece) {
    const auto piece = content.subspan(at, std::min(kPiece, content.size() - at));
    const auto written = run(
        ins::kWrite, p1::kBinary, p2::kDefault,
        TlvWriter().u32(tag::k1, id).u16(tag::k2, static_cast<std::uint16_t>(at)).put(tag::k4, piece).take(),
        Repeat::safe);
    if (written) continue;
    static_cast<void>(remove(id).has_value());  // no half files
    return tl::unexpected(written.error());
  }
  return ok();
}

Result<Bytes> Applet::read_file(ObjectId id, std::size_t size) {
  if (size > kMaxFile) return fail(Errc::usage, "a file has at most 16384 bytes");
  Bytes out;
  while (out.size() < size) {
    const auto count = std::min(kPiece, size - out.size());
    CAM_TRY(const auto piece, run_for(tag::k1, ins::kRead, p1::kDefault, p2::kDefault,
                                      TlvWriter()
                                          .u32(tag::k1, id)
                                          .u16(tag::k2, static_cast<std::uint16_t>(out.size()))
                                          .u16(tag::k3, static_cast<std::uint16_t>(count))
                                          .take(),
                                      Repeat::safe));
    if (piece.size() != count) return fail(Errc::malformed, "SE05x: another piece of a file");
    append(out, piece);
  }
  return out;
}

Result<std::uint16_t> Applet::file_size(ObjectId id) {
  CAM_TRY(const auto answer,
          run(ins::kRead, p1::kDefault, p2::kSize, TlvWriter().u32(tag::k1, id).take(), Repeat::safe));
  TlvReader in(answer);
  CAM_TRY(const auto size, in.need_u16(tag::k1));
  CAM_TRY_STATUS(in.finish());
  return size;
}

Status Applet::create_counter(ObjectId id, const std::vector<PolicyRule>& policy) {
  auto fields = with_policy(policy, id);
  fields.u16(tag::k2, kCounterSize);
  return make(id, ins::kWrite, p1::kCounter, p2::kDefault, fields.take());
}

Result<std::uint64_t> Applet::counter(ObjectId id) {
  CAM_TRY(const auto value, run_for(tag::k1, ins::kRead, p1::kDefault, p2::kDefault,
                                    TlvWriter().u32(tag::k1, id).take(), Repeat::safe));
  if (value.size() > kCounterSize) return fail(Errc::malformed, "SE05x: counter of another size");
  std::uint64_t out = 0;
  for (const auto byte : value) out = out << 8 | byte;
  return out;
}

Result<std::uint64_t> Applet::increment(ObjectId id) {
  CAM_TRY_STATUS(
      run(ins::kWrite, p1::kCounter, p2::kDefault, TlvWriter().u32(tag::k1, id).take(), Repeat::safe));
  return counter(id);
}

}  // namespace camvault::keystore_se05x
