// Commands and answers of the SE05x applet: the simulator gets commands, the host's library answers, both
// from somebody hostile. Laws: what is accepted re-encodes to itself; the simulator always answers with a
// status; the host gives values of the sizes that it promises.
#include <algorithm>

#include "applet.h"
#include "camvault/base/byte_reader.h"
#include "camvault/keystore_se05x/applet.h"
#include "camvault/se05x_sim/simulator.h"
#include "card_link.h"
#include "fuzz.h"

namespace {

using namespace camvault;
using namespace camvault::keystore_se05x;

void judge(BytesView bytes) {
  if (const auto command = decode_command(bytes))
    law(equal(encode_command(*command), bytes), "an accepted command re-encodes to itself");
  if (const auto response = decode_response(bytes))
    law(equal(encode_response(*response), bytes), "an accepted answer re-encodes to itself");
  if (const auto rules = decode_policy(bytes)) {
    law(rules->size() <= kMaxPolicyRules, "no endless policy");
    law(equal(encode_policy(*rules), bytes), "an accepted policy re-encodes to itself");
  }
  std::size_t read = 0;
  for (TlvReader in(bytes); !in.at_end();) {
    const auto field = in.next();
    if (!field) break;
    law(field->value.size() < field->raw.size(), "a field has a head");
    read += field->raw.size();
  }
  law(read <= bytes.size(), "fields lie side by side");
}

// Each record of the input is a command, or an answer.
Bytes next_record(ByteReader& in) {
  const auto size = in.u16();
  if (!size) {
    static_cast<void>(
        in.skip(in.remaining()));  // a last byte: whoever goes on until the end has to come there
    return {};
  }
  return to_bytes(in.take(std::min<std::size_t>(*size % 1400, in.remaining())).value());
}

bool makes_rsa(BytesView bytes) {  // takes seconds
  const auto command = decode_command(bytes);
  return command && (command->ins & 0x1F) == ins::kWrite && (command->p1 & p1::kTypeMask) == p1::kRsa;
}

void to_the_element(BytesView input) {
  static auto store = se05x_sim::ObjectStore::open({}, []() -> Result<se05x_sim::CardState> {
                        se05x_sim::CardState state;
                        state.unique_id = Bytes(kUniqueIdSize, 4);
                        state.platform = se05x_sim::test_platform_keys();
                        state.curves[Curve::p256] = {1, 2, 4, 8, 16};
                        return state;
                      }).value();
  static se05x_sim::Applet applet(se05x_sim::Card{std::move(store), {}, {}});
  applet.power_cycle();
  if (applet.card().state().objects.size() > 100) applet.card().state().objects.clear();
  applet.process(from_hex("00a4040010a000000396545300000001030000000000").value());
  for (ByteReader in(input); !in.at_end();) {
    const auto record = next_record(in);
    if (makes_rsa(record)) continue;
    const auto answer = decode_response(applet.process(record));
    law(answer.has_value(), "the element answers with a status");
    law(answer->good() || answer->data.empty(), "a refusal says nothing more");
  }
}

class LinkBus final : public Bus {
 public:
  explicit LinkBus(std::shared_ptr<se05x_sim::CardLink> link) : link_(std::move(link)) {}
  Status write(BytesView frame) override {
    return link_->write(frame) ? ok() : Status(fail(Errc::unavailable, "not acknowledged"));
  }
  Status read(std::span<std::uint8_t> out) override {
    const auto bytes = link_->read(out.size());
    if (!bytes) return fail(Errc::unavailable, "not acknowledged");
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return ok();
  }
  bool is_simulator() const override { return true; }

 private:
  std::shared_ptr<se05x_sim::CardLink> link_;
};

void to_the_host(BytesView input) {
  ByteReader in(input);
  const auto link = std::make_shared<se05x_sim::CardLink>(
      se05x_sim::CardLink::Upper{[&](BytesView command) {
                                   if (command.size() > 1 && command[1] == ins::kSelect)
                                     return from_hex("0702003fff010b9000").value();
                                   return next_record(in);
                                 },
                                 [] {}, [] {}},
      254);
  Element element(
      {.open_bus = [&]() -> Result<std::unique_ptr<Bus>> { return std::make_unique<LinkBus>(link); },
       .random = [](std::span<std::uint8_t> out) { std::fill(out.begin(), out.end(), 0); },
       .wait = [](std::chrono::milliseconds) {}});
  Applet applet(element);
  constexpr ObjectId kId = 0x20000001;
  static_cast<void>(applet.exists(kId).has_value());
  if (const auto ids = applet.list()) law(ids->size() <= 8192, "no endless list");
  static_cast<void>(applet.info(kId).has_value());
  if (const auto point = applet.ec_point(kId, Curve::p384)) law(point->size() == 97, "a point of that curve");
  static_cast<void>(applet.rsa_public(kId).has_value());
  if (const auto sealed = applet.seal_gcm(kId, as_bytes("plain"), {}))
    law(sealed->data.size() == 5 && sealed->tag.size() == 16 && sealed->nonce.size() == 12,
        "sizes of AES-GCM");
  if (const auto opened = applet.open_gcm(kId, Bytes(12), Bytes(5), Bytes(16), {}))
    law(opened->size() == 5, "as much as was sealed");
  static_cast<void>(applet.counter(kId).has_value());
  static_cast<void>(applet.free_memory().has_value());
  static_cast<void>(applet.attested_read(kId, kId, {}).has_value());
  if (const auto file = applet.read_file(kId, 700)) law(file->size() == 700, "as much as was asked for");
  Bytes random(40);
  static_cast<void>(applet.random(random).has_value());
  static_cast<void>(applet.generate_ec(kId, Curve::p256, {}).has_value());
}

#ifdef CAMVAULT_PLANTED_BUG
// Planted: a length of two bytes is read where there may be one.
unsigned planted_tlv(const Bytes& bytes) {
  unsigned sum = 0;
  for (std::size_t at = 0; at + 2 < bytes.size();) {
    std::size_t size = bytes[at + 1];
    std::size_t head = 2;
    if (size == 0x82) {
      size = std::size_t{bytes[at + 2]} << 8 | bytes.data()[at + 3];
      head = 4;
    }
    for (std::size_t i = 0; i < size && at + head + i < bytes.size(); ++i) sum += bytes[at + head + i];
    at += head + size;
  }
  return sum;
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
#ifdef CAMVAULT_PLANTED_BUG
  use(planted_tlv(to_bytes(input)));
#endif
  judge(input);
  if (size > 2) judge(input.subspan(2));
  to_the_element(input);
  to_the_host(input);
  return 0;
}
