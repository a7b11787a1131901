// Error: what a peer or the configuration can get wrong with names and topics. One list for the folder.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringcast::topics {

enum class Error : std::uint8_t {
  empty,              // a name has at least one byte (MQTT 5 §4.7.3)
  too_long,           // kNameSizeMax bytes
  not_utf8,           // RFC 3629: overlong forms, surrogates and cut sequences included
  control_character,  // U+0000–U+001F, U+007F, U+0080–U+009F
  too_many_levels,    // kLevelsMax
  dot_level,          // a level `.` or `..`: every URL library would swallow it
  wildcard_in_topic,  // a topic holds neither `+` nor `#`: only filters do
  plus_not_alone,     // `+` stands for one whole level (MQTT 5 §4.7.1.3)
  hash_not_alone,     // `#` stands for whole levels (MQTT 5 §4.7.1.2)
  hash_not_last,      // nothing follows `#` (MQTT 5 §4.7.1.2)
  too_many_topics,    // Home::Options::topics_max
  too_many_filters,   // Subscriptions::Options::filters_max
};

// One line for people that names the limit, without a full stop: "a topic has at most 64 levels".
[[nodiscard]] std::string_view describe(Error error) noexcept;

}  // namespace ringcast::topics
