#include "tests/sim/truth.h"

#include <algorithm>

namespace ringcast::sim {

Truth::Truth(const std::vector<std::string>& names, topics::HashKey key,
             std::vector<std::unique_ptr<Runner>>& runners) {
  for (const std::string& name : names) {
    const std::uint64_t hash = topics::hash_name(key, name);
    Topic& topic = topics_[name];
    topic.origin = topics::owner(hash, static_cast<std::uint32_t>(runners.size()));
    const topics::Home& home = runners[topic.origin]->shard().home().home();
    const topics::History* history = home.history(home.find(name, hash));
    for (std::size_t i = 0; history != nullptr && i < history->size(); ++i) {
      const topics::Message& message = *(*history)[i];
      const auto bytes = message.payload();
      Change change{.seq = message.seq, .position = message.position, .removes = message.op == topics::Op::remove};
      change.payload.assign(bytes.begin(), bytes.end());
      if (!change.removes) {
        const auto read = key_of(change.payload);
        expect(read.has_value(), "a home keeps a message that nobody published");
        change.key = *read;
        expect(topic_of_.emplace(*read, name).second, [&] { return text(*read) + " was published twice"; });
      }
      topic.changes.push_back(std::move(change));
    }
  }
}

void Truth::check_topics() const {
  for (const auto& [name, topic] : topics_) {
    std::uint64_t position = 0;
    for (std::size_t i = 0; i < topic.changes.size(); ++i) {
      expect(topic.changes[i].seq == i + 1, [&] { return name + ": a seq is left out"; });
      expect(topic.changes[i].position > position, [&] { return name + ": positions fall"; });
      position = topic.changes[i].position;
    }
  }
}

std::uint64_t Truth::messages() const {
  std::uint64_t count = 0;
  for (const auto& [name, topic] : topics_) count += topic.changes.size();
  return count;
}

// ---- subscribers ----

void Truth::check_subscriber(const WebSocketClient& client, Extent extent) const {
  std::map<std::string, std::vector<Key>> got;
  for (const Key& key : client.received_keys()) {
    const auto topic = topic_of_.find(key);
    expect(topic != topic_of_.end(),
           [&] { return client.name() + " got " + text(key) + ", which was never sequenced"; });
    got[topic->second].push_back(key);
  }
  if (!client.was_open()) return expect(got.empty(), [&] { return client.name() + " got messages before its 101"; });
  for (const auto& [topic, keys] : got) {
    expect(topics::matches(client.options().filter, topic),
           [&] { return client.name() + " got messages of " + topic; });
    expect(!client.options().publish_only, [&] { return client.name() + " only publishes, but got messages"; });
  }
  if (client.options().publish_only) return;
  std::vector<Range> starts(client.low().size());
  for (std::size_t origin = 0; origin < starts.size(); ++origin) {
    starts[origin] = {.first = client.low()[origin], .end = client.high()[origin] + 1};
  }
  for (const auto& [name, topic] : topics_) {
    if (!topics::matches(client.options().filter, name)) continue;
    const Range range = start_of(client, name, topic, got[name], extent);
    Range& start = starts[topic.origin];
    start.first = std::max(start.first, range.first);
    start.end = std::min(start.end, range.end);
    expect(start.first < start.end, [&] {
      return client.name() + ": at " + name + " there is no one starting point of home " +
             std::to_string(topic.origin) + " that explains what it got";
    });
  }
}

// Where the subscription must have started, seen from one topic.
Truth::Range Truth::start_of(const WebSocketClient& client, const std::string& name, const Topic& topic,
                             const std::vector<Key>& got, Extent extent) const {
  std::vector<std::size_t> visible;  // changes that this client is told of
  for (std::size_t i = 0; i < topic.changes.size(); ++i) {
    const bool own = topic.changes[i].key.client == client.id() && !client.options().echo;
    if (!topic.changes[i].removes && !own) visible.push_back(i);
  }
  const std::string where = client.name() + " at " + name + ": ";
  const auto first =
      got.empty() ? visible.end()
                  : std::ranges::find_if(visible, [&](std::size_t i) { return topic.changes[i].key == got.front(); });
  const auto at = static_cast<std::size_t>(first - visible.begin());
  expect(got.empty() || first != visible.end(),
         [&] { return where + "got its own " + (got.empty() ? "" : text(got.front())); });
  for (std::size_t i = 0; i < got.size(); ++i) {
    expect(at + i < visible.size(), [&] { return where + text(got[i]) + " after the last message"; });
    const Key wanted = topic.changes[visible[at + i]].key;
    expect(wanted == got[i], [&] { return where + "got " + text(got[i]) + " where " + text(wanted) + " comes"; });
  }
  if (got.empty() && extent == Extent::beginning) return {};
  expect(extent == Extent::beginning || at + got.size() == visible.size(), [&] {
    return where + "lacks the last " + std::to_string(visible.size() - at - got.size()) + " of " +
           std::to_string(visible.size());
  });

  const std::uint64_t before = at == 0 ? 0 : topic.changes[visible[at - 1]].position;
  if (got.empty()) {
    // Not one message came since the start. With last=1 the value itself must have come, if there is one.
    const bool has_value = !topic.changes.empty() && visible.size() > 0 && visible.back() + 1 == topic.changes.size();
    return {.first = before, .end = client.options().last && has_value ? before : UINT64_MAX};
  }
  // Live, from the first message after the start; or with last=1 also the value that was there at the start.
  const std::size_t change = visible[at];
  if (!client.options().last) return {.first = before, .end = topic.changes[change].position};
  const bool newest = change + 1 == topic.changes.size();
  return {.first = before, .end = newest ? UINT64_MAX : topic.changes[change + 1].position};
}

// ---- publishers ----

void Truth::check_publisher(const WebSocketClient& client, Extent extent) const {
  const auto topic = topics_.find(client.options().filter);
  std::uint32_t next = 0;
  if (topic != topics_.end()) {
    for (const Change& change : topic->second.changes) {
      if (change.removes || change.key.client != client.id()) continue;
      expect(change.key.number == next, [&] {
        return client.name() + ": " + text(change.key) + " was sequenced, but not the " + std::to_string(next) +
               " before it";
      });
      ++next;
    }
  }
  expect(extent == Extent::beginning || next == client.published(), [&] {
    return client.name() + ": only " + std::to_string(next) + " of its " + std::to_string(client.published()) +
           " messages were sequenced";
  });
}

const Truth::Change* Truth::value_after(const Topic& topic, std::size_t changes) const {
  if (changes == 0 || topic.changes[changes - 1].removes) return nullptr;
  return &topic.changes[changes - 1];
}

void Truth::check_exchange(const Exchange& exchange) const {
  const Topic& topic = topics_.at(exchange.topic);
  const std::string what = exchange.topic + ": ";
  if (exchange.method != Exchange::Method::get) {
    const bool sequenced = topic_of_.contains(exchange.key);
    if (exchange.status >= 400) {
      return expect(!sequenced, [&] { return what + text(exchange.key) + " was published, but refused"; });
    }
    expect(exchange.status == 200, [&] { return what + "answered " + std::to_string(exchange.status); });
    expect(exchange.seq >= 1 && exchange.seq <= topic.changes.size(),
           [&] { return what + "acknowledged with an unknown seq"; });
    const Change& change = topic.changes[exchange.seq - 1];
    expect(change.removes == (exchange.method == Exchange::Method::remove),
           [&] { return what + "the seq is another message's"; });
    expect(change.removes || change.key == exchange.key,
           [&] { return what + "the seq is " + text(change.key) + "'s"; });
    expect(change.position > exchange.low[topic.origin], [&] { return what + "sequenced before it was asked"; });
    return expect(change.position <= exchange.high[topic.origin],
                  [&] { return what + "acknowledged before it was sequenced"; });
  }
  if (exchange.status >= 400 && exchange.status != 404) return;
  // A value that the topic had at some moment between the question and the answer.
  const auto count_to = [&](std::uint64_t position) {
    return static_cast<std::size_t>(
        std::ranges::count_if(topic.changes, [&](const Change& change) { return change.position <= position; }));
  };
  for (std::size_t n = count_to(exchange.low[topic.origin]); n <= count_to(exchange.high[topic.origin]); ++n) {
    const Change* const value = value_after(topic, n);
    if (value == nullptr && exchange.status == 404) return;
    if (value == nullptr || value->seq != exchange.seq) continue;
    if (exchange.status == 200 && value->payload == exchange.body) return;
    if (exchange.status == 304 && value->seq == exchange.known_seq) return;
  }
  throw Failure(what + "GET answered " + std::to_string(exchange.status) + " with seq " + std::to_string(exchange.seq) +
                ", which was no value of that time");
}

}  // namespace ringcast::sim
