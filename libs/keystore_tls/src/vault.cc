#include "camvault/keystore_tls/vault.h"

#include <openssl/rand.h>

#include <algorithm>

#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "key_exchange.h"
#include "schedule.h"

namespace camvault::keystore_tls {

using keystore::ServiceError;
using keystore::TlsDerivation;
using keystore::TlsStep;

namespace {
constexpr std::size_t kMasterSecret = 48;  // RFC 5246 8.1

tl::unexpected<keystore::Refusal> not_for_this() {
  return keystore::refuse(ServiceError::invalid, "no handle for this step");
}

bool starts_with(BytesView text, std::string_view prefix) {
  return as_text(text).starts_with(prefix);
}

// Label and seed come as one string, so that a label which is cut in another place is still the same.
bool gives_master_secret(BytesView seed) {
  return starts_with(seed, "master secret") || starts_with(seed, "extended master secret");
}
// RFC 5246 6.3, 7.4.9, RFC 5705 4, RFC 5216 2.3. What the record layer needs, what both sides show each
// other, and what applications take out.
bool leaves_in_1_2(BytesView seed) {
  for (const std::string_view label :
       {"key expansion", "client finished", "server finished", "EXPORTER", "client EAP encryption"}) {
    if (starts_with(seed, label)) return true;
  }
  return false;
}
// RFC 8446 7.3, 7.5: record keys, IVs, and the last step of an exporter.
bool leaves_in_1_3(BytesView label) {
  const auto text = as_text(label);
  return text == "key" || text == "iv" || text == "exporter";
}

Bytes released(const Secret& secret) {
  return secret.reveal([](BytesView bytes) { return to_bytes(bytes); });
}
}  // namespace

class Vault::Share : public EphemeralKey {
 public:
  explicit Share(EphemeralKey key) : EphemeralKey(std::move(key)) {}
};

Vault::Vault() {
  if (RAND_bytes(mark_.data(), static_cast<int>(mark_.size())) != 1) mark_.fill(0);  // nothing is found then
}
Vault::~Vault() = default;

Bytes Vault::handle_of(std::uint64_t number, std::size_t size) const {
  ByteWriter out;
  out.raw(mark_);
  out.u64(number);
  auto handle = out.take();
  handle.resize(std::max(handle.size(), size));
  return handle;
}

Bytes Vault::keep(Kind kind, Secret secret) {
  if (secrets_.size() >= kMaxSecrets) {
    secrets_.erase(ages_.front());
    ages_.pop_front();
  }
  const auto number = next_++;
  auto handle = handle_of(number, secret.size());
  secrets_.emplace(number, Kept{kind, std::move(secret), ages_.insert(ages_.end(), number)});
  return handle;
}

Answer<std::uint64_t> Vault::number_in(BytesView handle) const {
  const bool has_mark = handle.size() >= keystore::kTlsHandle && equal(handle.first(mark_.size()), mark_) &&
                        std::any_of(mark_.begin(), mark_.end(), [](auto byte) { return byte != 0; });
  if (!has_mark) return not_for_this();
  return ByteReader(handle.subspan(mark_.size())).u64().value();
}

// All of the handle must be as it was given: one that was cut or put together is none.
Answer<const Vault::Kept*> Vault::find(BytesView handle) {
  CAM_TRY(const auto number, number_in(handle));
  const auto found = secrets_.find(number);
  if (found == secrets_.end() || !equal(handle, handle_of(number, found->second.secret.size())))
    return not_for_this();
  ages_.splice(ages_.end(), ages_, found->second.age);
  return &found->second;
}

Answer<Bytes> Vault::new_share(keystore::TlsGroup group) {
  CAM_TRY(auto key, EphemeralKey::generate(group));
  CAM_TRY(const auto point, key.point());
  const std::lock_guard lock(mutex_);
  if (shares_.size() >= kMaxShares) shares_.erase(shares_.begin());  // the oldest: its handshake ended badly
  const auto number = next_++;
  shares_.emplace(number, std::make_unique<Share>(std::move(key)));
  auto out = handle_of(number, keystore::kTlsHandle);
  append(out, point);
  return out;
}

Answer<Bytes> Vault::agree(BytesView share, BytesView peer_point) {
  const std::lock_guard lock(mutex_);
  if (share.size() != keystore::kTlsHandle) return not_for_this();
  CAM_TRY(const auto number, number_in(share));
  const auto found = shares_.find(number);
  if (found == shares_.end()) return not_for_this();
  const auto key = std::move(found->second);
  shares_.erase(found);
  CAM_TRY(auto shared, key->agree(peer_point));
  return keep(Kind::shared, std::move(shared));
}

Answer<Bytes> Vault::keep_psk(Secret psk) {
  if (psk.size() < keystore::kMinTlsPsk || psk.size() > keystore::kMaxTlsPsk)
    return keystore::refuse(ServiceError::limit, "a PSK for TLS has 16 to 64 bytes");
  const std::lock_guard lock(mutex_);
  return keep(Kind::psk, std::move(psk));
}

Answer<Bytes> Vault::derive(const TlsDerivation& derivation) {
  if (const auto fits = keystore::check_tls_derivation(derivation); !fits)
    return keystore::refuse(ServiceError::usage, fits.error().what);
  const std::lock_guard lock(mutex_);
  switch (derivation.step) {
    case TlsStep::prf_1_2:
      return prf(derivation);
    case TlsStep::extract_1_3:
      return extract(derivation);
    case TlsStep::expand_1_3:
      return expand(derivation);
    case TlsStep::mac_1_3:
      return mac(derivation);
  }
  return not_for_this();
}

// RFC 4279 2, RFC 5489 2: lengths and two secrets, of which the second is the PSK and the first an ECDHE
// result or zeros.
Answer<Secret> Vault::premaster(BytesView put_together) {
  ByteReader in(put_together);
  const auto take = [&]() -> Result<BytesView> {
    CAM_TRY(const auto size, in.u16());
    return in.take(size);
  };
  const auto other = take();
  const auto psk = take();
  if (!other || !psk || !in.at_end()) return not_for_this();
  CAM_TRY(const auto* second, find(*psk));
  if (second->kind != Kind::psk) return not_for_this();
  const bool zeros = other->size() == psk->size() &&
                     std::all_of(other->begin(), other->end(), [](auto byte) { return byte == 0; });
  const Secret none;
  const Secret* first = &none;
  if (!zeros) {
    CAM_TRY(const auto* shared, find(*other));
    if (shared->kind != Kind::shared) return not_for_this();
    first = &shared->secret;
  }
  return Secret::make(put_together.size(), [&](std::span<std::uint8_t> room) {
    std::copy(put_together.begin(), put_together.end(), room.begin());
    first->reveal([&](BytesView bytes) { std::copy(bytes.begin(), bytes.end(), room.begin() + 2); });
    second->secret.reveal([&](BytesView bytes) {
      std::copy(bytes.begin(), bytes.end(), room.end() - static_cast<std::ptrdiff_t>(bytes.size()));
    });
  });
}

Answer<Bytes> Vault::master_secret(const TlsDerivation& d, const Secret& premaster) {
  if (!gives_master_secret(d.data) || d.size != kMasterSecret) return not_for_this();
  CAM_TRY(auto master, premaster.reveal([&](BytesView secret) {
    return keystore_tls::prf(d.hash, secret, d.data, d.size);
  }));
  return keep(Kind::master, std::move(master));
}

Answer<Bytes> Vault::prf(const TlsDerivation& d) {
  const auto kept = find(d.secret);
  if (!kept) {
    CAM_TRY(const auto secret, premaster(d.secret));
    return master_secret(d, secret);
  }
  if ((*kept)->kind == Kind::shared) return master_secret(d, (*kept)->secret);
  if ((*kept)->kind != Kind::master || !leaves_in_1_2(d.data)) return not_for_this();
  CAM_TRY(const auto out, (*kept)->secret.reveal([&](BytesView secret) {
    return keystore_tls::prf(d.hash, secret, d.data, d.size);
  }));
  return released(out);
}

Answer<Bytes> Vault::extract(const TlsDerivation& d) {
  const Secret none;
  const Secret* before = &none;
  const Secret* input = &none;
  if (!d.before.empty()) {
    CAM_TRY(const auto* kept, find(d.before));
    if (kept->kind != Kind::schedule) return not_for_this();
    before = &kept->secret;
  }
  if (!d.secret.empty()) {
    CAM_TRY(const auto* kept, find(d.secret));
    // A PSK of a ticket comes out of the schedule (RFC 8446 4.6.1).
    if (kept->kind != Kind::shared && kept->kind != Kind::psk && kept->kind != Kind::schedule)
      return not_for_this();
    input = &kept->secret;
  }
  CAM_TRY(auto stage, before->reveal([&](BytesView salt) {
    return input->reveal([&](BytesView key) { return keystore_tls::extract(d.hash, salt, key); });
  }));
  return keep(Kind::schedule, std::move(stage));
}

Answer<Bytes> Vault::expand(const TlsDerivation& d) {
  CAM_TRY(const auto* kept, find(d.secret));
  if (kept->kind != Kind::schedule) return not_for_this();
  const bool leaves = leaves_in_1_3(d.label);
  if (!leaves && d.size != crypto::digest_size(d.hash)) return not_for_this();
  CAM_TRY(auto out, kept->secret.reveal([&](BytesView secret) {
    return expand_label(d.hash, secret, d.label, d.data, d.size);
  }));
  if (leaves) return released(out);
  return keep(as_text(d.label) == "finished" ? Kind::finished : Kind::schedule, std::move(out));
}

Answer<Bytes> Vault::mac(const TlsDerivation& d) {
  CAM_TRY(const auto* kept, find(d.secret));
  if (kept->kind != Kind::finished) return not_for_this();
  CAM_TRY(auto tag, kept->secret.reveal([&](BytesView key) { return hmac(d.hash, key, d.data); }));
  return tag;
}

}  // namespace camvault::keystore_tls
