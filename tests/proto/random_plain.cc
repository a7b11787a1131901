#include "tests/proto/random_plain.h"

#include <array>
#include <utility>

#include "proto/headers.h"
#include "proto/wire_reader.h"

namespace ringcast::proto::test {

namespace {

constexpr std::array<std::string_view, 14> kCharacters{
    "a", "Z", "/", "\"", "\\", "\n", "\t", " ", "é", "日", "🦙", "\u2028", std::string_view("\0", 1), "\x7f"};
constexpr std::array<std::string_view, 8> kJsonValues{
    "1", "-0.5e-7", "null", "{}", R"(["a", {"b" : [true,false]}])", R"("}\"\\")", "{\"é\":\"\\ud83e\\udd99\"}", "[]"};

}  // namespace

std::uint64_t RandomPlain::integer(std::uint64_t max) {
  switch (below(4)) {
    case 0:
      return 0;
    case 1:
      return below(300);
    case 2:
      return max;
    default:
      return (random_() >> below(64)) % max;  // of any length
  }
}

std::string_view RandomPlain::text(std::uint64_t characters_max) {
  std::string made;
  for (std::uint64_t count = below(characters_max + 1); count > 0; --count) {
    made += coin() ? std::string_view("x") : kCharacters[below(kCharacters.size())];
  }
  return keep(std::move(made));
}

std::string_view RandomPlain::json() {
  if (coin()) return kJsonValues[below(kJsonValues.size())];
  const std::uint64_t depth = below(kJsonDepthMax) + 1;
  return keep(std::string(depth, '[') + "1" + std::string(depth, ']'));
}

// Names differ by their beginnings.
std::string_view RandomPlain::headers() {
  std::string encoded;
  if (coin()) return {};
  const std::uint64_t count = below(kHeadersMax + 1);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string name = std::to_string(i) + std::string(text(4));
    append_header({name, text(6)}, encoded);
  }
  return keep(std::move(encoded));
}

std::span<const std::string_view> RandomPlain::texts() {
  texts_.clear();
  for (std::uint64_t count = below(4); count > 0; --count) texts_.push_back(text(5));
  return texts_;
}

template <class PublishOrMessage>
void RandomPlain::fill_content(PublishOrMessage& message) {
  message.topic = keep("t" + std::string(text(20)));
  message.op = static_cast<Op>(below(3));
  message.content_type = coin() ? "" : "text/plain; x=\"\\";
  message.headers = headers();
  if (message.op == Op::remove) return;
  message.format = static_cast<Format>(below(3));
  if (message.format == Format::json) message.payload = as_bytes(json());
  if (message.format == Format::text) message.payload = as_bytes(text(below(20) == 0 ? 5000 : 40));
  if (message.format == Format::binary) {
    std::string bytes(below(20) == 0 ? 5000 : below(20), '\0');
    for (char& c : bytes) c = static_cast<char>(random_());
    message.payload = as_bytes(keep(std::move(bytes)));
  }
}

Publish RandomPlain::publish() {
  Publish made{.id = integer(), .producer_seq = integer()};
  fill_content(made);
  return made;
}

template <class SubscribeOrChange>
void RandomPlain::fill_delivery(SubscribeOrChange& request) {
  request.delivery = static_cast<Delivery>(below(3));
  if (request.delivery == Delivery::latest) {
    const double rates[]{0, kRateHzMin, kRateHzMax, kRateHzMin + static_cast<double>(below(999'999)) / 1000};
    request.max_rate_hz = rates[below(std::size(rates))];
  } else {
    request.on_lag = static_cast<OnLag>(below(4));
  }
}

std::span<const OriginPosition> RandomPlain::positions() {
  positions_.clear();
  const std::uint64_t count = below(10) == 0 ? kReceivedMax : below(4);
  for (std::uint32_t origin = 0; positions_.size() < count; origin += 1 + static_cast<std::uint32_t>(below(1000))) {
    positions_.push_back({.origin = origin, .position = integer()});
  }
  return positions_;
}

Subscribe RandomPlain::subscribe() {
  Subscribe made{.id = integer(integer_max_ - 1) + 1,
                 .filter = keep("f" + std::string(text(20))),
                 .start = static_cast<Start>(below(5))};
  fill_delivery(made);
  if (made.start == Start::last_n) made.last_count = 1 + static_cast<std::uint32_t>(integer(UINT32_MAX - 1));
  if (made.start == Start::since_time) made.since_us = 1 + integer(integer_max_ - 1);
  if (made.start == Start::resume) {
    made.resume_token = keep("t" + std::string(text(below(20) == 0 ? 400 : 20)));
    if (made.delivery != Delivery::latest) made.received = positions();
  }
  if (coin()) made.echo = coin();
  return made;
}

Change RandomPlain::change() {
  Change made{.id = integer(), .subscription = integer()};
  fill_delivery(made);
  return made;
}

Request RandomPlain::request() {
  kept_.clear();
  switch (below(10)) {
    case 9:
      return Refresh{.id = integer(), .token = keep("t" + std::string(text(20)))};
    case 0:
      return Hello{.id = integer(),
                   .client = text(20),
                   .features = texts(),
                   .producer_id = text(10),
                   .token = text(below(20) == 0 ? 500 : 10)};
    case 1:
      return subscribe();
    case 2:
      return Unsubscribe{.id = integer(), .subscription = integer()};
    case 3:
      return change();
    case 4:
    case 5:
      batch_.clear();
      for (std::uint64_t count = 1 + below(5); count > 0; --count) batch_.push_back(publish());
      return PublishBatch{batch_};
    default:
      return publish();
  }
}

Message RandomPlain::message() {
  Message made{.seq = integer(),
               .origin = integer32(),
               .position = integer(),
               .time_us = integer(),
               .subscription = integer(),
               .mark = static_cast<Mark>(below(3))};
  fill_content(made);
  return made;
}

Welcome RandomPlain::welcome() {
  return {.id = integer(),
          .epoch = text(16),
          .features = texts(),
          .limits = {.message_bytes = integer(),
                     .subscriptions = integer32(),
                     .topic_bytes = integer32(),
                     .headers = integer32(),
                     .headers_bytes = integer32(),
                     .batch_messages = integer32(),
                     .producer_window = integer32()},
          .ping_interval_ms = integer32(),
          .producer_id = text(32),
          .producer_resumed = coin(),
          .credit = {.messages = integer(), .bytes = integer()},
          .subject = text(5),
          .server = text(20),
          .token_expires_us = integer()};
}

Lag RandomPlain::lag() {
  ranges_.clear();
  const std::uint64_t count = below(20) == 0 ? kLagRangesMax : below(4);
  while (ranges_.size() < count) {
    ranges_.push_back({.topic = text(10), .first_seq = integer(), .last_seq = integer()});
  }
  return {.subscription = integer(),
          .merged = integer(),
          .skipped = integer(),
          .caught_up = coin(),
          .ranges = ranges_,
          .more_ranges = coin()};
}

Event RandomPlain::event() {
  kept_.clear();
  switch (below(16)) {
    case 15:
      return Refreshed{.id = integer(), .token_expires_us = integer()};
    case 0:
      return welcome();
    case 1:
      return Subscribed{.id = integer(), .filter = text(20)};
    case 2:
      return Unsubscribed{.id = integer(), .subscription = integer(), .reason = coin() ? "" : text(10)};
    case 3:
      return Credit{.messages = integer(), .bytes = integer()};
    case 4:
      return SnapshotEnd{.subscription = integer(), .resumed = static_cast<Resumed>(below(4))};
    case 5:
      numbers_.clear();
      for (std::uint64_t count = below(4); count > 0; --count) numbers_.push_back(integer());
      return Checkpoint{.subscriptions = numbers_, .epoch = text(16), .token = text(16)};
    case 6:
      return lag();
    case 7:
      return GoAway{.text = text(20),
                    .deadline_ms = integer32(),
                    .reconnect_after_ms = integer32(),
                    .reconnect_within_ms = integer32(),
                    .resume = below(2) == 1};
    case 8:
      return Error{.code = static_cast<ErrorCode>(below(23)), .text = text(20), .id = integer(), .field = text(10)};
    case 9:
      return Changed{.id = integer(), .subscription = integer()};
    case 10:
    case 11:
      return Ack{.id = integer(),
                 .seq = integer(),
                 .origin = integer32(),
                 .position = integer(),
                 .time_us = integer(),
                 .duplicate = coin(),
                 .up_to = integer()};
    default:
      return message();
  }
}

}  // namespace ringcast::proto::test
