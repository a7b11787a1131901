// TopicRequest: what a request for `/topics/…` asks, read from its URL. Pure.
//
// Nothing unknown is ignored: a parameter that we do not know is refused by its name.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "broker/pace.h"
#include "frame/http_request.h"

namespace ringcast::broker {

// An answer that refuses: status, a name for machines, a sentence for people; a field that the status asks for (Allow).
struct HttpRefusal {
  std::uint16_t status = 400;
  std::string_view name;
  std::string message;
  frame::Field field{};
  std::int64_t retry_after_s = 0;  // 0: it is not said
};

struct TopicRequest {
  std::string filter;  // decoded and valid; a topic unless `wildcard`
  bool wildcard = false;
  bool echo = true;               // `echo=0`: do not hear yourself
  bool last = false;              // `last=1`: begin with the last values
  bool publish_only = false;      // `mode=pub`
  bool json = false;              // `format=json`: an event stream of JSON, though of one topic
  Pace pace = kEveryMessage;      // `delivery=latest`, and `rate=HZ` with it
  bool chooses_delivery = false;  // one of these was there
};

inline constexpr std::string_view kTopicsPath = "/topics/";
inline constexpr std::string_view kBatchPath = "/topics";
inline constexpr std::string_view kWebSocketPath = "/ws";

// Reads the topic or filter of `path` (encoded, after the base path, beginning with kTopicsPath) and the parameters of
// `query` (encoded). 400 with the rule that was broken.
[[nodiscard]] std::expected<TopicRequest, HttpRefusal> read_topic_request(std::string_view path,
                                                                          std::string_view query);

}  // namespace ringcast::broker
