// What `ringcast serve` takes about messages and what is kept of them, by flag, environment and file.
#include <array>

#include "broker/option_rows.h"

namespace ringcast::broker {
namespace {

constexpr std::string_view kMessages = "Messages";

const std::array kMessageOptions{
    Option{.name = "max-message",
           .field = &Options::max_message_bytes,
           .range = {1, kMessageBytesMax},
           .help = "payload of one message; larger ones are refused (1009, 413)",
           .example = "16MiB",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "max-outbox",
           .field = &Options::outbox_max_bytes,
           .range = {64 * kKiB, 16 * kGiB},
           .help = "what one slow subscriber may be owed; over it, it has fallen behind (on_lag; closed with 4008)",
           .example = "32MiB",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "max-lag-age",
           .field = &Options::lag_age_max_ms,
           .range = {2 * kSecondMs, 24 * kHourMs},
           .help = "how long a message may wait for a slow subscriber before that has fallen behind",
           .example = "5s",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "memory-budget",
           .field = &Options::memory_budget_bytes,
           .range = {0, 1024 * kGiB},
           .help =
               "what all slow subscribers together may be owed; over it, the worst have fallen behind. 0: a quarter "
               "of the memory that the process may use",
           .example = "512MiB",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "compression",
           .field = &Options::compression,
           .help = "permessage-deflate for clients that offer it; a message is compressed once for all of them",
           .example = "off",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "compress-min",
           .field = &Options::compress_min_bytes,
           .range = {0, kMessageBytesMax},
           .help = "smaller messages go uncompressed: little is saved by them",
           .example = "1KiB",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "history-last",
           .field = &Options::history,
           .range = {0, kHistoryMax},
           .help = "last messages that each topic keeps, where no history rule matches; 0 keeps no value at all",
           .example = "10",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "history-bytes",
           .field = &Options::history_bytes,
           .range = {1 * kKiB, kHistoryBytesMax},
           .help = "bytes of messages that each topic keeps; its last one is kept whatever its size",
           .example = "1MiB",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "history-age",
           .field = &Options::history_age_ms,
           .range = {0, 10'000 * kHourMs},
           .help =
               "older messages are kept no longer, and a value of that age is removed, as its subscribers are told; "
               "0 keeps them",
           .example = "1h",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "history-ttl",
           .field = &Options::history_ttl_ms,
           .range = {0, 10'000 * kHourMs},
           .help = "a topic to which nothing is published for so long is removed, as its subscribers are told; 0 never",
           .example = "24h",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "forget-after",
           .field = &Options::forget_after_ms,
           .range = {0, 10'000 * kHourMs},
           .help =
               "a topic without a value is forgotten after so long, and no longer counts for max-topics; who resumes "
               "later than that is told of a gap",
           .example = "1h",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "history",
           .field = &Options::history_rules,
           .help =
               "rule for topics of their own, the first match decides; `N;bytes:SIZE;age:DURATION;ttl:DURATION`, of "
               "which one is enough; repeatable; in the file `[[history]]` with `filter`, `last`, `bytes`, `age`, "
               "`ttl`",
           .example = "ticker/#=100;age:1h",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "max-topics",
           .field = &Options::topics_max,
           .range = {1, 100'000'000},
           .help = "topics, all shards together; more are refused, until removed ones are forgotten",
           .example = "50000",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "max-topic-memory",
           .field = &Options::topic_memory_max_bytes,
           .range = {1 * kMiB, 1024 * kGiB},
           .help = "last values and history, all shards together; more is refused, but for removals",
           .example = "256MiB",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
    Option{.name = "max-producers",
           .field = &Options::producers_max,
           .range = {1, 10'000'000},
           .help = "producers whose numbered publishes are remembered for 10 idle minutes; more are refused",
           .example = "20000",
           .group = kMessages,
           .commands = kServe,
           .reloads = true},
};

}  // namespace

std::span<const Option> message_options() {
  return kMessageOptions;
}

}  // namespace ringcast::broker
