// HttpSession's files: the dashboard, served from the binary.
#include "broker/accept_encoding.h"
#include "broker/etag.h"
#include "broker/http_session.h"

namespace ringcast::broker {

namespace {

// What of the file the client is sent: a variant, or the file itself as one without a coding.
StaticVariant choose_variant(const StaticFile& file, const frame::Fields& fields) {
  std::vector<std::string_view> codings;
  for (const StaticVariant& variant : file.variants) codings.push_back(variant.coding);
  const int chosen = choose_coding(fields, codings);
  if (chosen < 0) return {.coding = {}, .bytes = file.bytes, .etag = file.etag};
  return file.variants[static_cast<std::size_t>(chosen)];
}

}  // namespace

const StaticFile* HttpSession::file_at(std::string_view path) const {
  return find_file_ == nullptr ? nullptr : find_file_(path.empty() ? "/" : path);
}

HttpSession::Next HttpSession::handle_file(SlotId slot, Session& session, const StaticFile& file, Instant now) {
  const frame::Fields& fields = session.http->parser.request().fields;
  const StaticVariant variant = choose_variant(file, fields);
  const std::string if_match = fields.combined("If-Match");
  if (!if_match.empty() && !matches_etag(if_match, variant.etag, Comparison::strong)) {
    return answer_refusal(slot, session, {412, "precondition_failed", "the file is not the one that If-Match names"},
                          now);
  }
  const bool unchanged = matches_etag(fields.combined("If-None-Match"), variant.etag);
  frame::ResponseBuilder builder = begin_response(session, unchanged ? 304 : 200, now);
  builder.field("ETag", variant.etag).field("Cache-Control", "no-cache");
  if (!file.variants.empty()) builder.field("Vary", "Accept-Encoding");
  if (unchanged) return answer(slot, session, builder.no_body(), now);
  if (!variant.coding.empty()) builder.field("Content-Encoding", variant.coding);
  builder.field("X-Content-Type-Options", "nosniff");
  builder.field("Content-Security-Policy", kPagePolicy);
  const std::string_view body{reinterpret_cast<const char*>(variant.bytes.data()), variant.bytes.size()};
  return answer_with(slot, session, std::move(builder), file.content_type, body, now);
}

}  // namespace ringcast::broker
