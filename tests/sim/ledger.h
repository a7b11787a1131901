// Ledger: what the homes sequenced, written down as it happens: the truth that all clients are judged by.
//
// It sees each message as Home::sequence() returns: the simulator is linked with --wrap on that one function, so that
// the broker knows nothing of it and histories may be short. What breaks the order itself is kept in fault().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "broker/instant.h"
#include "proto/request.h"
#include "tests/sim/payload.h"
#include "topics/hash.h"
#include "topics/message.h"

namespace ringcast::sim {

// Headers of simulated messages: the key of one that has no payload, and the connection that published, where the key
// does not say it.
inline constexpr std::string_view kKeyHeader = "key";
inline constexpr std::string_view kByHeader = "by";

class Ledger {
 public:
  struct Change {
    std::uint64_t seq = 0;
    std::uint64_t position = 0;
    std::uint64_t time_us = 0;
    proto::Op op = proto::Op::set;
    proto::Format format = proto::Format::binary;
    std::string content_type;
    std::string headers;  // encoded
    std::string payload;
    std::optional<Key> key;         // a DELETE has none
    std::uint32_t by = UINT32_MAX;  // whose connection published it, if the message says so
    std::size_t kept = 0;           // changes of the topic that are kept, up to this one
    std::size_t bytes = 0;          // of the whole message, as histories count
    bool expiry = false;            // the broker's own removal of a value past its time
    std::int64_t at_ms = 0;         // of the monotonic clock
    bool hole = false;              // no message: the topic was forgotten, and began again at a higher seq

    [[nodiscard]] bool is_kept() const noexcept { return op != proto::Op::event && !hole; }
  };
  struct Topic {
    std::string name;
    std::uint32_t origin = 0;
    std::vector<Change> changes;    // by seq, from 1
    std::vector<std::size_t> kept;  // indexes of those that history keeps
    std::size_t forgotten = 0;      // of those, how many the topic had before it was forgotten

    [[nodiscard]] const Change& kept_change(std::size_t index) const { return changes[kept[index]]; }
    // The kept change after, or null.
    [[nodiscard]] const Change* kept_after(const Change& change) const {
      return change.kept < kept.size() ? &kept_change(change.kept) : nullptr;
    }
  };
  struct Place {
    std::size_t topic = 0;
    std::size_t change = 0;
  };

  struct Options {
    topics::HashKey key;
    std::uint32_t shards = 1;
    std::int64_t forget_after_ms = 0;  // a topic without a value
    bool may_refuse = false;           // limits refuse messages, and take others that come behind them
  };
  Ledger(const std::vector<std::string>& topics, const Options& options, const Now& now);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // The one that messages are written into, of the simulation that runs.
  [[nodiscard]] static Ledger* current() noexcept;
  void write(const topics::Message& message);

  [[nodiscard]] const std::vector<Topic>& topics() const noexcept { return topics_; }
  [[nodiscard]] const Topic* find(std::string_view name) const;
  [[nodiscard]] std::size_t index_of(const Topic& topic) const {
    return static_cast<std::size_t>(&topic - topics_.data());
  }
  // Where the message of this key is; nothing if it was not sequenced.
  [[nodiscard]] std::optional<Place> find(Key key) const;
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }  // empty: none

 private:
  void blame(std::string what);
  void begin_anew(Topic& topic, std::uint64_t seq);
  void check(Topic& topic, const topics::Message& message);
  void check_key(std::size_t topic, const Change& change);

  const Options options_;
  const Now& now_;
  std::vector<Topic> topics_;
  std::vector<std::uint64_t> positions_;  // by origin
  std::vector<std::int64_t> times_us_;
  std::map<Key, Place> places_;
  // By client, connection (or any) and topic.
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::size_t>, std::uint32_t> last_numbers_;
  std::string fault_;
};

}  // namespace ringcast::sim
