#include "broker/option.h"

#include <array>
#include <bit>
#include <cassert>
#include <type_traits>
#include <utility>

#include "broker/option_value.h"

namespace ringcast::broker {
namespace {

template <typename Value>
struct Choice {
  std::string_view name;
  Value value;
};

// The names of an enumeration's values, found by its type.
constexpr std::array<Choice<IoBackend>, 3> choices(IoBackend /*type*/) {
  return {{{"auto", IoBackend::automatic}, {"uring", IoBackend::uring}, {"epoll", IoBackend::epoll}}};
}
constexpr std::array<Choice<LogLevel>, 4> choices(LogLevel /*type*/) {
  return {{{"debug", LogLevel::debug},
           {"info", LogLevel::info},
           {"warning", LogLevel::warning},
           {"error", LogLevel::error}}};
}
constexpr std::array<Choice<Progress>, 3> choices(Progress /*type*/) {
  return {{{"auto", Progress::automatic}, {"always", Progress::always}, {"never", Progress::never}}};
}
constexpr std::array<Choice<Toggle>, 2> choices(Toggle /*type*/) {
  return {{{"on", Toggle::on}, {"off", Toggle::off}}};
}
constexpr std::array<Choice<ClientAuth>, 3> choices(ClientAuth /*type*/) {
  return {{{"none", ClientAuth::none}, {"optional", ClientAuth::optional}, {"required", ClientAuth::required}}};
}
constexpr std::array<Choice<TlsVersion>, 2> choices(TlsVersion /*type*/) {
  return {{{"1.2", TlsVersion::v1_2}, {"1.3", TlsVersion::v1_3}}};
}
constexpr std::array<Choice<LogFormat>, 2> choices(LogFormat /*type*/) {
  return {{{"text", LogFormat::text}, {"json", LogFormat::json}}};
}

// ---- text to value, by the field's type; a type without an overload here does not compile ----

template <typename Value>
  requires std::is_enum_v<Value>
Parsed<Value> parse(std::string_view text, const Option& option, Value type) {
  for (const auto& choice : choices(type)) {
    if (text == choice.name) return choice.value;
  }
  return std::unexpected("is none of " + value_hint(option));
}

Parsed<std::uint64_t> within_range(Parsed<std::uint64_t> value, const Option& option) {
  if (!value) return value;
  if (option.range.max != 0 && (*value < option.range.min || *value > option.range.max)) {
    return std::unexpected("is out of range: " + range_text(option));
  }
  if (option.check == Check::power_of_two && !std::has_single_bit(*value)) {
    return std::unexpected("is not a power of two");
  }
  return value;
}

Parsed<std::uint64_t> parse(std::string_view text, const Option& option, std::uint64_t /*type*/) {
  return within_range(parse_size(text), option);
}

Parsed<std::int64_t> parse(std::string_view text, const Option& option, std::int64_t /*type*/) {
  const auto ms = parse_duration(text);
  if (!ms) return ms;
  const auto checked = within_range(static_cast<std::uint64_t>(*ms), option);
  if (!checked) return std::unexpected(checked.error());
  return ms;
}

Parsed<std::uint32_t> parse(std::string_view text, const Option& option, std::uint32_t /*type*/) {
  assert(option.range.max <= 0xffff'ffff);
  assert(option.range.max != 0);
  const auto count = within_range(parse_count(text), option);
  if (!count) return std::unexpected(count.error());
  return static_cast<std::uint32_t>(*count);
}

Parsed<std::optional<std::uint32_t>> parse(std::string_view text, const Option& option,
                                           const std::optional<std::uint32_t>& /*type*/) {
  if (text == "auto") return std::nullopt;
  const auto count = parse(text, option, std::uint32_t{});
  if (!count) return std::unexpected(count.error());
  return *count;
}

Parsed<std::optional<std::uint64_t>> parse(std::string_view text, const Option& option,
                                           const std::optional<std::uint64_t>& /*type*/) {
  const auto count = within_range(parse_count(text), option);
  if (!count) return std::unexpected(count.error());
  return *count;
}

Parsed<bool> parse(std::string_view text, const Option& /*option*/, bool /*type*/) {
  return parse_switch(text);
}

Parsed<Address> parse(std::string_view text, const Option& /*option*/, const Address& /*type*/) {
  return parse_address(text);
}

Parsed<HistoryRule> parse(std::string_view text, const Option& /*option*/, const HistoryRule& /*type*/) {
  return parse_history_rule(text);
}

Parsed<std::string> parse(std::string_view text, const Option& option, const std::string& /*type*/) {
  switch (option.check) {
    case Check::base_path:
      return parse_base_path(text);
    case Check::origin:
      return parse_origin(text);
    case Check::none:
    case Check::power_of_two:
      return std::string(text);
  }
  std::unreachable();
}

// ---- value to text ----

template <typename Value>
  requires std::is_enum_v<Value>
std::string text(Value value) {
  for (const auto& choice : choices(value)) {
    if (value == choice.value) return std::string(choice.name);
  }
  std::unreachable();
}

std::string text(std::uint64_t bytes) {
  return size_text(bytes);
}
std::string text(std::int64_t ms) {
  return duration_text(ms);
}
std::string text(std::uint32_t count) {
  return std::to_string(count);
}
std::string text(const std::optional<std::uint32_t>& count) {
  return count ? text(*count) : "auto";
}
std::string text(const std::optional<std::uint64_t>& count) {
  return count ? std::to_string(*count) : "";
}
std::string text(bool on) {
  return on ? "true" : "false";
}
std::string text(const Address& address) {
  return address_text(address);
}
std::string text(const HistoryRule& rule) {
  return history_rule_text(rule);
}
std::string text(const std::string& value) {
  return value;
}

template <typename Value>
std::string text(const std::vector<Value>& list) {
  std::string joined;
  for (const Value& value : list) joined += (joined.empty() ? "" : ",") + text(value);
  return joined;
}

// ---- what stands behind the flag in --help ----

template <typename Value>
  requires std::is_enum_v<Value>
std::string hint(Value type) {
  std::string names;
  for (const auto& choice : choices(type)) names += (names.empty() ? "" : "|") + std::string(choice.name);
  return names;
}

std::string hint(std::uint64_t /*type*/) {
  return "SIZE";
}
std::string hint(std::int64_t /*type*/) {
  return "DURATION";
}
std::string hint(std::uint32_t /*type*/) {
  return "N";
}
std::string hint(const std::optional<std::uint32_t>& /*type*/) {
  return "N|auto";
}
std::string hint(const std::optional<std::uint64_t>& /*type*/) {
  return "N";
}
std::string hint(bool /*type*/) {
  return "";
}
std::string hint(const Address& /*type*/) {
  return "ADDRESS:PORT";
}
std::string hint(const std::string& /*type*/) {
  return "TEXT";
}
std::string hint(const std::vector<std::string>& /*type*/) {
  return "TEXT";
}
std::string hint(const std::vector<HistoryRule>& /*type*/) {
  return "FILTER=RULE";
}

template <typename Value>
constexpr bool kIsVector = false;
template <typename Value>
constexpr bool kIsVector<std::vector<Value>> = true;

}  // namespace

std::string environment_name(const Option& option) {
  std::string name = "RINGCAST_";
  for (const char c : option.name) name += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  return name;
}

bool is_list(const Option& option) {
  return std::holds_alternative<std::vector<std::string> Options::*>(option.field) ||
         std::holds_alternative<std::vector<HistoryRule> Options::*>(option.field);
}

bool is_switch(const Option& option) {
  return std::holds_alternative<bool Options::*>(option.field);
}

bool belongs_to(const Option& option, Command command) {
  return (option.commands & std::to_underlying(command)) != 0;
}

std::string value_hint(const Option& option) {
  if (!option.hint.empty()) return std::string(option.hint);
  const Options defaults;
  return std::visit([&](auto member) { return hint(defaults.*member); }, option.field);
}

std::string value_text(const Option& option, const Options& options) {
  return std::visit([&](auto member) { return text(options.*member); }, option.field);
}

std::string range_text(const Option& option) {
  if (option.range.max == 0) return "";
  const bool bytes = std::holds_alternative<std::uint64_t Options::*>(option.field);
  const bool ms = std::holds_alternative<std::int64_t Options::*>(option.field);
  const auto end = [&](std::uint64_t value) {
    if (bytes) return size_text(value);
    return ms ? duration_text(static_cast<std::int64_t>(value)) : std::to_string(value);
  };
  const bool may_be_auto = std::holds_alternative<std::optional<std::uint32_t> Options::*>(option.field);
  return end(option.range.min) + " to " + end(option.range.max) + (may_be_auto ? ", or auto" : "");
}

std::expected<void, std::string> set_value(const Option& option, std::string_view text, Options& options) {
  return std::visit(
      [&](auto member) -> std::expected<void, std::string> {
        auto& target = options.*member;
        using Target = std::remove_reference_t<decltype(target)>;
        if constexpr (kIsVector<Target>) {
          auto element = parse(text, option, typename Target::value_type{});
          if (!element) return std::unexpected(element.error());
          target.push_back(*std::move(element));
        } else {
          auto value = parse(text, option, Target{});
          if (!value) return std::unexpected(value.error());
          target = *std::move(value);
        }
        return {};
      },
      option.field);
}

void clear_list(const Option& option, Options& options) {
  std::visit(
      [&](auto member) {
        auto& target = options.*member;
        if constexpr (kIsVector<std::remove_reference_t<decltype(target)>>) target.clear();
      },
      option.field);
}

void copy_value(const Option& option, const Options& from, Options& to) {
  std::visit([&](auto member) { to.*member = from.*member; }, option.field);
}

}  // namespace ringcast::broker
