// ResponseParser: reads the head of an HTTP/1.1 response, strictly (RFC 9112 §4), from any split of the stream.
//
// Called by: the client, for the answer to its handshake and to its POSTs.
// Memory:    none before the first byte and after release().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "frame/bytes.h"
#include "frame/http_error.h"
#include "frame/http_fields.h"
#include "frame/http_framing.h"

namespace ringcast::frame {

// The head of a response. Views are into the parser's memory, valid until its release() or end.
struct Response {
  std::uint16_t status = 0;
  std::string_view reason;
  std::uint8_t version_minor = 1;
  bool keep_alive = true;
  Framing framing;  // as for a response to GET or POST; one to HEAD has no body
  Fields fields;
};

class ResponseParser {
 public:
  static constexpr std::size_t kHeadSizeMax = 16 * 1024;  // bytes
  static constexpr std::size_t kFieldsMax = 100;

  struct Step {
    enum class Kind : std::uint8_t { need_more, done, failed };

    std::size_t consumed = 0;
    Kind kind = Kind::need_more;
    HttpError error = HttpError::bad_status_line;  // failed only
  };

  ResponseParser() noexcept;
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;
  ~ResponseParser();

  // As RequestParser's. 1xx heads other than 101 are responses like any other: the caller passes over them.
  [[nodiscard]] Step next(Bytes in);
  [[nodiscard]] const Response& response() const noexcept;
  void release() noexcept;

 private:
  class Head;

  std::unique_ptr<Head> head_;
};

}  // namespace ringcast::frame
