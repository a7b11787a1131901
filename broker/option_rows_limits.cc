// What one address and one subject may use of the broker, as `ringcast serve` is told it.
#include <array>

#include "broker/option_rows.h"

namespace ringcast::broker {
namespace {

constexpr std::string_view kWhoUses = "Limits of one address, and of one subject";

const std::array kLimitOptions{
    Option{.name = "address-max-connections",
           .field = &Options::address_max_connections,
           .range = {0, 10'000'000},
           .help = "open connections of one address (IPv6: of one /64); more are answered 429. 0: no limit, as where "
                   "an office or a proxy is one address",
           .example = "200",
           .group = kWhoUses,
           .commands = kServe,
           .reloads = true},
    Option{
        .name = "address-max-accepts",
        .field = &Options::address_max_accepts,
        .range = {0, 1'000'000},
        .help = "connections that one address may begin a second, as many at once; more are answered 429. 0: no limit",
        .example = "20",
        .group = kWhoUses,
        .commands = kServe,
        .reloads = true},
    Option{.name = "address-max-messages",
           .field = &Options::address_max_messages,
           .range = {0, 10'000'000},
           .help = "messages that one address may publish a second; POST is answered 429, a WebSocket is read more "
                   "slowly. 0: no limit",
           .example = "1000",
           .group = kWhoUses,
           .commands = kServe,
           .reloads = true},
    Option{.name = "address-max-bytes",
           .field = &Options::address_max_bytes,
           .range = {0, 100ULL << 30U},
           .help = "the same in bytes of messages a second. 0: no limit",
           .example = "10MiB",
           .group = kWhoUses,
           .commands = kServe,
           .reloads = true},
    Option{.name = "subject-max-connections",
           .field = &Options::subject_max_connections,
           .range = {0, 10'000'000},
           .help = "open WebSockets and event streams of one subject of tokens or certificates; more are answered 429. "
                   "0: no limit",
           .example = "50",
           .group = kWhoUses,
           .commands = kServe,
           .reloads = true},
    Option{.name = "subject-max-accepts",
           .field = &Options::subject_max_accepts,
           .range = {0, 1'000'000},
           .help = "WebSockets and event streams that one subject may begin a second, as many at once; more are "
                   "answered 429. 0: no limit",
           .example = "10",
           .group = kWhoUses,
           .commands = kServe,
           .reloads = true},
    Option{.name = "subject-max-messages",
           .field = &Options::subject_max_messages,
           .range = {0, 10'000'000},
           .help = "messages that one subject may publish a second, over all its connections; as address-max-messages. "
                   "0: no limit",
           .example = "500",
           .group = kWhoUses,
           .commands = kServe,
           .reloads = true},
    Option{.name = "subject-max-bytes",
           .field = &Options::subject_max_bytes,
           .range = {0, 100ULL << 30U},
           .help = "the same in bytes of messages a second. 0: no limit",
           .example = "1MiB",
           .group = kWhoUses,
           .commands = kServe,
           .reloads = true},
    Option{.name = "trusted-proxy",
           .field = &Options::trusted_proxies,
           .hint = "NETWORK",
           .help = "address or network of a proxy whose X-Forwarded-For says whose address counts; of others it is not "
                   "looked at; repeatable",
           .example = "10.0.0.0/8",
           .group = kWhoUses,
           .commands = kServe,
           .reloads = true},
};

}  // namespace

std::span<const Option> limit_options() {
  return kLimitOptions;
}

}  // namespace ringcast::broker
