#include "broker/topic_request.h"

#include <cassert>
#include <charconv>
#include <optional>

#include "frame/url.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

HttpRefusal bad(std::string_view name, std::string message) {
  return {.status = 400, .name = name, .message = std::move(message)};
}

HttpRefusal bad_parameter(const frame::QueryParameter& parameter, std::string_view remedy) {
  return bad("bad_parameter", "parameter " + parameter.name + "=" + parameter.value + ": " + std::string(remedy));
}

// Slashes that browsers and proxies add, drop or merge: what one of them does must not change which topic is meant.
std::optional<HttpRefusal> check_slashes(std::string_view encoded) {
  if (encoded.empty()) return bad("no_topic", "the path names no topic: /topics/<topic>");
  if (!encoded.starts_with('/') && !encoded.ends_with('/') && !encoded.contains("//")) return std::nullopt;
  return bad("empty_level",
             "a topic in a URL has no leading, trailing or doubled slash; did you mean a filter that ends with %23? "
             "(a plain # and what follows it is never sent by a browser)");
}

std::optional<HttpRefusal> read_flag(const frame::QueryParameter& parameter, bool& into) {
  if (parameter.value != "0" && parameter.value != "1") return bad_parameter(parameter, "it is 0 or 1");
  into = parameter.value == "1";
  return std::nullopt;
}

// What `delivery` and `rate` say together.
struct Freshness {
  bool latest = false;
  std::optional<double> rate_hz;
};

std::optional<HttpRefusal> read_delivery(const frame::QueryParameter& parameter, Freshness& freshness) {
  if (parameter.value != "latest" && parameter.value != "every")
    return bad_parameter(parameter, "it is latest (the newest value of each topic) or every (message)");
  freshness.latest = parameter.value == "latest";
  return std::nullopt;
}

std::optional<HttpRefusal> read_rate(const frame::QueryParameter& parameter, Freshness& freshness) {
  double rate = 0;
  const char* const end = parameter.value.data() + parameter.value.size();
  const auto read = std::from_chars(parameter.value.data(), end, rate);
  if (read.ec != std::errc{} || read.ptr != end || !pace_of_rate(rate))
    return bad_parameter(parameter, "it is values of each topic a second, from 0.001 to 1000, or 0: no limit");
  freshness.rate_hz = rate;
  return std::nullopt;
}

std::optional<HttpRefusal> take_freshness(const Freshness& freshness, TopicRequest& request) {
  if (!freshness.latest && freshness.rate_hz)
    return bad("bad_parameter", "parameter rate: it goes with delivery=latest; every message comes as it comes");
  if (freshness.latest) request.pace = *pace_of_rate(freshness.rate_hz.value_or(0));
  return std::nullopt;
}

std::optional<HttpRefusal> read_parameter(const frame::QueryParameter& parameter, TopicRequest& request,
                                          Freshness& freshness) {
  if (parameter.name == "delivery" || parameter.name == "rate") {
    request.chooses_delivery = true;
    return parameter.name == "rate" ? read_rate(parameter, freshness) : read_delivery(parameter, freshness);
  }
  if (parameter.name == "echo") return read_flag(parameter, request.echo);
  if (parameter.name == "last") return read_flag(parameter, request.last);
  if (parameter.name == "mode") {
    if (parameter.value != "pub") return bad_parameter(parameter, "the one mode is pub (publish only)");
    request.publish_only = true;
    return std::nullopt;
  }
  if (parameter.name == "format") {
    if (parameter.value != "json") return bad_parameter(parameter, "the one format is json (of an event stream)");
    request.json = true;
    return std::nullopt;
  }
  if (parameter.name == "token") return std::nullopt;  // broker/token_request.h has read it
  return bad("unknown_parameter",
             "unknown parameter " + parameter.name + "; there are delivery, echo, format, last, mode, rate and token");
}

std::optional<HttpRefusal> read_query(std::string_view text, TopicRequest& request) {
  frame::Query query(text);
  Freshness freshness;
  for (;;) {
    const auto parameter = query.next();
    if (!parameter)
      return bad(frame::name(parameter.error()), "in the query: " + std::string(frame::text(parameter.error())));
    const std::optional<frame::QueryParameter>& found = *parameter;
    if (!found) return take_freshness(freshness, request);
    if (auto refusal = read_parameter(*found, request, freshness)) return refusal;
  }
}

}  // namespace

std::expected<TopicRequest, HttpRefusal> read_topic_request(std::string_view path, std::string_view query) {
  assert(path.starts_with(kTopicsPath));
  path.remove_prefix(kTopicsPath.size());
  if (auto refusal = check_slashes(path)) return std::unexpected(std::move(*refusal));
  auto filter = frame::decode_path(path);
  if (!filter) return std::unexpected(bad(frame::name(filter.error()), std::string(frame::text(filter.error()))));
  if (const auto valid = topics::validate_filter(*filter); !valid) {
    return std::unexpected(bad("bad_topic", std::string(topics::describe(valid.error()))));
  }
  TopicRequest request{.filter = std::move(*filter)};
  request.wildcard = topics::is_wildcard(request.filter);
  if (auto refusal = read_query(query, request)) return std::unexpected(std::move(*refusal));
  return request;
}

}  // namespace ringcast::broker
