#include "broker/config.h"

namespace ringcast::broker {
namespace {

std::string bytes(std::uint64_t count) {
  if (count % kMiB == 0) return std::to_string(count / kMiB) + "MiB";
  if (count % kKiB == 0) return std::to_string(count / kKiB) + "KiB";
  return std::to_string(count) + "B";
}

}  // namespace

std::expected<void, std::string> check_config(const Config& config) {
  const std::uint64_t outbox_needed = config.max_message_bytes + kOutboxSpareBytes;
  if (config.outbox_max_bytes < outbox_needed) {
    return std::unexpected("outbox-max is " + bytes(config.outbox_max_bytes) + ", but must hold one message of " +
                           bytes(config.max_message_bytes) +
                           " (max-message) and its frames: set outbox-max to at least " + bytes(outbox_needed));
  }
  if (config.listen == config.admin && config.listen.port != 0) {
    return std::unexpected("listen and admin are both " + config.listen.host + ":" +
                           std::to_string(config.listen.port) + ": give admin a port of its own");
  }
  return {};
}

}  // namespace ringcast::broker
