#include "broker/option_value.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

#include "topics/name.h"

namespace ringcast::broker {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// The first of each factor, from large to small, is the one that texts are written with.
constexpr std::array<Unit, 7> kSizeUnits{
    {{"GiB", kGiB}, {"Gi", kGiB}, {"MiB", kMiB}, {"Mi", kMiB}, {"KiB", kKiB}, {"Ki", kKiB}, {"B", 1}}};
constexpr std::array<Unit, 4> kDurationUnits{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

constexpr std::string_view kSizeReason = "is not a size: a number of bytes, or one with KiB, MiB or GiB, as 64KiB";
constexpr std::string_view kDurationReason = "is not a duration: a number with ms, s, m or h, as 500ms or 10s";
constexpr std::string_view kAddressReason = "is not ADDRESS:PORT, as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080";
constexpr std::string_view kRuleReason = "is not FILTER=N;bytes:SIZE;age:DURATION;ttl:DURATION, as ticker/#=100;age:1h";
constexpr std::int64_t kRuleDurationMax = 10'000 * std::int64_t{3'600'000};  // ms, as of the options of these names

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::unexpected<std::string> reason(std::string_view text) {
  return std::unexpected(std::string(text));
}

// A number and one of `units` right behind it. `bare` is the factor of a number without a unit, 0 where that is
// refused.
Parsed<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units, std::uint64_t bare,
                                      std::string_view otherwise) {
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  const auto number = parse_count(text.substr(0, digits));
  if (!number) return reason(digits == 0 ? otherwise : std::string_view(number.error()));
  const std::string_view unit = text.substr(digits);
  std::uint64_t factor = unit.empty() ? (*number == 0 ? 1 : bare) : 0;
  for (const Unit& known : units) {
    if (unit == known.name) factor = known.factor;
  }
  if (factor == 0) return reason(otherwise);
  if (*number > std::numeric_limits<std::uint64_t>::max() / factor)
    return reason("is larger than any such value can be");
  return *number * factor;
}

std::string text_with_unit(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value >= unit.factor && value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return "0" + std::string(units.back().name);
}

// The literal address between the brackets or before the colon, in the form that the kernel's functions take.
Parsed<std::string> parse_host(std::string_view text) {
  std::string host(text);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    in6_addr ignored{};
    if (inet_pton(AF_INET6, host.c_str(), &ignored) != 1) return reason(kAddressReason);
    return host;
  }
  if (host == "localhost") return "127.0.0.1";
  in_addr ignored{};
  if (inet_pton(AF_INET, host.c_str(), &ignored) != 1) return reason(kAddressReason);
  return host;
}

}  // namespace

Parsed<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return reason("is larger than any such value can be");
  if (error != std::errc{} || end != text.data() + text.size()) return reason("is not a whole number");
  return value;
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, kSizeUnits, 1, kSizeReason);
}

Parsed<std::int64_t> parse_duration(std::string_view text) {
  const auto ms = parse_with_unit(text, kDurationUnits, 0, kDurationReason);
  if (!ms) return std::unexpected(ms.error());
  if (*ms > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return reason("is larger than any such value can be");
  }
  return static_cast<std::int64_t>(*ms);
}

Parsed<Address> parse_address(std::string_view text) {
  if (text == "off") return Address{};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return reason(kAddressReason);
  const auto port = parse_count(text.substr(colon + 1));
  if (!port) return reason(kAddressReason);
  if (*port > std::numeric_limits<std::uint16_t>::max()) return reason("has a port above 65535");
  const auto host = parse_host(text.substr(0, colon));
  if (!host) return std::unexpected(host.error());
  return Address{*host, static_cast<std::uint16_t>(*port)};
}

namespace {

// Sets one part of a rule, once; or the reason why not.
template <typename Value>
std::expected<void, std::string> set_part(std::optional<Value>& part, Parsed<Value> value, Value max,
                                          std::string_view name, const std::string& max_text) {
  if (!value) return std::unexpected("has a bad " + std::string(name) + ": it " + value.error());
  if (*value > max) return std::unexpected("has more than " + max_text + " for " + std::string(name));
  if (part) return std::unexpected("says " + std::string(name) + " twice");
  part = *value;
  return {};
}

std::expected<void, std::string> set_rule_part(std::string_view text, HistoryRule& rule) {
  const std::size_t colon = text.find(':');
  const std::string_view name = colon == std::string_view::npos ? "last" : text.substr(0, colon);
  const std::string_view value = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (name == "last") {
    const auto count = parse_count(value);
    if (!count) return reason(kRuleReason);
    if (*count > kHistoryMax) return reason("keeps more than " + std::to_string(kHistoryMax) + " messages");
    return set_part<std::uint32_t>(rule.last, static_cast<std::uint32_t>(*count), kHistoryMax, name, "");
  }
  if (name == "bytes")
    return set_part(rule.bytes, parse_size(value), kHistoryBytesMax, name, size_text(kHistoryBytesMax));
  const std::string max = duration_text(kRuleDurationMax);
  if (name == "age") return set_part(rule.age_ms, parse_duration(value), kRuleDurationMax, name, max);
  if (name == "ttl") return set_part(rule.ttl_ms, parse_duration(value), kRuleDurationMax, name, max);
  return reason(kRuleReason);
}

}  // namespace

Parsed<HistoryRule> parse_history_rule(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) return reason(kRuleReason);
  HistoryRule rule{.filter = std::string(text.substr(0, equals))};
  for (std::string_view rest = text.substr(equals + 1); rest.data() != nullptr;) {
    const std::size_t end = rest.find(';');
    const auto set = set_rule_part(rest.substr(0, end), rule);
    if (!set) return std::unexpected(set.error());
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  const auto valid = topics::validate_filter(rule.filter);
  if (!valid) return reason("has a bad filter: " + std::string(topics::describe(valid.error())));
  return rule;
}

std::string history_rule_text(const HistoryRule& rule) {
  std::string parts;
  const auto add = [&](const std::string& part) { parts += (parts.empty() ? "" : ";") + part; };
  if (rule.last) add(std::to_string(*rule.last));
  if (rule.bytes) add("bytes:" + size_text(*rule.bytes));
  if (rule.age_ms) add("age:" + duration_text(*rule.age_ms));
  if (rule.ttl_ms) add("ttl:" + duration_text(*rule.ttl_ms));
  return rule.filter + "=" + parts;
}

Parsed<bool> parse_switch(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return reason("is neither true nor false");
}

Parsed<std::string> parse_base_path(std::string_view text) {
  constexpr std::string_view kReason = "is not a path such as /ringcast: it begins with / and does not end with one";
  if (text.empty()) return std::string();
  if (!text.starts_with('/') || text.ends_with('/') || text.contains("//")) return reason(kReason);
  for (const char c : text) {
    if (!is_alphanumeric(c) && !std::string_view("/-._~").contains(c)) return reason(kReason);
  }
  return std::string(text);
}

Parsed<std::string> parse_origin(std::string_view text) {
  constexpr std::string_view kReason = "is not an origin such as https://app.example.com, nor *";
  if (text == "*") return std::string(text);
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return reason(kReason);
  const std::string_view authority = text.substr(scheme + 3);
  if (authority.empty()) return reason(kReason);
  for (const char c : authority) {
    // Browsers send hosts in lower case and compare byte by byte; an upper-case one would never match.
    if ((c >= 'A' && c <= 'Z') || (!is_alphanumeric(c) && !std::string_view("-._:[]").contains(c))) {
      return reason(kReason);
    }
  }
  return std::string(text);
}

std::string size_text(std::uint64_t bytes) {
  return text_with_unit(bytes, kSizeUnits);
}

std::string duration_text(std::int64_t ms) {
  return text_with_unit(static_cast<std::uint64_t>(ms), kDurationUnits);
}

std::string address_text(const Address& address) {
  if (address.off()) return "off";
  const bool v6 = address.host.contains(':');
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace ringcast::broker
