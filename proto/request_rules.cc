#include "proto/request_rules.h"

#include <cmath>
#include <string>

namespace ringcast::proto {

namespace {

Fault too_long(std::string_view field, std::uint32_t bytes_max) {
  return fault(ErrorCode::too_large, field, "is longer than " + std::to_string(bytes_max) + " bytes");
}

}  // namespace

Fault too_many(std::string_view field) {
  return fault(ErrorCode::too_large, field, "are more than " + std::to_string(kElementsMax));
}

std::optional<Fault> check(const Hello& hello) {
  if (hello.client.size() > kClientNameBytesMax) return too_long("client", kClientNameBytesMax);
  if (hello.features.size() > kFeaturesMax) return too_many("features");
  if (hello.producer_id.size() > kProducerIdBytesMax) return too_long("producer_id", kProducerIdBytesMax);
  return std::nullopt;
}

std::optional<Fault> check(const Subscribe& subscribe) {
  if (subscribe.id == 0) return fault(ErrorCode::missing_field, "id", "is needed, 1 or more");
  if (subscribe.filter.empty()) return fault(ErrorCode::missing_field, "filter", "is needed");
  if (subscribe.start == Start::last_n && subscribe.last_count == 0) {
    return fault(ErrorCode::missing_field, "last_count", "is needed, 1 or more: start is last_n");
  }
  if (subscribe.start != Start::last_n && subscribe.last_count != 0) {
    return fault(ErrorCode::bad_value, "last_count", "must be absent: start is not last_n");
  }
  if (!std::isfinite(subscribe.max_rate_hz) || subscribe.max_rate_hz < 0) {
    return fault(ErrorCode::bad_value, "max_rate_hz", "must be a rate, 0 or more");
  }
  return std::nullopt;
}

std::optional<Fault> check(const Unsubscribe& /*any*/) {
  return std::nullopt;
}

}  // namespace ringcast::proto
