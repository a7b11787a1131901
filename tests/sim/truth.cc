#include "tests/sim/truth.h"

#include <algorithm>
#include <utility>

#include "topics/name.h"

namespace ringcast::sim {

bool StartRange::narrow(const StartRange& other) noexcept {
  first = std::max(first, other.first);
  end = std::min(end, other.end);
  return first < end;
}

// ---- subscribers ----

void Truth::check_subscriber(const WebSocketClient& client, Extent extent) const {
  std::vector<Got> got(ledger_.topics().size());
  for (const Key& key : client.received_keys()) {
    const auto place = ledger_.find(key);
    expect(place.has_value(), [&] { return client.name() + " got " + text(key) + ", which was never sequenced"; });
    got[place->topic].push_back(place->change);
  }
  if (!client.was_open()) {
    return expect(client.received_keys().empty(), [&] { return client.name() + " got messages before its 101"; });
  }
  std::vector<StartRange> starts(client.low().size());
  for (std::size_t origin = 0; origin < starts.size(); ++origin) {
    starts[origin] = {.first = client.low()[origin], .end = client.high()[origin] + 1};
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    const Topic& topic = ledger_.topics()[i];
    if (client.options().publish_only || !topics::matches(client.options().filter, topic.name)) {
      expect(got[i].empty(), [&] { return client.name() + " got messages of " + topic.name; });
      continue;
    }
    View view{.client = client, .topic = topic, .visible = {}, .extent = extent};
    for (std::size_t k = 0; k < topic.changes.size(); ++k) {
      const bool own = topic.changes[k].by == client.id() && !client.options().echo;
      if (topic.changes[k].op != proto::Op::remove && !topic.changes[k].hole && !own) view.visible.push_back(k);
    }
    expect(starts[topic.origin].narrow(start_of(view, got[i])), [&] {
      return client.name() + ": at " + topic.name + " there is no one starting point of home " +
             std::to_string(topic.origin) + " that explains what it got";
    });
  }
}

// Where the subscription must have started, seen from one topic.
StartRange Truth::start_of(const View& view, const Got& got) const {
  const auto is_kept = [&](std::size_t change) { return view.topic.changes[change].is_kept(); };
  const auto value = std::ranges::find_if(got, is_kept);
  const bool with_last = view.client.options().last && kept_.last(view.topic) > 0;
  if (!with_last || value == got.end()) {
    const StartRange start = start_live(view, got);
    if (!with_last || !got.empty() || view.extent == Extent::beginning) return start;
    // Not one message came since the start: the value itself must have come, if there is one.
    if (view.topic.kept.empty()) return start;
    const Change& newest = view.topic.kept_change(view.topic.kept.size() - 1);
    const bool own = newest.by == view.client.id() && !view.client.options().echo;
    const bool has_value = newest.op == proto::Op::set && !own;
    return {.first = start.first, .end = has_value ? newest.position : UINT64_MAX};
  }
  // The first kept message was the value at the start; or it was live, as those around it: then it stands among them.
  const StartRange with_value = start_with_value(view, got);
  const auto at = static_cast<std::size_t>(std::ranges::find(view.visible, *value) - view.visible.begin());
  const auto before = static_cast<std::size_t>(value - got.begin());
  const std::size_t left = at >= before ? view.visible.size() - (at - before) : 0;
  const bool stands =
      (view.extent == Extent::whole ? got.size() == left : got.size() <= left) &&
      std::equal(got.begin(), got.end(), view.visible.begin() + static_cast<std::ptrdiff_t>(at - before));
  if (with_value.first < with_value.end && !stands) return with_value;
  const StartRange live = start_live(view, got);
  if (with_value.first >= with_value.end) return live;
  return {.first = std::min(live.first, with_value.first), .end = std::max(live.end, with_value.end)};
}

// Empty, not a failure, when what came does not allow it.
StartRange Truth::start_with_value(const View& view, const Got& got) {
  Got live = got;
  const auto value = std::ranges::find_if(live, [&](std::size_t k) { return view.topic.changes[k].is_kept(); });
  const Change& first = view.topic.changes[*value];
  live.erase(value);
  StartRange range{.first = first.position};
  if (const Change* next = view.topic.kept_after(first)) range.end = next->position;
  if (live.empty() && view.extent == Extent::beginning) return range;
  const auto begin = live.empty() ? view.visible.end() : std::ranges::find(view.visible, live.front());
  const auto at = static_cast<std::size_t>(begin - view.visible.begin());
  const std::size_t left = view.visible.size() - at;
  if (!live.empty() && begin == view.visible.end()) return {.end = 0};
  if (live.size() > left || !std::equal(live.begin(), live.end(), begin)) return {.end = 0};
  if (view.extent == Extent::whole && live.size() != left) return {.end = 0};
  if (at > 0) range.first = std::max(range.first, view.topic.changes[view.visible[at - 1]].position);
  if (!live.empty()) range.end = std::min(range.end, view.topic.changes[live.front()].position);
  return range;
}

// All that came is live: it is what the topic had to tell from some place on.
StartRange Truth::start_live(const View& view, const Got& got) {
  const std::vector<Change>& changes = view.topic.changes;
  const std::string where = view.client.name() + " at " + view.topic.name + ": ";
  const auto name = [&](std::size_t change) { return text(*changes[change].key); };
  const auto first = got.empty() ? view.visible.end() : std::ranges::find(view.visible, got.front());
  const auto at = static_cast<std::size_t>(first - view.visible.begin());
  expect(got.empty() || first != view.visible.end(), [&] { return where + "got its own " + name(got.front()); });
  for (std::size_t i = 0; i < got.size(); ++i) {
    expect(at + i < view.visible.size(), [&] { return where + name(got[i]) + " after the last message"; });
    const std::size_t wanted = view.visible[at + i];
    expect(wanted == got[i], [&] { return where + "got " + name(got[i]) + " where " + name(wanted) + " comes"; });
  }
  if (got.empty() && view.extent == Extent::beginning) return {};
  expect(view.extent == Extent::beginning || at + got.size() == view.visible.size(), [&] {
    return where + "lacks the last " + std::to_string(view.visible.size() - at - got.size()) + " of " +
           std::to_string(view.visible.size());
  });
  return {.first = at == 0 ? 0 : changes[view.visible[at - 1]].position,
          .end = got.empty() ? UINT64_MAX : changes[got.front()].position};
}

// ---- newest values ----

void Truth::check_latest(const WebSocketClient& client, Extent extent) const {
  std::vector<std::vector<Came>> came(ledger_.topics().size());
  for (std::size_t i = 0; i < client.received_keys().size(); ++i) {
    const auto place = ledger_.find(client.received_keys()[i]);
    expect(place.has_value(), [&] { return client.name() + " got what was never sequenced"; });
    came[place->topic].push_back({.change = place->change, .at_ms = client.received_ms()[i]});
  }
  if (!client.was_open()) return;
  for (std::size_t i = 0; i < came.size(); ++i) {
    const Topic& topic = ledger_.topics()[i];
    const std::string where = client.name() + " at " + topic.name + ": ";
    if (client.options().publish_only || !topics::matches(client.options().filter, topic.name)) {
      expect(came[i].empty(), [&] { return where + "got messages"; });
      continue;
    }
    for (std::size_t k = 0; k < came[i].size(); ++k) {
      const Change& change = topic.changes[came[i][k].change];
      expect(k == 0 || came[i][k - 1].change < came[i][k].change,
             [&] { return where + text(*change.key) + " came late"; });
      expect(client.options().echo || change.by != client.id(),
             [&] { return where + "got its own " + text(*change.key); });
      if (change.position > client.low()[topic.origin]) continue;
      const Change* const next = topic.kept_after(change);
      const bool may_be_value = client.options().last && k == 0 && change.is_kept() &&
                                (next == nullptr || next->position > client.low()[topic.origin]);
      expect(may_be_value, [&] { return where + text(*change.key) + " is older than the subscription"; });
    }
    check_pace(client, topic, came[i]);
    if (extent == Extent::whole) check_newest(client, topic, came[i]);
  }
}

// The topic's value has come, and the newest event after it: but for what may have been there before. A removal has no
// word in raw mode, and what was before its own it need not hear.
void Truth::check_newest(const WebSocketClient& client, const Topic& topic, const std::vector<Came>& came) const {
  const auto check = [&](std::size_t index) {
    const Change& change = topic.changes[index];
    const bool value = client.options().last && change.is_kept() && kept_.last(topic) > 0;
    if (std::ranges::find(came, index, &Came::change) != came.end()) return;
    expect(!value && change.position <= client.high()[topic.origin], [&] {
      return client.name() + " at " + topic.name + ": the newest, " + text(*change.key) + ", did not come";
    });
  };
  bool events = false;
  for (std::size_t i = topic.changes.size(); i > 0; --i) {
    const Change& change = topic.changes[i - 1];
    if (change.hole) continue;
    const bool own = change.by == client.id() && !client.options().echo;
    if (!change.is_kept() && !std::exchange(events, true) && !own) check(i - 1);
    if (!change.is_kept()) continue;
    if (change.op == proto::Op::set && !own) check(i - 1);
    return;
  }
}

// As SubscriberModel::check_rate(); the value that it begins with is not one of them.
void Truth::check_pace(const WebSocketClient& client, const Topic& topic, const std::vector<Came>& came) const {
  constexpr std::int64_t kSlack = 3;
  const std::int64_t period_ms = client.options().period_ms();
  if (period_ms == 0) return;
  std::vector<Came> values;
  for (const Came& one : came) {
    if (topic.changes[one.change].is_kept() && one.at_ms < paces_end_ms_) values.push_back(one);
  }
  for (std::size_t i = 1; i < values.size(); ++i) {
    for (std::size_t k = i; k < values.size(); ++k) {
      const std::int64_t ms = values[k].at_ms - topic.changes[values[i].change].at_ms;
      expect(static_cast<std::int64_t>(k - i + 1) <= ms / period_ms + kSlack, [&] {
        return client.name() + " at " + topic.name + ": " + std::to_string(k - i + 1) + " values within " +
               std::to_string(ms) + " ms, with a period of " + std::to_string(period_ms) + " ms";
      });
    }
  }
}

// ---- publishers ----

void Truth::check_publisher(const WebSocketClient& client, Extent extent) const {
  const Topic* topic = ledger_.find(client.options().filter);
  std::uint32_t next = 0;
  if (topic != nullptr) {
    for (const Change& change : topic->changes) {
      if (!change.key || change.key->client != client.id()) continue;
      expect(change.key->number == next, [&] {
        return client.name() + ": " + text(*change.key) + " was sequenced, but not the " + std::to_string(next) +
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

// The value that the topic has when its home has come to `position`.
const Ledger::Change* Truth::value_after(const Topic& topic, std::uint64_t position) const {
  if (kept_.last(topic) == 0) return nullptr;
  const auto last = std::ranges::find_if(topic.kept.rbegin(), topic.kept.rend(),
                                         [&](std::size_t index) { return topic.changes[index].position <= position; });
  if (last == topic.kept.rend() || topic.changes[*last].op == proto::Op::remove) return nullptr;
  return &topic.changes[*last];
}

void Truth::check_exchange(const Exchange& exchange) const {
  const Topic& topic = *ledger_.find(exchange.topic);
  const std::string what = exchange.topic + ": ";
  if (exchange.method != Exchange::Method::get) {
    const bool sequenced = ledger_.find(exchange.key).has_value();
    if (exchange.status >= 400) {
      return expect(!sequenced, [&] { return what + text(exchange.key) + " was published, but refused"; });
    }
    expect(exchange.status == 200, [&] { return what + "answered " + std::to_string(exchange.status); });
    expect(exchange.seq >= 1 && exchange.seq <= topic.changes.size(),
           [&] { return what + "acknowledged with an unknown seq"; });
    const Change& change = topic.changes[exchange.seq - 1];
    const bool removes = exchange.method == Exchange::Method::remove;
    expect((change.op == proto::Op::remove) == removes, [&] { return what + "the seq is another message's"; });
    expect(removes || change.key == exchange.key, [&] { return what + "the seq is " + text(*change.key) + "'s"; });
    expect(change.position > exchange.low[topic.origin], [&] { return what + "sequenced before it was asked"; });
    return expect(change.position <= exchange.high[topic.origin],
                  [&] { return what + "acknowledged before it was sequenced"; });
  }
  if (exchange.status >= 400 && exchange.status != 404) return;
  // A value that the topic had at some moment between the question and the answer.
  const auto explains = [&](std::uint64_t position) {
    const Change* const value = value_after(topic, position);
    if (value == nullptr) return exchange.status == 404;
    if (value->seq != exchange.seq) return false;
    return exchange.status == 200 ? value->payload == exchange.body
                                  : exchange.status == 304 && value->seq == exchange.known_seq;
  };
  if (explains(exchange.low[topic.origin])) return;
  for (const std::size_t kept : topic.kept) {
    const std::uint64_t position = topic.changes[kept].position;
    if (position > exchange.low[topic.origin] && position <= exchange.high[topic.origin] && explains(position)) return;
  }
  throw Failure(what + "GET answered " + std::to_string(exchange.status) + " with seq " + std::to_string(exchange.seq) +
                ", which was no value of that time");
}

}  // namespace ringcast::sim
