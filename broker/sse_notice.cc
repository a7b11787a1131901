#include "broker/sse_notice.h"

#include "frame/http_response.h"

namespace ringcast::broker {

std::string write_notice(const SseNotice& notice) {
  std::string text = "event: " + std::string(notice.event) + "\ndata: {\"reason\":";
  frame::append_json_string(text, notice.reason);
  text += ",\"text\":";
  frame::append_json_string(text, notice.text);
  return text + "}\n\n";
}

std::string write_retry(std::uint64_t random, const RetryRange& range) {
  return "retry: " + std::to_string(range.min_ms + random % (range.max_ms - range.min_ms + 1)) + "\n\n";
}

}  // namespace ringcast::broker
