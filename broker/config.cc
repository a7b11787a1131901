#include "broker/config.h"

#include "broker/option_value.h"

namespace ringcast::broker {
std::expected<void, std::string> check_config(const Config& config) {
  const std::uint64_t outbox_needed = config.max_message_bytes + kOutboxSpareBytes;
  if (config.outbox_max_bytes < outbox_needed) {
    return std::unexpected("max-outbox is " + size_text(config.outbox_max_bytes) + ", but must hold one message of " +
                           size_text(config.max_message_bytes) +
                           " (max-message) and its frames: set max-outbox to at least " + size_text(outbox_needed));
  }
  if (config.listen == config.admin && config.listen.port != 0) {
    return std::unexpected("listen and admin are both " + address_text(config.listen) +
                           ": give admin a port of its own");
  }
  if (config.history_rules.size() > kHistoryRulesMax) {
    return std::unexpected("there are " + std::to_string(config.history_rules.size()) + " history rules, but at most " +
                           std::to_string(kHistoryRulesMax) + " are taken: join some by a wildcard");
  }
  return {};
}

}  // namespace ringcast::broker
