#include "broker/admin_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <vector>

#include "broker/origin.h"
#include "broker/revocations.h"
#include "broker/suggest.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

using Refused = std::unexpected<HttpRefusal>;
using Parameters = std::vector<frame::QueryParameter>;

Refused refuse(std::uint16_t status, std::string_view name, std::string message) {
  return Refused(HttpRefusal{status, name, std::move(message)});
}

Refused bad_parameter(std::string message) {
  return refuse(400, "bad_parameter", std::move(message));
}

enum class Route : std::uint8_t {
  livez,
  readyz,
  healthz,
  metrics,
  index,
  stats,
  shards,
  slow,
  config,
  connections,
  connection,
  topics,
  log_level,
  drain,
  reload,
  revocations,
};

struct RouteInfo {
  std::string_view path;  // a connection's ends with "/": its id follows
  Route route;
  std::string_view allow;
};

constexpr std::string_view kConnectionPath = "/api/v1/connections/";

constexpr RouteInfo kRoutes[] = {
    {"/livez", Route::livez, "GET, HEAD"},
    {"/readyz", Route::readyz, "GET, HEAD"},
    {"/healthz", Route::healthz, "GET, HEAD"},
    {"/metrics", Route::metrics, "GET, HEAD"},
    {"/", Route::index, "GET, HEAD"},
    {"/api/v1", Route::index, "GET, HEAD"},
    {"/api/v1/", Route::index, "GET, HEAD"},
    {"/api/v1/stats", Route::stats, "GET, HEAD"},
    {"/api/v1/shards", Route::shards, "GET, HEAD"},
    {"/api/v1/slow", Route::slow, "GET, HEAD"},
    {"/api/v1/config", Route::config, "GET, HEAD"},
    {"/api/v1/connections", Route::connections, "GET, HEAD"},
    {"/api/v1/topics", Route::topics, "GET, HEAD"},
    {"/api/v1/log-level", Route::log_level, "GET, HEAD, PUT"},
    {"/api/v1/drain", Route::drain, "GET, HEAD, POST"},
    {"/api/v1/reload", Route::reload, "POST"},
    {"/api/v1/revocations", Route::revocations, "GET, HEAD, POST, DELETE"},
};
constexpr RouteInfo kConnectionRoute{kConnectionPath, Route::connection, "GET, HEAD, DELETE"};

const RouteInfo* find_route(std::string_view path) {
  if (path.starts_with(kConnectionPath) && path.size() > kConnectionPath.size()) return &kConnectionRoute;
  const auto found = std::ranges::find(kRoutes, path, &RouteInfo::path);
  return found == std::end(kRoutes) ? nullptr : found;
}

bool allows(std::string_view list, std::string_view method) {
  while (!list.empty()) {
    const std::size_t comma = list.find(", ");
    if (list.substr(0, comma) == method) return true;
    list = comma == std::string_view::npos ? "" : list.substr(comma + 2);
  }
  return false;
}

bool changes_something(std::string_view method) {
  return method != "GET" && method != "HEAD";
}

// A form of a browser's page can send neither this content type nor this field without asking first (CORS), and nobody
// is allowed to.
bool is_deliberate(const frame::Fields& fields) {
  if (fields.get("X-Ringcast").has_value()) return true;
  const auto type = fields.get("Content-Type");
  if (!type) return false;
  const std::string_view essence = frame::trim_spaces(type->substr(0, type->find(';')));
  return frame::equals_ignoring_case(essence, "application/json");
}

// ---- parameters ----

std::expected<Parameters, HttpRefusal> read_parameters(std::string_view text, std::span<const std::string_view> known) {
  Parameters parameters;
  frame::Query query(text);
  for (;;) {
    auto read = query.next();
    if (!read) return bad_parameter("the query is not percent-encoded UTF-8");
    std::optional<frame::QueryParameter>& parameter = *read;
    if (!parameter) return parameters;
    const std::string& name = parameter->name;
    if (std::ranges::find(known, name) == known.end()) {
      std::vector<std::string> names(known.begin(), known.end());
      return bad_parameter("no such parameter here: " + name + suggestion(name, names));
    }
    if (std::ranges::find(parameters, name, &frame::QueryParameter::name) != parameters.end())
      return bad_parameter(name + " comes twice");
    parameters.push_back(*std::move(parameter));
  }
}

const std::string* find(const Parameters& parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &frame::QueryParameter::name);
  return found == parameters.end() ? nullptr : &found->value;
}

std::string text_of(const Parameters& parameters, std::string_view name) {
  const std::string* const value = find(parameters, name);
  return value == nullptr ? "" : *value;
}

std::expected<std::uint32_t, HttpRefusal> read_limit(const Parameters& parameters) {
  const std::string* const text = find(parameters, "limit");
  std::uint32_t limit = 100;
  if (text == nullptr) return limit;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error != std::errc{} || end != text->data() + text->size() || limit == 0 || limit > kRowsMax)
    return bad_parameter("limit is a number from 1 to " + std::to_string(kRowsMax));
  return limit;
}

// ---- connections ----

std::optional<std::uint32_t> read_kinds(std::string_view text) {
  if (text.empty()) return ~0U;
  std::uint32_t kinds = 0;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    std::size_t kind = 0;
    while (kind < kConnectionKinds && name(static_cast<ConnectionKind>(kind)) != one) ++kind;
    if (kind == kConnectionKinds) return std::nullopt;
    kinds |= 1U << kind;
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
  return kinds;
}

std::expected<AdminRequest, HttpRefusal> read_connections(std::string_view text) {
  constexpr std::array<std::string_view, 7> kKnown{"kind", "address", "filter", "topic", "sort", "limit", "after"};
  const auto parameters = read_parameters(text, kKnown);
  if (!parameters) return std::unexpected(parameters.error());
  const auto limit = read_limit(*parameters);
  if (!limit) return std::unexpected(limit.error());
  GetConnections get{.query = {.limit = *limit,
                               .peer = text_of(*parameters, "address"),
                               .filter = text_of(*parameters, "filter"),
                               .topic = text_of(*parameters, "topic")}};
  const auto kinds = read_kinds(text_of(*parameters, "kind"));
  if (!kinds) return bad_parameter("kind is one of http, raw, proto, json, sse, or several with commas between");
  get.query.kinds = *kinds;
  if (!get.query.filter.empty() && !topics::validate_filter(get.query.filter))
    return bad_parameter("filter is not a valid filter");
  if (!get.query.topic.empty() && !topics::validate_topic(get.query.topic))
    return bad_parameter("topic is not a valid topic");
  const std::string sort = text_of(*parameters, "sort");
  if (!sort.empty() && sort != "id" && sort != "lag") return bad_parameter("sort is id or lag");
  get.query.by_lag = sort == "lag";
  if (const std::string* const after = find(*parameters, "after")) {
    const auto id = parse_connection_id(*after);
    if (!id) return bad_parameter("after is the `next` of the page before");
    if (get.query.by_lag) return bad_parameter("sort=lag has one page: the worst");
    get.first_shard = id->shard;
    get.query.from = id->slot.index + 1;
  }
  return get;
}

std::expected<AdminRequest, HttpRefusal> read_connection(std::string_view id, std::string_view method,
                                                         std::string_view query) {
  const auto connection = parse_connection_id(id);
  if (!connection) return refuse(404, "not_found", "a connection's id is shard-slot-generation, as in 2-17-5");
  constexpr std::array<std::string_view, 2> kKnown{"code", "reason"};
  const bool closes = method == "DELETE";
  const auto parameters = read_parameters(query, std::span{kKnown}.first(closes ? 2 : 0));
  if (!parameters) return std::unexpected(parameters.error());
  if (!closes) return GetConnection{*connection};
  CloseConnection close{.connection = *connection, .code = kKickCode, .reason = "closed by an operator"};
  if (const std::string* const code = find(*parameters, "code")) {
    const auto [end, error] = std::from_chars(code->data(), code->data() + code->size(), close.code);
    const bool number = error == std::errc{} && end == code->data() + code->size();
    const bool ours = close.code == 1000 || close.code == 1001 || close.code == 1008 || close.code == 1012 ||
                      close.code == 1013 || (close.code >= 3000 && close.code <= 4999);
    if (!number || !ours) return bad_parameter("code is 1000, 1001, 1008, 1012, 1013 or one of 3000 to 4999");
  }
  if (const std::string* const reason = find(*parameters, "reason")) {
    if (reason->size() > kKickReasonBytesMax) return bad_parameter("reason has at most 123 bytes");
    close.reason = *reason;
  }
  return close;
}

// ---- topics ----

std::expected<AdminRequest, HttpRefusal> read_topics(std::string_view text) {
  constexpr std::array<std::string_view, 5> kKnown{"filter", "prefix", "sort", "limit", "after"};
  const auto parameters = read_parameters(text, kKnown);
  if (!parameters) return std::unexpected(parameters.error());
  const auto limit = read_limit(*parameters);
  if (!limit) return std::unexpected(limit.error());
  GetTopics get{.query = {.filter = text_of(*parameters, "filter"),
                          .prefix = text_of(*parameters, "prefix"),
                          .after = text_of(*parameters, "after"),
                          .limit = *limit}};
  if (get.query.filter.empty()) get.query.filter = get.query.prefix.starts_with('$') ? "$broker/#" : "#";
  if (!topics::validate_filter(get.query.filter)) return bad_parameter("filter is not a valid filter");
  if (!get.query.after.empty() && !topics::validate_topic(get.query.after))
    return bad_parameter("after is the `next` of the page before");
  const std::string sort = text_of(*parameters, "sort");
  if (!sort.empty() && sort != "name" && sort != "rate") return bad_parameter("sort is name or rate");
  get.by_rate = sort == "rate";
  if (get.by_rate && !get.query.after.empty()) return bad_parameter("sort=rate has one page: the busiest");
  return get;
}

// ---- what changes something ----

// {"level":"debug"}: one member, a text.
std::expected<AdminRequest, HttpRefusal> read_log_level(std::string_view body) {
  constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    std::string bare;  // without white space: what is in quotes has none
    for (const char c : body) {
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') bare += c;
    }
    if (bare == R"({"level":")" + std::string(kNames[i]) + R"("})") return PutLogLevel{static_cast<LogLevel>(i)};
  }
  return refuse(400, "bad_body", R"(the body is {"level":"debug"}, or info, warning, error)");
}

// `?sub=NAME` or `?jti=ID`: of whom, or which token.
std::expected<AdminRequest, HttpRefusal> read_revocations(std::string_view method, std::string_view query) {
  constexpr std::array<std::string_view, 2> kKnown{"sub", "jti"};
  const bool changes = changes_something(method);
  const auto parameters = read_parameters(query, std::span{kKnown}.first(changes ? 2 : 0));
  if (!parameters) return std::unexpected(parameters.error());
  if (!changes) return GetRevocations{};
  if (parameters->size() != 1) return bad_parameter("say one of sub and jti");
  std::string entry = parameters->front().name + ":" + parameters->front().value;
  if (const auto valid = Revocations().add(entry); !valid)
    return bad_parameter(parameters->front().name + " " + valid.error());
  if (method == "DELETE") return TakeBackRevocation{std::move(entry)};
  return Revoke{std::move(entry)};
}

std::expected<AdminRequest, HttpRefusal> read_route(Route route, const frame::Request& request, std::string_view body) {
  const std::string_view query = request.parts.query;
  if (route == Route::connections) return read_connections(query);
  if (route == Route::connection) {
    return read_connection(request.parts.path.substr(kConnectionPath.size()), request.method, query);
  }
  if (route == Route::topics) return read_topics(query);
  if (route == Route::revocations) return read_revocations(request.method, query);
  constexpr std::array<std::string_view, 1> kLimit{"limit"};
  const auto parameters = read_parameters(query, std::span{kLimit}.first(route == Route::slow ? 1 : 0));
  if (!parameters) return std::unexpected(parameters.error());
  const auto limit = read_limit(*parameters);
  if (!limit) return std::unexpected(limit.error());
  switch (route) {
    case Route::livez:
      return GetLivez{};
    case Route::readyz:
      return GetReadyz{};
    case Route::healthz:
      return GetHealthz{};
    case Route::metrics:
      return GetMetrics{};
    case Route::index:
      return GetIndex{};
    case Route::stats:
      return GetStats{};
    case Route::shards:
      return GetShards{};
    case Route::slow:
      return GetSlow{*limit};
    case Route::config:
      return GetConfig{};
    case Route::log_level:
      if (request.method == "PUT") return read_log_level(body);
      return GetLogLevel{};
    case Route::drain:
      if (request.method == "POST") return PostDrain{};
      return GetDrain{};
    case Route::reload:
      return PostReload{};
    case Route::connections:
    case Route::connection:
    case Route::topics:
    case Route::revocations:
      break;
  }
  std::unreachable();
}

}  // namespace

std::expected<AdminRequest, HttpRefusal> read_admin_request(const frame::Request& request, std::string_view body) {
  const RouteInfo* const route = find_route(request.parts.path);
  if (route == nullptr || request.target == "*") {
    return refuse(404, "not_found", "there are /livez, /readyz, /healthz, /metrics, /api/v1/ and /dashboard/");
  }
  if (!allows(route->allow, request.method)) {
    return Refused(
        HttpRefusal{405, "method_not_allowed", "here there are " + std::string(route->allow), {"Allow", route->allow}});
  }
  if (changes_something(request.method) && !is_deliberate(request.fields)) {
    return refuse(415, "not_deliberate",
                  "what changes something comes with Content-Type: application/json, or with a field X-Ringcast");
  }
  if (!body.empty() && request.method != "PUT" && request.method != "POST") {
    return refuse(400, "body_not_empty", std::string(request.method) + " has no body here");
  }
  return read_route(route->route, request, body);
}

bool is_probe(std::string_view path) noexcept {
  return path == "/livez" || path == "/readyz" || path == "/healthz";
}

std::optional<HttpRefusal> check_admin_origin(const frame::Request& request, bool reached_by_loopback) {
  if (reached_by_loopback && !request.host.empty() && !is_loopback_host(request.host)) {
    return HttpRefusal{403, "host_not_allowed",
                       "the operators' port was reached on a loopback address by a name that is not one"};
  }
  const bool api = request.parts.path.starts_with("/api");
  if (!api || request.fields.count("Origin") == 0) return std::nullopt;
  // The same host and port, or any loopback host: the dashboard of this machine.
  if (judge_origin(request, Config{}) == OriginVerdict::allowed) return std::nullopt;
  return HttpRefusal{403, "origin_not_allowed", "pages of this origin may not use the operators' port"};
}

}  // namespace ringcast::broker
