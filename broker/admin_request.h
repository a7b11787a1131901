// AdminRequest: what a request on the operators' port asks, read from its head and body. Pure.
//
// Nothing unknown is ignored: a parameter or a member that we do not know is refused by its name.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "broker/config.h"
#include "broker/inquiries.h"
#include "broker/stats.h"
#include "broker/topic_request.h"
#include "frame/http_request.h"

namespace ringcast::broker {

struct GetLivez {};
struct GetReadyz {};
struct GetHealthz {};
struct GetMetrics {};
struct GetIndex {};
struct GetStats {};
struct GetShards {};
struct GetSlow {
  std::uint32_t limit = 100;
};
struct GetConfig {};
struct GetConnections {
  ConnectionsQuery query;
  std::uint32_t first_shard = 0;  // the cursor's: goes on from `query.from` of it, and with the shards after it
};
struct GetConnection {
  ConnectionName connection;
};
struct CloseConnection {
  ConnectionName connection;
  std::uint16_t code = 0;
  std::string reason;
};
struct GetTopics {
  TopicsQuery query;
  bool by_rate = false;
};
struct GetLogLevel {};
struct PutLogLevel {
  LogLevel level;
};
struct GetDrain {};
struct PostDrain {};
struct PostReload {};
struct GetRevocations {};
struct Revoke {
  std::string entry;  // "sub:ann", "jti:4711"
};
struct TakeBackRevocation {
  std::string entry;
};

using AdminRequest =
    std::variant<GetLivez, GetReadyz, GetHealthz, GetMetrics, GetIndex, GetStats, GetShards, GetSlow, GetConfig,
                 GetConnections, GetConnection, CloseConnection, GetTopics, GetLogLevel, PutLogLevel, GetDrain,
                 PostDrain, PostReload, GetRevocations, Revoke, TakeBackRevocation>;

inline constexpr std::uint32_t kRowsMax = 1'000;           // of one answer
inline constexpr std::uint16_t kKickCode = 1008;           // if no other is asked for: what it did is not wanted here
inline constexpr std::size_t kKickReasonBytesMax = 123;    // RFC 6455 §5.5: a close frame has no room for more
inline constexpr std::size_t kAdminBodyBytesMax = 16'384;  // 413 beyond: what is sent here is some words

// Reads a request whose body has come. The refusal is 400, 404, 405 or 415.
[[nodiscard]] std::expected<AdminRequest, HttpRefusal> read_admin_request(const frame::Request& request,
                                                                          std::string_view body);

// Whether the request is a probe's, which nobody is asked a token for.
[[nodiscard]] bool is_probe(std::string_view path) noexcept;

// 403 if a browser's page of another origin sent it, or if the port was reached on a loopback address by a name that is
// none (DNS rebinding). `/livez`, `/readyz`, `/healthz` and `/metrics` tell no secrets and are judged by the name only.
[[nodiscard]] std::optional<HttpRefusal> check_admin_origin(const frame::Request& request, bool reached_by_loopback);

}  // namespace ringcast::broker
