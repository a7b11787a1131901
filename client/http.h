// Http: one HTTP/1.1 request to a broker and its whole answer, on a connection of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "client/deadline.h"
#include "client/error.h"
#include "client/url.h"
#include "frame/bytes.h"

namespace ringcast::client {

struct HttpRequest {
  std::string_view method;        // "POST"
  std::string_view target;        // path and query, encoded (topic_target())
  std::string_view content_type;  // empty: not said, the broker looks at the body
  frame::Bytes body;
};

struct HttpAnswer {
  std::uint16_t status = 0;
  std::string body;

  [[nodiscard]] bool ok() const noexcept { return status >= 200 && status < 300; }
};

inline constexpr std::size_t kAnswerSizeMax = std::size_t{64} << 20;  // bytes: the largest message there can be

// Blocks until the answer is there. Any status is an answer, not an error.
[[nodiscard]] std::expected<HttpAnswer, Error> request(const Url& url, const HttpRequest& request, Deadline deadline);

}  // namespace ringcast::client
