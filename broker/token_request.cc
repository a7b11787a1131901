#include "broker/token_request.h"

#include <algorithm>
#include <optional>

#include "frame/url.h"

namespace ringcast::broker {

namespace {

using RequestRefused = std::unexpected<HttpRefusal>;

RequestRefused several() {
  return RequestRefused(HttpRefusal{400, "several_tokens", "a request says its token once"});
}

// What stands behind "Bearer " (RFC 6750 §2.1).
std::expected<std::optional<std::string>, HttpRefusal> from_authorization(const frame::Fields& fields) {
  const auto value = fields.get("Authorization");
  if (!value) return std::nullopt;
  if (fields.count("Authorization") > 1) return several();
  const std::size_t space = std::min(value->find(' '), value->size());
  if (!frame::equals_ignoring_case(value->substr(0, space), "Bearer")) {
    return RequestRefused(HttpRefusal{
        401, "token_refused", "the one scheme of Authorization here is Bearer", {"WWW-Authenticate", "Bearer"}});
  }
  return std::string(frame::trim_spaces(value->substr(space)));
}

// A parameter that cannot be read is refused by who reads them all.
std::expected<std::optional<std::string>, HttpRefusal> from_query(std::string_view text) {
  std::optional<std::string> token;
  frame::Query query(text);
  for (;;) {
    const auto parameter = query.next();
    if (!parameter) continue;
    if (!*parameter) return token;
    if ((*parameter)->name != kTokenParameter) continue;
    if (token) return several();
    token = (*parameter)->value;
  }
}

std::expected<std::optional<std::string>, HttpRefusal> from_subprotocols(const frame::Fields& fields) {
  std::optional<std::string> token;
  for (const std::string_view entry : fields.list("Sec-WebSocket-Protocol")) {
    if (!entry.starts_with(kTokenSubprotocol)) continue;
    if (token) return several();
    token = std::string(entry.substr(kTokenSubprotocol.size()));
  }
  return token;
}

}  // namespace

std::expected<std::string, HttpRefusal> find_token(const frame::Request& request) {
  std::optional<std::string> token;
  for (auto& found :
       {from_authorization(request.fields), from_query(request.parts.query), from_subprotocols(request.fields)}) {
    if (!found) return RequestRefused(found.error());
    if (!*found) continue;
    if (token) return several();
    token = *found;
  }
  return token.value_or("");
}

bool has_only_token(std::string_view text) {
  frame::Query query(text);
  for (;;) {
    const auto parameter = query.next();
    if (!parameter) return false;
    if (!*parameter) return true;
    if ((*parameter)->name != kTokenParameter) return false;
  }
}

}  // namespace ringcast::broker
