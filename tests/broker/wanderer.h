// Wanderer: a program that follows a filter for ever by the rules of proto/PROTOCOL.md, over connections that are cut;
// Truth: what was published. What the wanderer was told is held against it: at each checkpoint, of what the token
// covers, and at the end, of everything.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/checkpoint.h"
#include "proto/json_form.h"
#include "tests/broker/full_bench.h"
#include "topics/name.h"

namespace ringcast::broker::test {

// All messages that were sequenced, as somebody heard them who is always there.
class Truth {
 public:
  struct Message {
    std::uint32_t origin = 0;
    std::uint64_t position = 0;
    std::int64_t time_us = 0;
  };
  using Topics = std::map<std::string, std::vector<Message>>;  // by topic, in order of seq: the first has 1

  Truth(FullBench& bench, std::string_view filter) : bench_(bench), witness_(bench.connect(0)) {
    bench.say(witness_, R"({"subscribe":{"id":1,"filter":")" + std::string(filter) + R"("}})");
    (void)bench.take(witness_);
  }

  void read() {
    proto::JsonForm form;
    for (const std::string& text : bench_.take(witness_)) {
      const auto event = form.read_event({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
      REQUIRE_MESSAGE(event.has_value(), text);
      const auto* message = std::get_if<proto::Message>(&*event);
      if (message == nullptr) continue;
      std::vector<Message>& of = topics_[std::string(message->topic)];
      of.push_back({.origin = message->origin,
                    .position = message->position,
                    .time_us = static_cast<std::int64_t>(message->time_us)});
      REQUIRE(of.size() == message->seq);
    }
  }
  [[nodiscard]] const Topics& topics() const noexcept { return topics_; }

 private:
  FullBench& bench_;
  Client& witness_;
  Topics topics_;
};

class Wanderer {
 public:
  enum class Kind : std::uint8_t { every, latest, degrade, skip };
  struct Counters {
    int recovered = 0;
    int conflated = 0;
    int gaps = 0;
    int lags = 0;
    int repeats = 0;  // of openings that broke off, or of values
  };

  Wanderer(FullBench& bench, std::string filter, Kind kind) : bench_(bench), filter_(std::move(filter)), kind_(kind) {}

  void connect(std::uint32_t shard);
  // Some of what was sent has arrived; the rest is lost with the connection.
  void cut(std::mt19937_64& random);
  // All that was sent has arrived.
  void read();
  void set_reading(bool reads) { client_->reads = reads; }

  [[nodiscard]] bool connected() const noexcept { return client_ != nullptr; }
  [[nodiscard]] bool reading() const noexcept { return client_->reads; }
  [[nodiscard]] bool lost() { return bench_.shard(client_->shard).sessions().find(client_->slot) == nullptr; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  // That all which a checkpoint covered had come or was told to be missing by then.
  void check_tokens(const Truth& truth) const;
  // That all has by now.
  void check_end(const Truth& truth) const;

 private:
  // When something became known of a message; 0: never.
  struct Known {
    std::uint64_t came = 0;
    std::uint64_t told = 0;  // that it is missing
  };
  struct Token {
    std::uint64_t at = 0;
    std::int64_t time_us = 0;
    Checkpoint checkpoint;
    bool after_gap = false;  // something that it covers may be missing
  };
  struct Opened {  // a value that a resumption brought
    std::string topic;
    std::uint64_t seq = 0;
    std::uint64_t since = 0;  // position that the token said
  };

  [[nodiscard]] bool latest() const noexcept { return kind_ == Kind::latest; }
  [[nodiscard]] Known& known(std::string_view topic, std::uint64_t seq);
  void hear(const std::string& json);
  void on(const proto::Message& message);
  void on(const proto::Lag& lag);
  void on(const proto::Checkpoint& checkpoint);
  void on(const proto::SnapshotEnd& end);
  void on(const proto::Error& error) { FAIL(error.text); }
  template <typename Other>
  void on(const Other&) {}
  [[nodiscard]] std::string subscribe_text() const;
  using Positions = std::map<std::uint32_t, std::uint64_t>;  // by origin
  // That of the topic's messages all is known which the token covers, and which lies behind `from`.
  void check_token(const Token& token, const Positions& from, const std::string& topic,
                   const std::vector<Truth::Message>& messages) const;
  void check_tokens(const Truth& truth, const std::vector<Token>& tokens) const;
  void check_whole(const Truth& truth) const;

  FullBench& bench_;
  const std::string filter_;
  const Kind kind_;
  Client* client_ = nullptr;
  std::uint64_t clock_ = 0;  // counts what was heard
  std::string token_;
  std::vector<Token> tokens_;
  std::map<std::uint32_t, std::uint64_t> received_;  // by origin
  std::map<std::string, std::vector<Known>> known_;  // by topic, in order of seq
  std::map<std::string, std::uint64_t> newest_;      // seq that came, by topic
  std::vector<Opened> opened_;                       // on this connection,
  std::vector<Opened> whole_;                        // and of all that were recovered
  bool resuming_ = false;
  bool lagging_ = false;
  std::uint64_t connected_at_ = 0;
  bool may_repeat_ = false;  // what has come since the token: of openings, or values in place of messages
  bool after_gap_ = false;   // one was told since the token
  Counters counters_;
};

inline Wanderer::Known& Wanderer::known(std::string_view topic, std::uint64_t seq) {
  std::vector<Known>& of = known_[std::string(topic)];
  if (of.size() < seq) of.resize(seq);
  return of[seq - 1];
}

inline std::string Wanderer::subscribe_text() const {
  std::string text = R"({"subscribe":{"id":2,"filter":")" + filter_ + "\"";
  if (latest()) text += R"(,"delivery":"latest")";
  if (kind_ == Kind::skip) text += R"(,"on_lag":"skip")";
  if (!token_.empty()) text += R"(,"start":"resume","resume_token":")" + token_ + "\"";
  if (!token_.empty() && !received_.empty()) {
    text += R"(,"received":[)";
    for (const auto& [origin, position] : received_) {
      if (text.back() != '[') text += ',';
      text += R"({"origin":)" + std::to_string(origin) + R"(,"position":)" + std::to_string(position) + "}";
    }
    text += "]";
  }
  return text + "}}";
}

inline void Wanderer::connect(std::uint32_t shard) {
  client_ = &bench_.connect(shard);
  bench_.whisper(*client_, R"({"hello":{"id":1,"features":["checkpoints"]}})");
  bench_.whisper(*client_, subscribe_text());
  resuming_ = !token_.empty();
  lagging_ = false;
  opened_.clear();
  connected_at_ = clock_;
}

inline void Wanderer::cut(std::mt19937_64& random) {
  std::vector<std::string> heard = bench_.take(*client_);
  heard.resize(random() % (heard.size() + 1));
  for (const std::string& json : heard) hear(json);
  if (!lost()) bench_.lose(*client_);
  client_ = nullptr;
}

inline void Wanderer::read() {
  for (const std::string& json : bench_.take(*client_)) hear(json);
}

inline void Wanderer::hear(const std::string& json) {
  CAPTURE(json);
  ++clock_;
  proto::JsonForm form;
  const auto event = form.read_event({reinterpret_cast<const std::uint8_t*>(json.data()), json.size()});
  REQUIRE(event.has_value());
  std::visit([&](const auto& what) { on(what); }, *event);
}

inline void Wanderer::on(const proto::Message& message) {
  const std::string topic{message.topic};
  const bool live = message.mark == proto::Mark::live;
  std::uint64_t& newest = newest_[topic];
  Known& of = known(topic, message.seq);
  if (live) {
    REQUIRE_MESSAGE((latest() || !resuming_), "before what is older");
    REQUIRE_MESSAGE(message.seq > newest, "not newer than " << newest);
  } else if (of.came != 0) {
    REQUIRE_MESSAGE((may_repeat_ || latest()), "again");
    REQUIRE_MESSAGE(of.came <= connected_at_, "twice on a connection");
    ++counters_.repeats;
  }
  if (latest()) REQUIRE_MESSAGE(message.seq >= newest, "an older value than " << newest);
  if (of.came == 0) of.came = clock_;
  newest = std::max(newest, message.seq);
  if (!live || lagging_) may_repeat_ = true;
  if (live && !latest() && !lagging_) received_[message.origin] = message.position;
  if (!live && latest()) {
    const auto since = tokens_.back().checkpoint.position_of(message.origin);
    opened_.push_back({.topic = topic, .seq = message.seq, .since = since.value_or(0)});
  }
}

inline void Wanderer::on(const proto::Lag& lag) {
  REQUIRE((kind_ == Kind::degrade || kind_ == Kind::skip));
  REQUIRE((kind_ == Kind::skip ? lag.merged : lag.skipped) == 0);
  REQUIRE_FALSE(lag.more_ranges);  // too few messages for that
  ++counters_.lags;
  lagging_ = !lag.caught_up;
  std::uint64_t named = 0;
  for (const proto::LagRange& range : lag.ranges) {
    for (std::uint64_t seq = range.first_seq; seq <= range.last_seq; ++seq, ++named) {
      Known& of = known(range.topic, seq);
      REQUIRE_MESSAGE(of.came == 0, range.topic << " " << seq << " has come");
      if (of.told == 0) of.told = clock_;
    }
  }
  REQUIRE(named == lag.merged + lag.skipped);
}

inline void Wanderer::on(const proto::Checkpoint& checkpoint) {
  const Checkpoint read = read_token(checkpoint.token).value_or(Checkpoint{});
  REQUIRE_FALSE(read.positions.empty());
  token_ = checkpoint.token;
  tokens_.push_back(
      {.at = clock_, .time_us = bench_.now.utc_us, .checkpoint = read, .after_gap = std::exchange(after_gap_, false)});
  may_repeat_ = may_repeat_ && lagging_;
}

inline void Wanderer::on(const proto::SnapshotEnd& end) {
  resuming_ = false;
  switch (end.resumed) {
    case proto::Resumed::recovered:
      ++counters_.recovered;
      whole_.insert(whole_.end(), opened_.begin(), opened_.end());
      return;
    case proto::Resumed::conflated:
      ++counters_.conflated;
      REQUIRE(latest());
      return;
    case proto::Resumed::gap:
      ++counters_.gaps;
      after_gap_ = true;
      return;
    case proto::Resumed::unspecified:
      FAIL("an opening that was not asked for");
  }
}

inline void Wanderer::check_token(const Token& token, const Positions& from, const std::string& topic,
                                  const std::vector<Truth::Message>& messages) const {
  const auto found = known_.find(topic);
  const std::uint64_t end = found == known_.end() ? 0 : found->second.size();
  const auto known_by_then = [&](std::uint64_t seq) {
    const Known& of = found->second[seq - 1];
    return (of.came != 0 && of.came <= token.at) || (of.told != 0 && of.told <= token.at);
  };
  for (std::uint64_t seq = messages.size(); seq > 0; --seq) {
    const Truth::Message& message = messages[seq - 1];
    if (message.position > token.checkpoint.position_of(message.origin).value_or(0)) continue;
    const auto begin = from.find(message.origin);
    if (begin != from.end() && message.position <= begin->second) return;
    // Of LATEST a newer one is as good, also one that the token does not cover: who resumes from it gets that.
    bool known = latest() && seq < messages.size() && messages[seq].time_us <= token.time_us;
    for (std::uint64_t other = seq; other <= (latest() ? end : std::min(seq, end)) && !known; ++other) {
      known = known_by_then(other);
    }
    if (!known) FAIL(topic << " " << seq << " neither had come nor was told to be missing at " << token.at);
    if (latest()) return;
  }
}

// What was recovered left nothing out: one value of a topic, and there was no other.
inline void Wanderer::check_whole(const Truth& truth) const {
  for (const Opened& opened : whole_) {
    const std::vector<Truth::Message>& messages = truth.topics().at(opened.topic);
    const bool other = opened.seq > 1 && messages[opened.seq - 2].position > opened.since;
    if (other) FAIL(opened.topic << " " << opened.seq << " is not all since " << opened.since << ", but was recovered");
  }
}

inline void Wanderer::check_tokens(const Truth& truth, const std::vector<Token>& tokens) const {
  Positions checked;
  for (const Token& token : tokens) {
    // What came before a gap was told, or before the first subscription, may be missing.
    if (!token.after_gap && &token != &tokens.front()) {
      for (const auto& [topic, messages] : truth.topics()) {
        if (topics::matches(filter_, topic)) check_token(token, checked, topic, messages);
      }
    }
    for (const OriginPosition& of : token.checkpoint.positions) {
      checked[of.origin] = std::max(checked[of.origin], of.position);
    }
  }
}

inline void Wanderer::check_tokens(const Truth& truth) const {
  check_tokens(truth, tokens_);
}

inline void Wanderer::check_end(const Truth& truth) const {
  REQUIRE(!tokens_.empty());
  REQUIRE_FALSE(after_gap_);
  Token all{.at = clock_, .time_us = INT64_MAX};
  for (std::uint32_t origin = 0; origin < topics::kShardsMax; ++origin) {
    all.checkpoint.positions.push_back({.origin = origin, .position = kPositionMax});
  }
  std::vector<Token> tokens = tokens_;
  tokens.push_back(all);
  check_tokens(truth, tokens);
  check_whole(truth);
}

}  // namespace ringcast::broker::test
