// Values as people write them: "64KiB", "10s", "[::1]:8080", "ticker/#=100". Text in, value or reason out, and back.
//
// Every reason completes the sentence "VALUE …", such as "is not a size: 512, 64KiB, 1MiB, 2GiB".
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "broker/config.h"

namespace ringcast::broker {

template <typename T>
using Parsed = std::expected<T, std::string>;

// A whole number without sign, point or unit.
[[nodiscard]] Parsed<std::uint64_t> parse_count(std::string_view text);

// Bytes: a number alone, or followed by B, KiB, MiB or GiB (or Ki, Mi, Gi as Kubernetes writes them).
// Not KB and MB: half of the world reads them as 1000, the other as 1024.
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text);

// Milliseconds: a number followed by ms, s, m or h. A number alone is refused, except 0: it could be either.
[[nodiscard]] Parsed<std::int64_t> parse_duration(std::string_view text);

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (which is 127.0.0.1), "off". Other names are refused.
[[nodiscard]] Parsed<Address> parse_address(std::string_view text);

// "FILTER=N", or "FILTER=last:N;bytes:SIZE;age:DURATION;ttl:DURATION", of which one is enough: the last `=` divides,
// since a filter may hold one itself.
[[nodiscard]] Parsed<HistoryRule> parse_history_rule(std::string_view text);

// "true" or "false".
[[nodiscard]] Parsed<bool> parse_switch(std::string_view text);

// "" or "/a/b": begins with a slash, ends with none, holds only what a path may hold unescaped (RFC 3986 §3.3).
[[nodiscard]] Parsed<std::string> parse_base_path(std::string_view text);

// "*" or an origin as browsers send it: "https://app.example.com", "http://10.0.0.7:3000" (RFC 6454 §6.2).
[[nodiscard]] Parsed<std::string> parse_origin(std::string_view text);

// The shortest text that the parsers above read as the same value.
[[nodiscard]] std::string size_text(std::uint64_t bytes);
[[nodiscard]] std::string duration_text(std::int64_t ms);
[[nodiscard]] std::string history_rule_text(const HistoryRule& rule);
[[nodiscard]] std::string address_text(const Address& address);

}  // namespace ringcast::broker
