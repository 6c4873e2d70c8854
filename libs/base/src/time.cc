#include "camvault/base/time.h"

#include <cstdio>

namespace camvault {

namespace {
constexpr std::int64_t kTicksPerSecond = 10'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

struct Split {
  std::int64_t quotient;
  std::int64_t remainder;  // never negative
};

Split floor_divide(std::int64_t value, std::int64_t by) {
  auto quotient = value / by;
  auto remainder = value % by;
  if (remainder < 0) {
    --quotient;
    remainder += by;
  }
  return {quotient, remainder};
}

// Proleptic Gregorian calendar from days since 1970-01-01; counts in 400-year eras that begin on 1 March.
struct Date {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

Date date_from_days(std::int64_t days) {
  const auto [era, day_of_era] = floor_divide(days + 719'468, 146'097);
  const auto year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto march_month = (5 * day_of_year + 2) / 153;
  const auto day = day_of_year - (153 * march_month + 2) / 5 + 1;
  const auto month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), static_cast<unsigned>(month),
          static_cast<unsigned>(day)};
}

std::int64_t days_from_date(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const auto [era, year_of_era] = floor_divide(year, 400);
  const auto day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const auto day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

unsigned days_in_month(std::int64_t year, std::int64_t month) {
  static constexpr unsigned char kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  Result<std::int64_t> digits(std::size_t count) {
    if (text_.size() < count) return bad();
    std::int64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return bad();
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  bool accept(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool at_digit() const { return !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; }
  bool done() const { return text_.empty(); }
  static tl::unexpected<Error> bad() {
    return fail(Errc::malformed, "not a UTC time such as 2026-11-21T10:00:00Z");
  }

 private:
  std::string_view text_;
};
}  // namespace

Timestamp SystemClock::now() const {
  return std::chrono::time_point_cast<Ticks>(std::chrono::system_clock::now());
}

Timestamp from_unix_seconds(std::int64_t seconds) {
  return Timestamp(Ticks(seconds * kTicksPerSecond));
}

std::int64_t to_unix_seconds(Timestamp time) {
  return floor_divide(time.time_since_epoch().count(), kTicksPerSecond).quotient;
}

std::string to_iso8601(Timestamp time) {
  const auto [seconds, fraction] = floor_divide(time.time_since_epoch().count(), kTicksPerSecond);
  const auto [days, second_of_day] = floor_divide(seconds, kSecondsPerDay);
  const auto date = date_from_days(days);
  char text[64];
  const bool plain_year = date.year >= 0 && date.year <= 9999;
  std::snprintf(
      text, sizeof text, plain_year ? "%04lld-%02u-%02uT%02d:%02d:%02d" : "%+05lld-%02u-%02uT%02d:%02d:%02d",
      static_cast<long long>(date.year), date.month, date.day, static_cast<int>(second_of_day / 3600),
      static_cast<int>(second_of_day / 60 % 60), static_cast<int>(second_of_day % 60));
  std::string out = text;
  if (fraction != 0) {
    std::snprintf(text, sizeof text, ".%07d", static_cast<int>(fraction));
    out += text;
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

Result<Timestamp> from_iso8601(std::string_view text) {
  Scanner in(text);
  CAM_TRY(const auto year, in.digits(4));
  if (!in.accept('-')) return Scanner::bad();
  CAM_TRY(const auto month, in.digits(2));
  if (!in.accept('-')) return Scanner::bad();
  CAM_TRY(const auto day, in.digits(2));
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return Scanner::bad();
  std::int64_t ticks = days_from_date(year, month, day) * kSecondsPerDay * kTicksPerSecond;
  if (in.done()) return Timestamp(Ticks(ticks));
  if (!in.accept('T')) return Scanner::bad();
  CAM_TRY(const auto hour, in.digits(2));
  if (!in.accept(':')) return Scanner::bad();
  CAM_TRY(const auto minute, in.digits(2));
  if (!in.accept(':')) return Scanner::bad();
  CAM_TRY(const auto second, in.digits(2));
  if (hour > 23 || minute > 59 || second > 59) return Scanner::bad();
  ticks += (hour * 3600 + minute * 60 + second) * kTicksPerSecond;
  if (in.accept('.')) {
    auto scale = kTicksPerSecond / 10;
    if (!in.at_digit()) return Scanner::bad();
    for (; in.at_digit(); scale /= 10) {
      CAM_TRY(const auto digit, in.digits(1));
      ticks += digit * scale;  // digits past 100 ns count nothing
    }
  }
  if (!in.accept('Z') || !in.done()) return Scanner::bad();
  return Timestamp(Ticks(ticks));
}

}  // namespace camvault
