#include "camvault/identity/delivery.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "camvault/crypto_openssl/detached_signature.h"
#include "factory_state.h"

namespace camvault::identity {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {
constexpr std::size_t kMaxText = 192 * 1024 * 1024;
constexpr std::size_t kMaxName = 128;
constexpr std::string_view kSignerName = "Issue log";
constexpr const char* kFolder = "deliveries";

Result<Delivery> read_list(std::string_view text) {
  if (text.size() > kMaxText) return fail(Errc::limit, "a delivery list longer than 192 MiB");
  // One level of objects and arrays: what nests deeper is refused while it is read.
  constexpr int kDepth = 3;
  const auto in = json::parse(
      text, [](int depth, json::parse_event_t, json&) { return depth <= kDepth; }, false);
  const auto bad = [] { return fail(Errc::malformed, "not a delivery list"); };
  if (!in.is_object() || in.value("v", json()) != 1) return bad();
  const auto text_in = [&](const char* name) {
    const auto found = in.find(name);
    return found != in.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  Delivery out;
  out.maker = text_in("maker");
  out.to = text_in("to");
  CAM_TRY(out.at, from_iso8601(text_in("at")));
  const auto cameras = in.find("cameras");
  if (out.to.empty() || cameras == in.end() || !cameras->is_array()) return bad();
  if (cameras->size() > kMaxDelivery) return fail(Errc::limit, "a delivery of more than 1,000,000 cameras");
  for (const auto& each : *cameras) {
    const bool good = each.is_array() && each.size() == 2 && each[0].is_string() && each[1].is_string();
    if (!good || !is_device_serial(each[0].get<std::string>())) return bad();
    out.cameras.emplace_back(each[0].get<std::string>(), each[1].get<std::string>());
  }
  return out;
}
}  // namespace

Result<Delivery> check_delivery_list(const crypto::Engine& engine, std::string_view text, BytesView signature,
                                     const std::vector<crypto::Certificate>& anchors) {
  const auto found = crypto_openssl::verify_detached(engine, signature, as_bytes(text));
  if (!found) return fail(Errc::invalid, "the list's signature: " + found.error().what);
  const auto& signer = found->chain.front();
  crypto::PathRequest path;
  path.leaf = &signer;
  path.intermediates = &found->chain;
  path.anchors = &anchors;
  path.at = signer.not_before;
  const auto result = engine.validate_path(path);
  if (result.verdict != crypto::PathVerdict::trusted)
    return fail(Errc::invalid, "the list's signer is not known: " + result.reason);
  // A camera has a certificate below the same root, too, but of an authority between: the root itself signs
  // the log's key, and authorities.
  if (signer.is_ca || result.path.size() != 2 || signer.common_name != kSignerName)
    return fail(Errc::invalid, "the list is not signed with a maker's log key");
  return read_list(text);
}

Result<DeliveryList> Factory::deliver(crypto::SigningKey& log_key, const std::string& to,
                                      const std::vector<std::string>& serials) {
  auto& s = *state_;
  if (to.empty() || to.size() > kMaxName) return fail(Errc::usage, "a name has 1 to 128 bytes");
  if (serials.empty() || serials.size() > kMaxDelivery)
    return fail(Errc::usage, "a delivery is of 1 to 1,000,000 cameras");
  CAM_TRY(const auto signer, read_certificate(*s.engine, s.folder / kLogSignerFile));
  std::unordered_set<std::string> delivered;
  std::error_code error;
  std::size_t lists = 0;
  for (fs::directory_iterator at(s.folder / kFolder, error), end; !error && at != end; at.increment(error)) {
    CAM_TRY(const auto text, read_file(at->path(), kMaxText));
    CAM_TRY(const auto before, read_list(as_text(text)));
    for (const auto& [serial, hash] : before.cameras) delivered.insert(serial);
    ++lists;
  }
  auto cameras = json::array();
  for (const auto& serial : serials) {
    const auto* known = s.log.find(serial);
    if (known == nullptr || !known->issued) return fail(Errc::not_found, "nothing was issued for " + serial);
    if (s.is_revoked(*known))
      return refuse(Errc::denied, "revoked", "serial number " + serial + " is revoked");
    if (!delivered.insert(serial).second)
      return refuse(Errc::exists, "delivered-before", "serial number " + serial + " has been delivered");
    cameras.push_back({serial, to_hex(known->identity.fingerprint)});
  }
  const auto now = s.now();
  const json list{{"v", 1},
                  {"maker", s.settings.organization},
                  {"to", to},
                  {"at", to_iso8601(now)},
                  {"cameras", cameras}};
  DeliveryList out;
  out.text = list.dump(-1, ' ', true, json::error_handler_t::replace) + "\n";
  CAM_TRY(out.signature, crypto_openssl::sign_detached(log_key, {signer}, as_bytes(out.text), now));
  fs::create_directories(s.folder / kFolder, error);
  if (error) return fail(Errc::io, (s.folder / kFolder).string() + ": " + error.message());
  const auto file = s.folder / kFolder / (std::to_string(lists + 1) + ".json");
  CAM_TRY_STATUS(write_file_atomically(file, as_bytes(out.text)));
  CAM_TRY_STATUS(
      s.log.note({{"to", to}, {"count", serials.size()}, {"sha256", to_hex(s.hash_of(as_bytes(out.text)))}},
                 "delivered", now));
  return out;
}

}  // namespace camvault::identity
