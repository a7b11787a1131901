// Config: every value that `ringcast serve` can be told, with its default, its unit and why it is what it is.
//
// Filled by broker/options.h from flags, environment and file, checked there (ranges, and check_config below), then
// read only. Every field is one row of the option table (broker/option_rows.h).
// Thread: written before the shards start, read by all afterwards.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace ringcast::broker {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

// Not options: values that other values are proved against.
inline constexpr std::uint32_t kShardsMax = 64;               // rings are per pair of shards: 64 need 8,064 of them
inline constexpr std::uint32_t kShardsByCpusMax = 32;         // what `auto` takes at most; more is an operator's choice
inline constexpr std::uint64_t kMessageBytesMax = 64 * kMiB;  // of max_message_bytes: what a browser still takes well
inline constexpr std::uint64_t kOutboxSpareBytes = 64 * kKiB;  // above one message: its frames' headers, pong, close
inline constexpr std::uint32_t kHistoryMax = 1'000'000;        // messages of one topic; more is a database's business
inline constexpr std::uint64_t kHistoryBytesMax = 2 * kGiB;    // the same in bytes
inline constexpr std::uint32_t kHistoryRulesMax = 1'000;       // each is tried on each new topic: some 20 us

// Where to listen: a literal address (no name: looking one up could block or change) and a port, 0 = any free one.
struct Address {
  std::string host;  // "127.0.0.1", "::1" (without brackets), "0.0.0.0", "::"; empty: nowhere ("off")
  std::uint16_t port = 0;

  [[nodiscard]] bool off() const noexcept { return host.empty(); }

  friend bool operator==(const Address&, const Address&) = default;
};

enum class IoBackend : std::uint8_t {
  automatic,  // io_uring, or epoll where the kernel or a seccomp profile refuses it
  uring,
  epoll,
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };
enum class Toggle : std::uint8_t { off, on };

// Whether clients show a certificate of their own (RFC 8446 §4.4.2).
enum class ClientAuth : std::uint8_t {
  none,
  optional,  // who shows one must show a good one
  required,
};
enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

// What the topics that match `filter` keep. The first rule that matches a topic decides. What it does not say is as for
// topics that no rule matches: Config::history and those below it.
struct HistoryRule {
  std::string filter;
  std::optional<std::uint32_t> last;   // messages; 0 keeps nothing, not even the last value
  std::optional<std::uint64_t> bytes;  // of one topic's messages; its last is kept whatever its size
  std::optional<std::int64_t> age_ms;  // of one message; 0: any. A value that gets older is removed
  std::optional<std::int64_t> ttl_ms;  // after so long without a message the value is removed; 0: never

  friend bool operator==(const HistoryRule&, const HistoryRule&) = default;
};

struct Config {
  // Where. Both on loopback: a broker that nobody configured is nobody else's business.
  Address listen{"127.0.0.1", 8080};
  Address admin{"127.0.0.1", 9090};
  // The same ports over TLS, beside these or instead of them; off where nobody configured certificates.
  Address tls_listen;
  Address admin_tls_listen;
  // Put before every path of the client port, for an ingress that does not strip its prefix. Empty, or "/a/b".
  std::string base_path;
  // Origins allowed besides the usual ones (none, same host, loopback); "*" allows all.
  std::vector<std::string> allowed_origins;

  // TLS. Certificates and keys in the same order, several where clients name several hosts (SNI).
  std::vector<std::string> tls_certificates;
  std::vector<std::string> tls_keys;
  std::string tls_client_ca;  // who may sign clients' certificates
  ClientAuth tls_client_auth = ClientAuth::none;
  ClientAuth admin_tls_client_auth = ClientAuth::none;
  TlsVersion tls_min_version = TlsVersion::v1_2;    // RFC 8996: below it nobody is safe
  std::uint32_t tls_handshakes_max = 4'000;         // under way; some 30 KiB each, which their deadline frees
  std::uint32_t tls_handshakes_per_second = 2'000;  // begun; 0.2 to 1 ms of a CPU each, the rest wait their turn

  // Who may come in. With keys, or with a role for who has no token, nobody may do what nothing allows.
  std::vector<std::string> token_keys;           // `[KID=]FILE`: PEM, JWKS or secret
  std::vector<std::string> token_audiences;      // `aud` names one; none: a token with `aud` is not meant for us
  std::string token_issuer;                      // `iss`; empty: any
  std::int64_t token_leeway_ms = 5'000;          // by which clocks may differ that are kept by NTP, generously
  std::int64_t token_grace_ms = 30'000;          // a connection that can be given a new token lives on so long
  std::string token_revocations;                 // a file; empty: none
  std::vector<std::string> anonymous_publish;    // filters
  std::vector<std::string> anonymous_subscribe;  // filters
  std::string admin_token_file;                  // what the operators' port asks for; empty: it asks nobody

  // What one address, and one subject of tokens and certificates, may use; each second but for connections; 0: no
  // limit. None as delivered: behind one address there can be an office, or a proxy with everybody.
  std::uint32_t address_max_connections = 0;
  std::uint32_t address_max_accepts = 0;
  std::uint32_t address_max_messages = 0;
  std::uint64_t address_max_bytes = 0;
  std::uint32_t subject_max_connections = 0;  // WebSockets and event streams
  std::uint32_t subject_max_accepts = 0;
  std::uint32_t subject_max_messages = 0;
  std::uint64_t subject_max_bytes = 0;
  std::vector<std::string> trusted_proxies;  // networks whose X-Forwarded-For is heeded; others' is not looked at

  // Machine. No value: as many shards as CPUs that the process may really use (affinity, cgroup quota).
  std::optional<std::uint32_t> shards;
  IoBackend io = IoBackend::automatic;
  std::uint32_t receive_buffers = 1024;       // per shard, a power of two; shared by all its connections, not one each
  std::uint64_t receive_buffer_bytes = 4096;  // one page: a receive of more takes several buffers
  std::uint32_t request_ring_slots = 1024;    // per ordered pair of shards, a power of two: some turns' worth
  std::uint32_t delivery_ring_slots = 2048;   // the same; a request may cause a delivery and an ack
  std::string user;                           // whom to become when the ports are open; empty: who started it
  Toggle sandbox = Toggle::off;               // a seccomp filter, when all is open
  std::int64_t gather_ms = 1;                 // of a busy shard: below what anyone sees, and several messages to a send

  // Connections.
  std::uint32_t max_connections = 100'000;     // about 1 GiB of kernel memory; open files limit it too
  std::uint32_t max_subscriptions = 10'000;    // of one connection, full protocol: ~0.5 KiB each on its shard
  std::int64_t handshake_timeout_ms = 10'000;  // accept to complete request head: slow phones yes, slowloris no
  std::int64_t http_idle_timeout_ms = 60'000;  // between requests of a kept connection: what most proxies wait
  std::int64_t ping_interval_ms = 25'000;      // below the 30 s after which the impatient proxies cut a silent tunnel
  std::int64_t pong_timeout_ms = 10'000;       // after a ping without a byte from the peer, it is gone
  std::uint64_t http_head_max_bytes = 16 * kKiB;  // request line and headers: cookies and a token fit
  std::int64_t post_hold_ms = 5'000;              // a POST not sequenced by then: 503, certainly not published
  std::int64_t linger_close_ms = 2'000;           // reading on after our FIN, so that the peer reads our close frame
  std::uint64_t linger_close_bytes = 16 * kMiB;   // the same, in bytes thrown away
  std::int64_t lame_duck_ms = 0;                  // told to end: not ready, but serving on, until routers have noticed
  std::int64_t drain_deadline_ms = 10'000;        // after it: what is owed is sent until then; below a pod's 30 s

  // Messages.
  std::uint64_t max_message_bytes = 1 * kMiB;  // payload of one message, after joining its fragments
  std::uint64_t outbox_max_bytes = 4 * kMiB;   // pinned for one slow connection; over it, it has fallen behind
  std::int64_t lag_age_max_ms = 40'000;        // the same, of what waits: older is no live data; above the 35 s after
                                               // which a dead peer is found by its missing pong
  std::uint64_t memory_budget_bytes = 0;       // pinned for all slow ones; 0: a quarter of what the process may use,
                                               // beside last values (topic_memory_max_bytes) and the kernel's buffers
  Toggle compression = Toggle::on;             // permessage-deflate, for clients that ask for it
  std::uint64_t compress_min_bytes = 256;      // of JSON below, less is saved than the packet's own headers take
  std::uint32_t history = 1;                   // last messages kept per topic where no rule matches: the last value
  std::uint64_t history_bytes = kHistoryBytesMax;  // the same in bytes, names included
  std::int64_t history_age_ms = 0;                 // older messages go, and a value is removed; 0: none is too old
  std::int64_t history_ttl_ms = 0;                 // after so long without a message a value is removed; 0: never
  std::int64_t forget_after_ms = 600'000;          // a removed topic's name: who is back by then is told of the removal
  std::vector<HistoryRule> history_rules;          // `[[history]]` in the file
  std::uint32_t topics_max = 1'000'000;            // all shards together; beyond it, new topics are refused
  std::uint64_t topic_memory_max_bytes = 1 * kGiB;  // last values and history, all shards together
  std::uint32_t producers_max = 100'000;  // whose numbers are remembered; 0.2 KiB each on every shard that it uses

  // Log, to stderr.
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::text;
};

// Whether connections are asked who they are.
[[nodiscard]] inline bool asks_who(const Config& config) noexcept {
  return !config.token_keys.empty() || !config.anonymous_publish.empty() || !config.anonymous_subscribe.empty();
}

// What no single value shows: the relations between them. An error names both values and the remedy.
[[nodiscard]] std::expected<void, std::string> check_config(const Config& config);

}  // namespace ringcast::broker
