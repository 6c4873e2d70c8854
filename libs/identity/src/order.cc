#include "camvault/identity/order.h"

#include <charconv>
#include <unordered_set>

#include "camvault/crypto_openssl/detached_signature.h"
#include "camvault/identity/device.h"

namespace camvault::identity {

namespace {
constexpr std::string_view kFirstLine = "camvault-order 1";

class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  std::size_t number() const { return number_; }
  // The next line without its end; a text whose last line has none was cut off.
  Result<std::string_view> next() {
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos) return fail(Errc::malformed, "the order ends in the middle of a line");
    auto line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    ++number_;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }
  tl::unexpected<Error> bad(std::string_view what) const {
    return fail(Errc::malformed, "order, line " + std::to_string(number_) + ": " + std::string(what));
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

constexpr std::string_view kId = "order: ";
constexpr std::string_view kNotAfter = "not-after: ";
constexpr std::string_view kCount = "count: ";

Result<std::size_t> count_of(const Lines& lines, std::string_view line) {
  if (!line.starts_with(kCount)) return lines.bad("\"count: ...\" is expected");
  const auto digits = line.substr(kCount.size());
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size()) return lines.bad("count is a number");
  if (count == 0 || count > kMaxOrderSerials)
    return fail(Errc::limit, "an order is for 1 to 1,000,000 cameras");
  return count;
}
}  // namespace

Result<Order> parse_order(std::string_view text) {
  if (text.size() > kMaxOrderFile) return fail(Errc::limit, "an order longer than 128 MiB");
  Lines lines(text);
  Order order;
  CAM_TRY(auto line, lines.next());
  if (line != kFirstLine) return lines.bad("\"camvault-order 1\" is expected");
  CAM_TRY(line, lines.next());
  if (!line.starts_with(kId) || !is_device_serial(line.substr(kId.size())))
    return lines.bad("\"order: NAME\" is expected, a name of 1 to 64 letters, digits and . : -");
  order.id = line.substr(kId.size());
  CAM_TRY(line, lines.next());
  if (line.starts_with(kNotAfter)) {
    const auto time = from_iso8601(line.substr(kNotAfter.size()));
    if (!time) return lines.bad("no time such as 2027-01-31T00:00:00Z");
    order.not_after = *time;
    CAM_TRY(line, lines.next());
  }
  CAM_TRY(const auto count, count_of(lines, line));
  std::unordered_set<std::string_view> seen;  // views into `text`
  while (!lines.at_end()) {
    CAM_TRY(const auto serial, lines.next());
    if (!is_device_serial(serial)) return lines.bad("not a serial number");
    if (order.serials.size() == count) return lines.bad("more serial numbers than count says");
    if (!seen.insert(serial).second)
      return fail(Errc::exists, "order, line " + std::to_string(lines.number()) + ": serial number " +
                                    std::string(serial) + " is listed twice");
    order.serials.emplace_back(serial);
  }
  if (order.serials.size() != count) return lines.bad("fewer serial numbers than count says");
  return order;
}

std::string write_order(const Order& order) {
  std::string out(kFirstLine);
  out += "\n" + std::string(kId) + order.id + "\n";
  if (order.not_after) out += std::string(kNotAfter) + to_iso8601(*order.not_after) + "\n";
  out += std::string(kCount) + std::to_string(order.serials.size()) + "\n";
  for (const auto& serial : order.serials) out += serial + "\n";
  return out;
}

Result<std::string> check_order_signature(const crypto::Engine& engine, std::string_view text,
                                          BytesView signature,
                                          const std::vector<crypto::Certificate>& signers, Timestamp at) {
  CAM_TRY(const auto found, crypto_openssl::verify_detached(engine, signature, as_bytes(text)));
  crypto::PathRequest path;
  path.leaf = &found.chain.front();
  path.intermediates = &found.chain;
  path.anchors = &signers;
  path.at = at;
  const auto result = engine.validate_path(path);
  if (result.verdict != crypto::PathVerdict::trusted)
    return fail(Errc::invalid, "the order's signer is not known: " + result.reason);
  return found.chain.front().subject;
}

}  // namespace camvault::identity
