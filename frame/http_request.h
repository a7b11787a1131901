// RequestParser: reads the head of an HTTP/1.1 request, strictly (RFC 9112), from any split of the stream.
//
// Called by: a session until the connection becomes a WebSocket, and for each request of an HTTP connection.
// Strict:    fails at the first byte that cannot belong to a valid head; whatever two servers might read differently
//            (lengths, white space, line ends, Host) is refused.
// Memory:    none before the first byte and after release(); a head has a limit in bytes and in fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "frame/bytes.h"
#include "frame/http_error.h"
#include "frame/http_fields.h"
#include "frame/http_framing.h"
#include "frame/url.h"

namespace ringcast::frame {

// A parsed head. All views are into the parser's memory, valid until its release() or end.
struct Request {
  std::string_view method;
  std::string_view target;  // as it was sent
  Target parts;             // its path and query, still encoded
  std::string_view host;    // of the target in absolute-form, else of the Host field; empty in HTTP/1.0 without one
  std::uint8_t version_minor = 1;  // HTTP/1.x: 0 or 1
  bool keep_alive = true;
  bool expect_continue = false;  // waits for `100 Continue` before it sends its body
  Framing framing;
  Fields fields;
};

struct RequestLimits {
  std::uint32_t head_size_max = 16 * 1024;  // bytes, 431 beyond: the usual limit of servers and proxies
  std::uint32_t line_size_max = 8 * 1024;   // bytes of method and target, 414 beyond: RFC 9112 §3 asks for 8000
  std::uint32_t fields_max = 100;           // 431 beyond
};

class RequestParser {
 public:
  struct Step {
    enum class Kind : std::uint8_t { need_more, done, failed };

    std::size_t consumed = 0;  // bytes; the body or the next frames begin after them
    Kind kind = Kind::need_more;
    HttpError error = HttpError::bad_method;  // failed only
  };

  explicit RequestParser(RequestLimits limits = {}) noexcept;
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  ~RequestParser();

  // Takes bytes from the front of `in` up to the end of the head. After done or failed: only release() may follow.
  [[nodiscard]] Step next(Bytes in);

  // The head, after next() said done.
  [[nodiscard]] const Request& request() const noexcept;

  // True if bytes of a head have come but not its end.
  [[nodiscard]] bool in_progress() const noexcept;

  // Frees everything and is ready for the next request.
  void release() noexcept;

 private:
  class Head;

  std::unique_ptr<Head> head_;
  RequestLimits limits_;
};

}  // namespace ringcast::frame
