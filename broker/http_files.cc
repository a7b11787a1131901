// HttpSession's files: the dashboard, served from the binary.
#include "broker/etag.h"
#include "broker/http_session.h"

namespace ringcast::broker {

const StaticFile* HttpSession::file_at(std::string_view path) const {
  return find_file_ == nullptr ? nullptr : find_file_(path.empty() ? "/" : path);
}

HttpSession::Next HttpSession::handle_file(SlotId slot, Session& session, const StaticFile& file, Instant now) {
  const frame::Request& request = session.http->parser.request();
  const auto if_none_match = request.fields.get("If-None-Match");
  if (if_none_match && matches_etag(*if_none_match, file.etag)) {
    return answer(slot, session, begin_response(session, 304, now).field("ETag", file.etag).no_body(), now);
  }
  frame::ResponseBuilder builder = begin_response(session, 200, now);
  builder.field("ETag", file.etag).field("Cache-Control", "no-cache").field("X-Content-Type-Options", "nosniff");
  builder.field("Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'");
  const std::string_view body{reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()};
  return answer_with(slot, session, std::move(builder), file.content_type, body, now);
}

}  // namespace ringcast::broker
