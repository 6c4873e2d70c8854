#include "camvault/se05x_sim/simulator.h"

#include <algorithm>
#include <charconv>

#include "applet.h"
#include "card_link.h"
#include "soft_crypto.h"

namespace camvault::se05x_sim {

namespace object = keystore_se05x::object;
using keystore_se05x::PolicyRule;

namespace {
constexpr std::size_t kKeyBytes = 16;

Secret counting_key(std::uint8_t first) {
  return Secret::make(kKeyBytes, [&](std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(first + i);
  });
}

Object provisioned(ObjectId id, ObjectType type, std::uint32_t rights) {
  Object out;
  out.id = id;
  out.type = type;
  out.origin = ObjectOrigin::provisioned;
  out.policy = keystore_se05x::encode_policy({PolicyRule{0, rights}});
  return out;
}

Result<Object> provisioned_ec(ObjectId id, std::uint32_t rights) {
  CAM_TRY(const auto key, ec_generate(Curve::p256));
  auto out = provisioned(id, ObjectType::ec_pair, rights);
  out.curve = Curve::p256;
  out.parts = {{tag::k3, key.scalar}, {tag::k4, key.point}};
  return out;
}

// What is in an element when it leaves the factory, as far as hosts look at it.
Result<CardState> make_state(const SimulatorOptions& options) {
  CardState state;
  state.unique_id = random_bytes(keystore_se05x::kUniqueIdSize);
  state.unique_id[0] = 0x04;
  state.platform = options.platform_keys ? options.platform_keys->clone() : test_platform_keys();
  CAM_TRY(auto attestation,
          provisioned_ec(object::kAttestationKey, may::kAttest | may::kRead | may::kVerify));
  CAM_TRY(auto certificate, self_signed_certificate({Curve::p256, to_bytes(attestation.part(tag::k3)),
                                                     to_bytes(attestation.part(tag::k4))}));
  CAM_TRY(auto session, provisioned_ec(object::kEcKeySession, may::kKeyAgreement | may::kRead));
  auto file = provisioned(object::kAttestationCertificate, ObjectType::binary, may::kRead);
  file.parts[tag::k4] = std::move(certificate);
  auto unique_id = provisioned(object::kUniqueId, ObjectType::binary, may::kRead);
  unique_id.parts[tag::k4] = state.unique_id;
  for (auto* each : {&attestation, &session, &file, &unique_id})
    state.objects.emplace(each->id, std::move(*each));
  // The provisioned keys are on P-256; further curves are for hosts to set.
  state.curves[Curve::p256] = {0x01, 0x02, 0x04, 0x08, 0x10};
  state.curves[Curve::ed25519];
  state.curves[Curve::x25519];
  return state;
}

constexpr std::pair<std::string_view, Fault::Kind> kFaultNames[] = {
    {"flip-crc", Fault::Kind::flip_crc},
    {"drop", Fault::Kind::drop},
    {"more-time", Fault::Kind::more_time},
    {"delay", Fault::Kind::delay},
    {"truncate", Fault::Kind::truncate},
    {"alter", Fault::Kind::alter},
    {"replay", Fault::Kind::replay},
    {"reset", Fault::Kind::reset},
    {"power-cut-before", Fault::Kind::power_cut_before},
    {"power-cut-after", Fault::Kind::power_cut_after}};

Result<unsigned> number_of(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail(Errc::usage, "not a number in a fault");
  return value;
}

class InProcessBus final : public keystore_se05x::Bus {
 public:
  InProcessBus(std::shared_ptr<Simulator> simulator, BusTap tap)
      : simulator_(std::move(simulator)), tap_(std::move(tap)) {}

  Status write(BytesView frame) override {
    if (tap_) tap_(keystore_se05x::T1Sender::host, frame);
    if (!simulator_->write(frame)) return fail(Errc::unavailable, "not acknowledged");
    return ok();
  }
  Status read(std::span<std::uint8_t> out) override {
    const auto bytes = simulator_->read(out.size());
    if (!bytes) return fail(Errc::unavailable, "not acknowledged");
    std::copy(bytes->begin(), bytes->end(), out.begin());
    if (tap_) tap_(keystore_se05x::T1Sender::element, out);
    return ok();
  }
  bool is_simulator() const override { return true; }

 private:
  std::shared_ptr<Simulator> simulator_;
  BusTap tap_;
};
}  // namespace

keystore_se05x::Scp03Keys test_platform_keys() {
  return {counting_key(0x10), counting_key(0x20), counting_key(0x30)};
}

Result<Fault> fault_from_string(std::string_view text) {
  Fault out;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    CAM_TRY(out.after, number_of(text.substr(at + 1)));
    text = text.substr(0, at);
  }
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    CAM_TRY(out.amount, number_of(text.substr(colon + 1)));
    text = text.substr(0, colon);
  }
  for (const auto& [name, kind] : kFaultNames) {
    if (name == text) {
      out.kind = kind;
      return out;
    }
  }
  return fail(Errc::usage, "no such fault");
}

struct Simulator::Inside {
  Applet applet;
  CardLink link;
  Inside(Card card, std::size_t chunk)
      : applet(std::move(card)),
        link({.process = [this](BytesView command) { return applet.process(command); },
              .power_cycle = [this] { applet.power_cycle(); },
              .deselect = [this] { applet.deselect(); }},
             chunk) {}
};

Simulator::Simulator(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Simulator::~Simulator() = default;

Result<std::shared_ptr<Simulator>> Simulator::create(SimulatorOptions options) {
  CAM_TRY(auto store, ObjectStore::open(options.state, [&] { return make_state(options); }));
  const auto version = options.applet_major >= 7 ? Version{7, 2, 0} : Version{3, 1, 0};
  Card card{std::move(store), version, {}};
  ++card.state().resets;
  CAM_TRY_STATUS(card.store.commit());
  return std::shared_ptr<Simulator>(new Simulator(std::make_unique<Inside>(std::move(card), options.chunk)));
}

bool Simulator::write(BytesView frame) {
  const std::lock_guard lock(mutex_);
  return inside_->link.write(frame);
}

std::optional<Bytes> Simulator::read(std::size_t count) {
  const std::lock_guard lock(mutex_);
  return inside_->link.read(count);
}

void Simulator::inject(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  inside_->link.inject(fault);
}

void Simulator::power_cycle() {
  const std::lock_guard lock(mutex_);
  inside_->applet.power_cycle();
}

std::unique_ptr<keystore_se05x::Bus> connect(std::shared_ptr<Simulator> simulator, BusTap tap) {
  return std::make_unique<InProcessBus>(std::move(simulator), std::move(tap));
}

}  // namespace camvault::se05x_sim
