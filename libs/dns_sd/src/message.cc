#include "camvault/dns_sd/message.h"

#include <arpa/nameser.h>
#include <resolv.h>

#include <algorithm>

#include "camvault/base/byte_reader.h"

namespace camvault::dns_sd {

namespace {
constexpr std::uint16_t kInternet = 1;
constexpr std::uint16_t kClass = 0x7fff;  // RFC 6762 10.2: the highest bit is another matter

void put_u16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// A name that begins at `at` and ends exactly where the record does.
Result<std::string> name_at(const ns_msg& message, const std::uint8_t* at, const std::uint8_t* end) {
  std::array<char, NS_MAXDNAME> text{};
  const int used = ::dn_expand(ns_msg_base(message), ns_msg_end(message), at, text.data(), text.size());
  if (used < 0 || at + used != end) return fail(Errc::malformed, "a name in a DNS message");
  return lower(text.data());
}

Status take(const ns_msg& message, const ns_rr& record, Answers& out) {
  const auto* data = ns_rr_rdata(record);
  const BytesView bytes(data, ns_rr_rdlen(record));
  const auto* end = data + bytes.size();
  const auto name = lower(ns_rr_name(record));
  switch (static_cast<RecordType>(ns_rr_type(record))) {
    case RecordType::ptr: {
      CAM_TRY(auto target, name_at(message, data, end));
      out.pointers.push_back({name, std::move(target)});
      return ok();
    }
    case RecordType::srv: {
      ByteReader in(bytes);
      Server server{name, 0, 0, {}};
      CAM_TRY(server.priority, in.u16());
      CAM_TRY_STATUS(in.skip(2));  // weight: one of them is enough
      CAM_TRY(server.port, in.u16());
      CAM_TRY(server.host, name_at(message, data + in.position(), end));
      out.servers.push_back(std::move(server));
      return ok();
    }
    case RecordType::a:
    case RecordType::aaaa: {
      Address address{name, static_cast<RecordType>(ns_rr_type(record)) == RecordType::aaaa, {}};
      if (bytes.size() != (address.is_v6 ? 16u : 4u))
        return fail(Errc::malformed, "an address in a DNS message");
      std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
      out.addresses.push_back(std::move(address));
      return ok();
    }
  }
  return ok();
}
}  // namespace

Result<Bytes> write_question(const Question& question, std::uint16_t id) {
  Bytes out;
  put_u16(out, id);
  put_u16(out, 0);  // a query
  put_u16(out, 1);  // of one question
  for (int i = 0; i < 3; ++i) put_u16(out, 0);
  std::array<std::uint8_t, NS_MAXCDNAME> name{};
  const int size = question.name.empty()
                       ? -1
                       : ::dn_comp(question.name.c_str(), name.data(), name.size(), nullptr, nullptr);
  if (size < 0) return fail(Errc::usage, "that is no name that could be asked for");
  out.insert(out.end(), name.begin(), name.begin() + size);
  put_u16(out, static_cast<std::uint16_t>(question.type));
  put_u16(out, kInternet);
  return out;
}

Result<Answers> read_answers(BytesView message, std::uint16_t id) {
  if (message.size() > kMaxMessage) return fail(Errc::limit, "a long DNS message");
  ns_msg parsed{};
  if (::ns_initparse(message.data(), static_cast<int>(message.size()), &parsed) != 0)
    return fail(Errc::malformed, "no DNS message");
  // RFC 6762 18.3 and 18.11: what is no answer, or one with an error, is not looked at.
  if (ns_msg_id(parsed) != id || ns_msg_getflag(parsed, ns_f_qr) != 1 ||
      ns_msg_getflag(parsed, ns_f_opcode) != 0 || ns_msg_getflag(parsed, ns_f_rcode) != 0)
    return fail(Errc::invalid, "not an answer to the question");
  if (static_cast<std::size_t>(ns_msg_count(parsed, ns_s_an) + ns_msg_count(parsed, ns_s_ar)) > kMaxRecords)
    return fail(Errc::limit, "a DNS message of many records");
  Answers out;
  for (const auto section : {ns_s_an, ns_s_ar}) {
    const int count = ns_msg_count(parsed, section);
    for (int i = 0; i < count; ++i) {
      ns_rr record{};
      if (::ns_parserr(&parsed, section, i, &record) != 0)
        return fail(Errc::malformed, "a record of a DNS message");
      const bool gone = ns_rr_ttl(record) == 0;  // RFC 6762 10.1
      if (gone || (ns_rr_class(record) & kClass) != kInternet) continue;
      CAM_TRY_STATUS(take(parsed, record, out));
    }
  }
  return out;
}

}  // namespace camvault::dns_sd
