#include "frame/http_date.h"

#include <cassert>
#include <chrono>
#include <cstddef>

namespace ringcast::frame {

namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

// Fills `count` digits at `at`, with leading zeros.
void put_number(HttpDate& date, std::size_t at, std::size_t count, int value) noexcept {
  for (std::size_t i = count; i > 0; --i, value /= 10) {
    date.characters[at + i - 1] = static_cast<char>('0' + value % 10);
  }
}

void put_name(HttpDate& date, std::size_t at, std::string_view names, unsigned index) noexcept {
  names.substr(std::size_t{index} * 3, 3).copy(&date.characters[at], 3);
}

}  // namespace

HttpDate http_date(std::int64_t utc_s) noexcept {
  const std::chrono::sys_seconds time{std::chrono::seconds(utc_s)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day calendar{day};
  const std::chrono::hh_mm_ss clock{time - day};
  const int year = static_cast<int>(calendar.year());
  assert(year >= 0);
  assert(year <= 9999);

  HttpDate date{};
  std::string_view("Sun, 06 Nov 1994 08:49:37 GMT").copy(date.characters.data(), date.characters.size());
  put_name(date, 0, kDays, std::chrono::weekday{day}.c_encoding());
  put_number(date, 5, 2, static_cast<int>(static_cast<unsigned>(calendar.day())));
  put_name(date, 8, kMonths, static_cast<unsigned>(calendar.month()) - 1);
  put_number(date, 12, 4, year);
  put_number(date, 17, 2, static_cast<int>(clock.hours().count()));
  put_number(date, 20, 2, static_cast<int>(clock.minutes().count()));
  put_number(date, 23, 2, static_cast<int>(clock.seconds().count()));
  return date;
}

}  // namespace ringcast::frame
