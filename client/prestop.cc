#include "client/prestop.h"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "client/deadline.h"
#include "client/exit_code.h"
#include "client/output.h"

namespace ringcast::client {

namespace {

constexpr std::string_view kPath = "/api/v1/drain";
constexpr std::int64_t kLookMs = 250;    // how often it looks how far the broker is
constexpr std::int64_t kLateMs = 5'000;  // beyond the end that the broker named

// What stands behind `"name":`, up to the next member.
std::string_view member(std::string_view json, std::string_view name) {
  const std::size_t at = json.find(name);
  if (at == std::string_view::npos) return {};
  json.remove_prefix(at + name.size());
  return json.substr(0, json.find_first_of(",}"));
}

std::expected<DrainState, Error> ask(const Url& url, std::string_view method, std::int64_t timeout_ms) {
  const auto body = ask_operators_port(url, method, kPath, timeout_ms);
  if (!body) return std::unexpected(body.error());
  return parse_drain_state(*body);
}

int say_why(const Error& error) {
  std::fprintf(stderr, "ringcast: %s\n", to_line(error).c_str());
  return to_int(exit_code_of(error.failure));
}

}  // namespace

std::expected<DrainState, Error> parse_drain_state(std::string_view json) {
  const std::string_view stage = member(json, R"("stage":)");
  const std::string_view left = member(json, R"("left_ms":)");
  DrainState state{.serves = stage == R"("lame_duck")"};
  const auto [end, error] = std::from_chars(left.data(), left.data() + left.size(), state.left_ms);
  if (stage.empty() || left.empty() || error != std::errc{} || end != left.data() + left.size() || state.left_ms < 0) {
    return std::unexpected(Error{.failure = Failure::protocol,
                                 .text = "the answer to " + std::string(kPath) + " is not understood",
                                 .remedy = "is the broker of the same version?"});
  }
  return state;
}

int run_prestop(const PrestopOptions& options) {
  auto place = open_place(options.url, options.tls);
  if (!place) return say_why(place.error());
  place->url.token = options.token;
  auto state = ask(place->url, "POST", options.timeout_ms);
  if (!state) return say_why(state.error());
  const std::int64_t served_ms = state->serves ? state->left_ms : 0;
  const Deadline by = Deadline::in_ms(served_ms + kLateMs);
  while (state->serves) {
    if (by.passed()) {
      return say_why(
          {.failure = Failure::timeout, .text = "the broker serves on, beyond its lame-duck time", .remedy = {}});
    }
    (void)::poll(nullptr, 0, static_cast<int>(std::clamp<std::int64_t>(state->left_ms, 1, kLookMs)));
    state = ask(place->url, "GET", options.timeout_ms);
    // It ends by itself when all its connections have gone: that is no failure of ours.
    if (!state) break;
  }
  std::string line = state ? "draining" : "drained";
  line += ": it was not ready, and served on, for " + std::to_string(served_ms) + " ms\n";
  return to_int(write_out(line) ? ExitCode::done : ExitCode::failed);
}

}  // namespace ringcast::client
