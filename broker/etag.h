// ETag: the name of one value of a topic or file in HTTP (RFC 9110 §8.8.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::broker {

// The tag of a topic's value: `"<epoch>-<seq>"`, with its quotes.
[[nodiscard]] std::string etag(std::string_view epoch, std::uint64_t seq);

// How two tags are compared: to a strong comparison a weak one is equal to none (§8.8.3.2).
enum class Comparison : std::uint8_t { weak, strong };

// Whether If-None-Match (weak, §13.1.2) or If-Match (strong, §13.1.1) names `tag`: it is `*`, or a list with the tag.
[[nodiscard]] bool matches_etag(std::string_view list, std::string_view tag, Comparison comparison = Comparison::weak);

}  // namespace ringcast::broker
