// A broker that restarts, forgets, degrades and loses connections at random, from a seed: what a subscription's program
// is told must be everything, once and in order, but for what it is told to be missing.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/client/engine_rig.h"

using namespace ringcast;
using ringcast::test::EngineRig;
using ringcast::test::FakeBroker;
using ringcast::test::Heard;

namespace {

constexpr std::uint32_t kModelOrigins = 3;
constexpr std::uint64_t kModelTopics = 7;  // of each kind: "e/…" are heard by EVERY, "l/…" by LATEST

struct Entry {
  std::string topic;
  std::uint64_t seq = 0;
  std::uint32_t origin = 0;
  std::uint64_t position = 0;
};

// All that was published in this epoch, and how much of it the broker still has.
struct Publications {
  std::uint64_t epoch = 1;
  std::vector<Entry> log;
  std::size_t kept_from = 0;  // index in the log: what is before it was let go
  std::map<std::string, std::uint64_t> seqs;
  std::uint64_t positions[kModelOrigins] = {};

  void publish(const std::string& topic) {
    const auto origin = static_cast<std::uint32_t>(std::hash<std::string>{}(topic) % kModelOrigins);
    log.push_back({topic, ++seqs[topic], origin, ++positions[origin]});
  }
  void restart() { *this = {.epoch = epoch + 1}; }
  [[nodiscard]] std::string epoch_text() const { return "epoch" + std::to_string(epoch); }
};

bool latest_kind(const std::string& topic_or_filter) {
  return topic_or_filter.starts_with("l/");
}

// One connection's broker side.
class Side {
 public:
  Side(Publications& truth, FakeBroker& broker, std::mt19937_64& random)
      : truth_(truth), broker_(broker), random_(random), sent_(truth.log.size()) {}

  void serve() {
    for (; heard_ < broker_.heard.size(); ++heard_) {
      const Heard request = broker_.heard[heard_];
      if (request.kind == "subscribe") subscribe(request);
    }
    send_live();
    if (!owed_.empty() && random_() % 2 == 0) send_owed(1 + random_() % 4);
    if (random_() % 3 == 0) checkpoint();
    if (random_() % 12 == 0) begin_lag();
  }

  void settle() {
    serve();
    send_owed(owed_.size());
    checkpoint();
  }

 private:
  void subscribe(const Heard& request) {
    send_live();
    broker_.say(proto::Subscribed{.id = request.id, .filter = request.topic});
    (latest_kind(request.topic) ? has_latest_ : has_every_) = true;
    if (request.subscribe.start != proto::Start::resume) return;
    const bool ours = request.token.starts_with(truth_.epoch_text() + " ");
    std::uint64_t since[kModelOrigins] = {};
    if (ours) {
      std::size_t at = request.token.find(' ');
      for (std::uint64_t& position : since) {
        position = std::stoull(request.token.substr(at));
        at = request.token.find(',', at) + 1;
      }
      for (const auto& [origin, position] : request.received) since[origin] = std::max(since[origin], position);
    }
    const proto::Resumed resumed = replay(request, since);
    broker_.say(proto::SnapshotEnd{.subscription = request.id, .resumed = ours ? resumed : proto::Resumed::gap});
    if (random_() % 4 != 0) checkpoint();
  }

  proto::Resumed replay(const Heard& request, const std::uint64_t (&since)[kModelOrigins]) {
    const bool latest = latest_kind(request.topic);
    proto::Resumed resumed = proto::Resumed::recovered;
    std::map<std::string, const Entry*> newest;
    for (std::size_t i = 0; i < truth_.log.size(); ++i) {
      const Entry& entry = truth_.log[i];
      if (latest_kind(entry.topic) != latest || entry.position <= since[entry.origin]) continue;
      if (latest) {
        if (std::exchange(newest[entry.topic], &entry) != nullptr) resumed = proto::Resumed::conflated;
      } else if (i < truth_.kept_from) {
        resumed = proto::Resumed::gap;
      } else {
        say(entry, proto::Mark::replay, request.id);
      }
    }
    for (const auto& [topic, entry] : newest) say(*entry, proto::Mark::snapshot, request.id);
    return resumed;
  }

  void send_live() {
    for (; sent_ < truth_.log.size(); ++sent_) {
      const Entry& entry = truth_.log[sent_];
      if (latest_kind(entry.topic) ? has_latest_ : has_every_ && lagging_) {
        owe(entry);
      } else if (has_every_ && !latest_kind(entry.topic)) {
        say(entry, proto::Mark::live, 0);
      }
    }
  }

  // A topic keeps its place, and the position at which it came to be owed.
  void owe(const Entry& entry) {
    const auto found = std::ranges::find(owed_, entry.topic, [](const auto& owed) { return owed.newest.topic; });
    if (found != owed_.end()) {
      found->newest = entry;
    } else {
      owed_.push_back({entry.position, entry});
    }
  }

  void send_owed(std::size_t count) {
    for (; count > 0 && !owed_.empty(); --count) {
      say(owed_.front().newest, proto::Mark::live, 0);
      owed_.erase(owed_.begin());
    }
    const bool caught_up =
        std::ranges::none_of(owed_, [](const auto& owed) { return !latest_kind(owed.newest.topic); });
    if (!lagging_ || !caught_up) return;
    lagging_ = false;
    broker_.say(proto::Lag{.merged = 1, .caught_up = true});
  }

  void begin_lag() {
    if (lagging_ || !has_every_) return;
    lagging_ = true;
    broker_.say(proto::Lag{.merged = random_() % 2});
  }

  void checkpoint() {
    std::uint64_t positions[kModelOrigins];
    std::ranges::copy(truth_.positions, positions);
    for (const auto& [first, newest] : owed_) positions[newest.origin] = std::min(positions[newest.origin], first - 1);
    std::string token = truth_.epoch_text() + " ";
    for (const std::uint64_t position : positions) token += std::to_string(position) + ",";
    broker_.say(proto::Checkpoint{.epoch = truth_.epoch_text(), .token = token});
  }

  void say(const Entry& entry, proto::Mark mark, std::uint64_t id) {
    broker_.say(proto::Message{.seq = entry.seq,
                               .topic = entry.topic,
                               .origin = entry.origin,
                               .position = entry.position,
                               .subscription = id,
                               .mark = mark});
  }

  struct Owed {
    std::uint64_t first = 0;  // undelivered position
    Entry newest;
  };

  Publications& truth_;
  FakeBroker& broker_;
  std::mt19937_64& random_;
  std::size_t heard_ = 0;
  std::size_t sent_;
  bool has_every_ = false;
  bool has_latest_ = false;
  bool lagging_ = false;
  std::vector<Owed> owed_;
};

// What one subscription's program makes of what it is told.
struct Program {
  std::string filter;
  bool lagging = false;
  bool hole = false;                          // in what it goes on with: to be told at its end
  std::map<std::string, std::uint64_t> told;  // topic -> seq
  std::set<std::string> unexcused;            // topics that were told since the last excuse

  void hear(const Message& message) {
    std::uint64_t& last = told[std::string(message.topic)];
    REQUIRE_MESSAGE(message.seq > last, filter << " was told " << message.seq << " after " << last);
    const bool may_miss = latest_kind(filter) || lagging || !unexcused.contains(std::string(message.topic));
    if (!may_miss && message.seq != last + 1) {
      REQUIRE_MESSAGE(message.mark != Mark::live, filter << " was told " << message.seq << " after " << last);
      hole = true;
    }
    last = message.seq;
    if (!lagging) unexcused.insert(std::string(message.topic));
  }
  void hear(const SubscriptionEvent& event) {
    using enum SubscriptionEvent::Kind;
    if (event.kind == recovered) REQUIRE_MESSAGE(!hole, filter << " was recovered, and yet there is a hole");
    if (event.kind == subscribed) hole = false;
    if (event.kind == gap) {
      unexcused.clear();
      if (event.epoch != event.last_epoch) told.clear();
    }
    if (event.kind == lag) {
      lagging = !event.caught_up;
      unexcused.clear();
    }
    if (event.kind == subscribed) lagging = false;
  }
};

void run_resumes(std::uint64_t seed) {
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Publications truth;
  EngineRig rig;
  std::map<std::uint64_t, Program> programs;
  for (const auto& [id, filter, delivery] :
       {std::tuple{3U, "e/#", Delivery::every}, {5U, "e/+", Delivery::every}, {7U, "l/#", Delivery::latest}}) {
    Program& program = programs[id];
    program.filter = filter;
    rig.engine().subscribe({.id = id,
                            .filter = filter,
                            .options = {.delivery = delivery},
                            .on_message = [&program](const Message& message) { program.hear(message); },
                            .on_event = [&program](const SubscriptionEvent& event) { program.hear(event); }});
  }
  const auto publish = [&](std::uint64_t i) {
    truth.publish((i % 2 == 0 ? "e/" : "l/") + std::to_string(i / 2 % kModelTopics));
  };
  std::optional<Side> side;
  for (int round = 0; round < 80; ++round) {
    for (std::size_t more = random() % 6; more > 0; --more) publish(random());
    if (!rig.engine().attached()) {
      if (random() % 10 == 0) truth.restart();
      if (random() % 6 == 0) truth.kept_from = truth.log.size() - random() % (truth.log.size() + 1);
      for (std::size_t more = random() % 20; more > 0; --more) publish(random());
      rig.begin({.epoch = truth.epoch_text(), .confirms = false});
      side.emplace(truth, *rig.broker, random);
    }
    rig.to_broker(1 + random() % 300);
    side->serve();
    if (random() % 4 == 0) {
      std::vector<std::uint8_t> bytes = rig.broker->release();
      rig.engine().received(std::span(bytes).first(bytes.empty() ? 0 : random() % bytes.size()), rig.now_ms);
      if (rig.engine().attached()) rig.cut();
      continue;
    }
    rig.from_broker(1 + random() % 300);
  }
  if (!rig.engine().attached()) {
    rig.begin({.epoch = truth.epoch_text(), .confirms = false});
    side.emplace(truth, *rig.broker, random);
  }
  for (int i = 0; i < 3; ++i) {
    rig.to_broker();
    side->settle();
    rig.from_broker();
    for (std::uint64_t topic = 0; topic < 2 * kModelTopics; ++topic) publish(topic);
  }
  rig.to_broker();
  side->settle();
  rig.from_broker();
  REQUIRE(rig.errors.empty());
  for (const auto& [id, program] : programs) {
    for (const auto& [topic, seq] : truth.seqs) {
      if (latest_kind(topic) != latest_kind(program.filter)) continue;
      REQUIRE_MESSAGE(program.told.at(topic) == seq, program.filter << " ends with the newest of " << topic);
    }
  }
}

}  // namespace

TEST_CASE("Engine tells everything once and in order over connections that break, or says what may be missing") {
  for (std::uint64_t seed = 1; seed <= 120; ++seed) run_resumes(seed);
}
