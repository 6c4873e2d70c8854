#include <charconv>

#include "camvault/voucher/voucher.h"

namespace camvault::voucher {

namespace {
constexpr std::size_t kLongestFraction = 9;
const Timestamp kFirst = from_unix_seconds(-62'167'219'200);  // 0000-01-01T00:00:00Z
const Timestamp kLast = from_unix_seconds(253'402'300'799);   // 9999-12-31T23:59:59Z

// Exactly `count` digits.
std::optional<int> digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + count, value);
  if (error != std::errc() || end != text.data() + count || text[0] == '-') return std::nullopt;
  text.remove_prefix(count);
  return value;
}

bool skip(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::minutes> zone(std::string_view text) {
  if (text == "Z") return std::chrono::minutes(0);
  const bool east = text.starts_with('+');
  if (!east && !text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = digits(text, 2);
  if (!hours || !skip(text, ':')) return std::nullopt;
  const auto minutes = digits(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  const auto total = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return east ? total : -total;
}
}  // namespace

Result<Timestamp> read_date_and_time(std::string_view text) {
  const auto bad = [] { return fail(Errc::malformed, "not a yang:date-and-time"); };
  constexpr std::size_t kWithoutFraction = 19;  // 2021-04-13T17:43:23
  if (text.size() < kWithoutFraction + 1 || text[10] != 'T') return bad();
  auto rest = text.substr(kWithoutFraction);
  std::string local(text.substr(0, kWithoutFraction));
  if (skip(rest, '.')) {
    const auto count = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (count == 0 || count > kLongestFraction) return bad();
    local += "." + std::string(rest.substr(0, std::min<std::size_t>(count, 7)));  // what a Timestamp can hold
    rest.remove_prefix(count);
  }
  const auto distance = zone(rest);
  if (!distance) return bad();
  const auto time = from_iso8601(local + "Z");
  if (!time) return bad();
  const auto out = *time - *distance;
  if (out < kFirst || out > kLast) return bad();  // its year in UTC has four digits, too
  return out;
}

}  // namespace camvault::voucher
