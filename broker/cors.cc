#include "broker/cors.h"

#include "broker/origin.h"

namespace ringcast::broker {

namespace {

// Seconds for which a browser need not ask again: what Chromium takes at most.
constexpr std::uint64_t kPreflightMaxAgeS = 7200;

// The names in Access-Control-Request-Headers; what is no name is left out.
std::string requested_fields(const frame::Fields& fields) {
  std::string names;
  for (const std::string_view name : fields.list("Access-Control-Request-Headers")) {
    if (!frame::is_token(name)) continue;
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

}  // namespace

std::string granted_origin(const frame::Request& request, const Config& config) {
  switch (judge_origin(request, config)) {
    case OriginVerdict::none:
    case OriginVerdict::refused:
      return {};
    case OriginVerdict::by_star:
      return "*";
    case OriginVerdict::allowed:
      return std::string(*request.fields.get("Origin"));
  }
  return {};
}

void append_cors(frame::ResponseBuilder& builder, std::string_view granted) {
  builder.field("Vary", "Origin");  // without one too: a cache must not give that answer to a page
  if (granted.empty()) return;
  builder.field("Access-Control-Allow-Origin", granted);
  builder.field("Access-Control-Expose-Headers", "ETag, Retry-After");
}

bool is_preflight(const frame::Request& request) {
  return request.method == "OPTIONS" && request.fields.count("Origin") > 0 &&
         request.fields.count("Access-Control-Request-Method") > 0;
}

void append_preflight(frame::ResponseBuilder& builder, const frame::Request& request, std::string_view methods) {
  builder.field("Vary", "Access-Control-Request-Headers").field("Access-Control-Allow-Methods", methods);
  if (const std::string names = requested_fields(request.fields); !names.empty())
    builder.field("Access-Control-Allow-Headers", names);
  if (request.fields.get("Access-Control-Request-Private-Network") == "true")
    builder.field("Access-Control-Allow-Private-Network", "true");
  builder.field("Access-Control-Max-Age", kPreflightMaxAgeS);
}

}  // namespace ringcast::broker
