#include "proto/request_rules.h"

#include <algorithm>
#include <span>
#include <string>

namespace ringcast::proto {

namespace {

Fault too_long(std::string_view field, std::uint32_t bytes_max) {
  return fault(ErrorCode::too_large, field, "is longer than " + std::to_string(bytes_max) + " bytes");
}

Fault must_be_absent(std::string_view field, std::string_view because) {
  return fault(ErrorCode::bad_value, field, "must be absent: " + std::string(because));
}

// Of a Subscribe or a Change: what says how messages are delivered.
template <class Options>
std::optional<Fault> check_delivery(const Options& options) {
  const double rate = options.max_rate_hz;
  if (rate != 0 && !(rate >= kRateHzMin && rate <= kRateHzMax)) {  // so NaN is none, either
    return fault(ErrorCode::bad_value, "max_rate_hz", "must be a rate from 0.001 to 1000, or 0");
  }
  const bool is_latest = options.delivery == Delivery::latest;
  if (rate != 0 && !is_latest) return must_be_absent("max_rate_hz", "delivery is not latest");
  if (options.on_lag != OnLag::unspecified && is_latest) return must_be_absent("on_lag", "delivery is latest");
  return std::nullopt;
}

bool has_repeats(std::span<const OriginPosition> received) noexcept {
  for (std::size_t i = 1; i < received.size(); ++i) {
    const auto before = received.first(i);
    if (std::ranges::find(before, received[i].origin, &OriginPosition::origin) != before.end()) return true;
  }
  return false;
}

// Where it begins: each start has its own fields.
std::optional<Fault> check_start(const Subscribe& subscribe) {
  const Start start = subscribe.start;
  if (start == Start::last_n && subscribe.last_count == 0) {
    return fault(ErrorCode::missing_field, "last_count", "is needed, 1 or more: start is last_n");
  }
  if (start != Start::last_n && subscribe.last_count != 0) return must_be_absent("last_count", "start is not last_n");
  if (start == Start::since_time && subscribe.since_us == 0) {
    return fault(ErrorCode::missing_field, "since_us", "is needed, 1 or more: start is since_time");
  }
  if (start != Start::since_time && subscribe.since_us != 0) {
    return must_be_absent("since_us", "start is not since_time");
  }
  if (start == Start::resume && subscribe.resume_token.empty()) {
    return fault(ErrorCode::missing_field, "resume_token", "is needed: start is resume");
  }
  if (start != Start::resume && !subscribe.resume_token.empty()) {
    return must_be_absent("resume_token", "start is not resume");
  }
  if (subscribe.resume_token.size() > kResumeTokenBytesMax) return too_long("resume_token", kResumeTokenBytesMax);
  return std::nullopt;
}

std::optional<Fault> check_received(const Subscribe& subscribe) {
  if (subscribe.received.empty()) return std::nullopt;
  if (subscribe.start != Start::resume) return must_be_absent("received", "start is not resume");
  if (subscribe.delivery == Delivery::latest) return must_be_absent("received", "delivery is latest");
  if (subscribe.received.size() > kReceivedMax) return too_many("received");
  if (has_repeats(subscribe.received)) return fault(ErrorCode::bad_value, "received", "has an origin twice");
  return std::nullopt;
}

}  // namespace

Fault too_many(std::string_view field) {
  return fault(ErrorCode::too_large, field, "are more than " + std::to_string(elements_max(field)));
}

std::optional<Fault> check(const Hello& hello) {
  if (hello.client.size() > kClientNameBytesMax) return too_long("client", kClientNameBytesMax);
  if (hello.features.size() > kFeaturesMax) return too_many("features");
  if (hello.producer_id.size() > kProducerIdBytesMax) return too_long("producer_id", kProducerIdBytesMax);
  if (hello.token.size() > kTokenBytesMax) return too_long("token", kTokenBytesMax);
  return std::nullopt;
}

std::optional<Fault> check(const Subscribe& subscribe) {
  if (subscribe.id == 0) return fault(ErrorCode::missing_field, "id", "is needed, 1 or more");
  if (subscribe.filter.empty()) return fault(ErrorCode::missing_field, "filter", "is needed");
  if (auto wrong = check_start(subscribe)) return wrong;
  if (auto wrong = check_received(subscribe)) return wrong;
  return check_delivery(subscribe);
}

std::optional<Fault> check(const Unsubscribe& /*any*/) {
  return std::nullopt;
}

std::optional<Fault> check(const Change& change) {
  return check_delivery(change);
}

std::optional<Fault> check(const Refresh& refresh) {
  if (refresh.token.empty()) return fault(ErrorCode::missing_field, "token", "is needed");
  if (refresh.token.size() > kTokenBytesMax) return too_long("token", kTokenBytesMax);
  return std::nullopt;
}

}  // namespace ringcast::proto
