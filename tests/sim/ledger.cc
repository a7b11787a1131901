#include "tests/sim/ledger.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proto/headers.h"
#include "topics/home.h"

namespace ringcast::sim {

namespace {

Ledger* the_current = nullptr;

std::string_view view(topics::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Ledger::Ledger(const std::vector<std::string>& names, const Options& options, const Now& now)
    : options_(options), now_(now), positions_(options.shards), times_us_(options.shards) {
  for (const std::string& name : names) {
    const std::uint32_t origin = topics::owner(topics::hash_name(options.key, name), options.shards);
    topics_.push_back({.name = name, .origin = origin, .changes = {}, .kept = {}});
  }
  the_current = this;
}

Ledger::~Ledger() {
  the_current = nullptr;
}

Ledger* Ledger::current() noexcept {
  return the_current;
}

const Ledger::Topic* Ledger::find(std::string_view name) const {
  const auto found = std::ranges::find(topics_, name, &Topic::name);
  return found == topics_.end() ? nullptr : &*found;
}

std::optional<Ledger::Place> Ledger::find(Key key) const {
  const auto found = places_.find(key);
  if (found == places_.end()) return std::nullopt;
  return found->second;
}

void Ledger::blame(std::string what) {
  if (fault_.empty()) fault_ = std::move(what);
}

void Ledger::write(const topics::Message& message) {
  const Topic* found = find(message.topic());
  if (found == nullptr) return blame("a message of " + std::string(message.topic()) + ", which nobody published");
  Topic& topic = topics_[index_of(*found)];
  if (message.seq > topic.changes.size() + 1) begin_anew(topic, message.seq);
  check(topic, message);
  Change change{.seq = message.seq,
                .position = message.position,
                .time_us = static_cast<std::uint64_t>(message.time_us),
                .op = static_cast<proto::Op>(message.op),
                .format = static_cast<proto::Format>(message.format),
                .content_type = std::string(message.content_type()),
                .headers = std::string(message.headers()),
                .payload = std::string(view(message.payload())),
                .key = std::nullopt,
                .bytes = message.total_size(),
                .expiry = message.op == topics::Op::remove && message.publisher == topics::Publisher{},
                .at_ms = now_.monotonic.ms};
  if (change.op != proto::Op::remove) change.key = key_of(change.payload);
  std::string_view by;
  proto::HeaderReader reader(change.headers);
  for (proto::HeaderEntry entry; reader.next(entry);) {
    if (entry.name == kKeyHeader) change.key = read_key(entry.value);
    if (entry.name == kByHeader) by = entry.value;
  }
  if (change.key) change.by = change.key->client;
  std::from_chars(by.begin(), by.end(), change.by);
  if (change.key) {
    check_key(index_of(topic), change);
  } else if (change.op != proto::Op::remove) {
    blame("a home sequenced a message that nobody published");
  }
  if (change.is_kept()) topic.kept.push_back(topic.changes.size());
  change.kept = topic.kept.size();
  topic.changes.push_back(std::move(change));
}

// It was forgotten, as it had no value for long enough, and its first message now is numbered above all of that time.
void Ledger::begin_anew(Topic& topic, std::uint64_t seq) {
  if (!topic.changes.empty()) {
    const std::int64_t idle_ms = now_.monotonic.ms - topic.changes.back().at_ms;
    if (idle_ms < options_.forget_after_ms) blame(topic.name + " was forgotten too early");
  }
  topic.forgotten = topic.kept.size();
  const std::uint64_t position = topic.changes.empty() ? 0 : topic.changes.back().position;
  while (topic.changes.size() + 1 < seq) {
    topic.changes.push_back({.seq = topic.changes.size() + 1,
                             .position = position,
                             .content_type = {},
                             .headers = {},
                             .payload = {},
                             .key = std::nullopt,
                             .kept = topic.kept.size(),
                             .hole = true});
  }
}

void Ledger::check(Topic& topic, const topics::Message& message) {
  if (message.seq != topic.changes.size() + 1) blame(topic.name + ": a seq is left out");
  if (message.origin != topic.origin) blame(topic.name + " was sequenced by another home");
  if (message.position != ++positions_[topic.origin]) blame(topic.name + ": a position is left out");
  if (message.time_us < times_us_[topic.origin]) blame(topic.name + ": time went back");
  times_us_[topic.origin] = message.time_us;
}

// A message is sequenced once, however often it was sent, and those of one publisher in their order. One that a limit
// refused may be taken when he publishes it again by his next connection: behind those that were taken at first.
void Ledger::check_key(std::size_t topic, const Change& change) {
  const Place place{.topic = topic, .change = topics_[topic].changes.size()};
  if (!places_.emplace(*change.key, place).second) return blame(text(*change.key) + " was sequenced twice");
  const std::uint32_t by = options_.may_refuse ? change.by : 0;
  const auto [last, first] = last_numbers_.try_emplace({change.key->client, by, topic}, change.key->number);
  if (!first && last->second >= change.key->number) {
    blame(topics_[topic].name + ": " + text(*change.key) + " was sequenced after " + std::to_string(last->second));
  }
  last->second = change.key->number;
}

}  // namespace ringcast::sim

// What the linker puts in the place of Home::sequence() (see CMakeLists.txt), and the real one under its other name.
using ringcast::topics::Home;
using ringcast::topics::Message;
using ringcast::topics::TopicHandle;

// NOLINTBEGIN(bugprone-reserved-identifier): the names are the linker's.
Home::Sequenced real_sequence(Home* home, TopicHandle topic, Message* message, std::int64_t now_us) asm(
    "__real__ZN8ringcast6topics4Home8sequenceENS0_11TopicHandleEPNS0_7MessageEl");
Home::Sequenced wrapped_sequence(Home* home, TopicHandle topic, Message* message, std::int64_t now_us) asm(
    "__wrap__ZN8ringcast6topics4Home8sequenceENS0_11TopicHandleEPNS0_7MessageEl");
// NOLINTEND(bugprone-reserved-identifier)

Home::Sequenced wrapped_sequence(Home* home, TopicHandle topic, Message* message, std::int64_t now_us) {
  const Home::Sequenced sequenced = real_sequence(home, topic, message, now_us);
  if (ringcast::sim::Ledger* ledger = ringcast::sim::Ledger::current()) ledger->write(*message);
  return sequenced;
}
