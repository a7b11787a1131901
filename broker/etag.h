// ETag: the name of one value of a topic or file in HTTP (RFC 9110 §8.8.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::broker {

// The tag of a topic's value: `"<epoch>-<seq>"`, with its quotes.
[[nodiscard]] std::string etag(std::string_view epoch, std::uint64_t seq);

// Whether If-None-Match names `tag`: it is `*`, or a list in which the tag stands, weak or not (§13.1.2).
[[nodiscard]] bool matches_etag(std::string_view if_none_match, std::string_view tag);

}  // namespace ringcast::broker
