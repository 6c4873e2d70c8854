// Who may have an identity at all: orders, and the runs of a line that work through them.
#include <algorithm>

#include "factory_state.h"

namespace camvault::identity {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kMaxOrders = 10'000;
constexpr std::size_t kMaxSigners = 256 * 1024;

fs::path order_file(const fs::path& folder, std::string_view id) {
  return folder / "orders" / (std::string(id) + ".order");
}

Result<Order> read_order(const crypto::Engine& engine, const fs::path& folder, const OrderEntry& entry) {
  const auto file = order_file(folder, entry.id);
  CAM_TRY(const auto text, read_file(file, kMaxOrderFile));
  const auto hash = engine.digest(crypto::HashAlg::sha256, text);
  if (!equal(hash.view(), entry.text))
    return fail(Errc::malformed, file.string() + " is not what was taken in");
  return parse_order(as_text(text));
}
}  // namespace

Status Factory::State::check_order(const std::string& serial, const std::string& order) {
  if (log.orders().empty() && !settings.orders_required) return ok();
  if (!order_of_serial) {
    std::unordered_map<std::string, std::uint32_t> all;
    order_heads.clear();
    for (const auto& entry : log.orders()) {
      CAM_TRY(auto read, read_order(*engine, folder, entry));
      for (auto& each : read.serials)
        all.emplace(std::move(each), static_cast<std::uint32_t>(order_heads.size()));
      read.serials.clear();
      order_heads.push_back(std::move(read));
    }
    order_of_serial = std::move(all);
  }
  const auto listed = order_of_serial->find(serial);
  if (listed == order_of_serial->end())
    return refuse(Errc::denied, "unlisted-serial", "no order lists serial number " + serial);
  const auto& by = order_heads[listed->second];
  if (!order.empty() && by.id != order)
    return refuse(Errc::denied, "unlisted-serial", "serial number " + serial + " is listed in another order");
  if (by.not_after && now() > *by.not_after)
    return refuse(Errc::denied, "order-over",
                  "order " + by.id + " was good until " + to_iso8601(*by.not_after));
  return ok();
}

Result<std::string> Factory::take_order(std::string_view text, BytesView signature) {
  auto& s = *state_;
  CAM_TRY(const auto order, parse_order(text));
  std::string signer;
  std::error_code error;
  if (fs::exists(s.folder / kOrderSignersFile, error)) {
    if (signature.empty())
      return refuse(Errc::denied, "unsigned-order", "this factory takes orders with a signature only");
    CAM_TRY(const auto pem, read_file(s.folder / kOrderSignersFile, kMaxSigners));
    CAM_TRY(const auto signers, s.engine->certificates_from_pem(as_text(pem)));
    CAM_TRY(signer, check_order_signature(*s.engine, text, signature, signers, s.now()));
  }
  if (s.log.orders().size() == kMaxOrders) return fail(Errc::limit, "10,000 orders");
  for (const auto& entry : s.log.orders()) {
    if (entry.id == order.id) return refuse(Errc::exists, "repeated-order", "there is an order " + order.id);
    CAM_TRY(const auto before, read_order(*s.engine, s.folder, entry));
    const std::unordered_map<std::string_view, bool> listed = [&] {
      std::unordered_map<std::string_view, bool> out;
      for (const auto& each : before.serials) out.emplace(each, true);
      return out;
    }();
    for (const auto& serial : order.serials) {
      if (listed.contains(serial))
        return refuse(Errc::exists, "repeated-serial",
                      "order " + entry.id + " lists serial number " + serial);
    }
  }
  for (const auto& serial : order.serials) {
    if (s.log.find(serial) != nullptr)
      return refuse(Errc::exists, "repeated-serial",
                    "serial number " + serial + " has been issued or reserved");
  }
  fs::create_directories(s.folder / "orders", error);
  if (error) return fail(Errc::io, (s.folder / "orders").string() + ": " + error.message());
  CAM_TRY_STATUS(write_file_atomically(order_file(s.folder, order.id), as_bytes(text)));
  CAM_TRY_STATUS(
      s.log.add_order({order.id, s.hash_of(as_bytes(text)), order.serials.size()}, signer, s.now()));
  s.order_of_serial.reset();
  return order.id;
}

Result<std::vector<std::string>> Factory::serials_of_order(std::string_view id) {
  for (const auto& entry : state_->log.orders()) {
    if (entry.id != id) continue;
    CAM_TRY(auto order, read_order(*state_->engine, state_->folder, entry));
    return std::move(order.serials);
  }
  return fail(Errc::not_found, "there is no such order");
}

Result<std::vector<OrderState>> Factory::orders() {
  auto& s = *state_;
  std::vector<OrderState> out;
  for (const auto& entry : s.log.orders()) {
    CAM_TRY(const auto order, read_order(*s.engine, s.folder, entry));
    OrderState state{entry.id, entry.count, 0, order.not_after};
    state.issued = static_cast<std::uint64_t>(
        std::count_if(order.serials.begin(), order.serials.end(), [&](const std::string& serial) {
          const auto* known = s.log.find(serial);
          return known != nullptr && known->issued;
        }));
    out.push_back(std::move(state));
  }
  return out;
}

Result<std::uint32_t> Factory::begin_batch(const std::string& order) {
  auto& s = *state_;
  const auto& orders = s.log.orders();
  const bool known =
      std::any_of(orders.begin(), orders.end(), [&](const OrderEntry& each) { return each.id == order; });
  if (!known) return fail(Errc::not_found, "there is no such order");
  const auto* last = s.log.last_batch_of(order);
  if (last != nullptr && !last->done) return last->number;  // stopped on its way: it goes on
  return s.log.begin_batch(order, s.now());
}

Status Factory::end_batch(const std::string& order) {
  CAM_TRY_STATUS(state_->log.end_batch(order, state_->now()));
  return checkpoint();
}

}  // namespace camvault::identity
