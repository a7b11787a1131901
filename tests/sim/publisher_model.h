// PublisherModel: what one connection of the full protocol published, and what it may be told of that
// (proto/PROTOCOL.md, "Publishing"): each answered once, acks true, credit neither given twice nor lost.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/event.h"
#include "tests/sim/client.h"
#include "tests/sim/ledger.h"

namespace ringcast::sim {

// A message as it is published, at first and again.
struct Outgoing {
  Key key;
  std::string topic;
  proto::Op op = proto::Op::set;
  proto::Format format = proto::Format::binary;
  std::string content_type;
  std::string payload;
  std::uint64_t producer_seq = 0;
};

class PublisherModel {
 public:
  PublisherModel(const Ledger& ledger, std::uint32_t client) : ledger_(ledger), client_(client) {}

  void granted(bool cumulative_acks) noexcept { cumulative_acks_ = cumulative_acks; }

  // What the client wrote; `id` 0: not to be answered.
  void sent(std::uint64_t id, const Outgoing& message, const std::string& headers);
  // A publish that is refused at sight was written, and was refused.
  void sent_bad(std::size_t bytes) noexcept;
  void refused_bad(std::size_t bytes) noexcept;

  // What it read. Each throws Failure if that may not come. The messages that are answered by it.
  [[nodiscard]] std::vector<Outgoing> ack(const proto::Ack& ack);
  [[nodiscard]] std::optional<Outgoing> refused(std::uint64_t id);
  void credit(const proto::Credit& credit);

  // Nothing more is under way, and the client has read all.
  void check_rest() const;

  [[nodiscard]] bool waits_for(std::uint64_t id) const { return waiting_.contains(id); }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  // As much as the credit allows is published.
  [[nodiscard]] bool exhausted() const noexcept;

 private:
  // The broker's limits, as PROTOCOL.md has them.
  static constexpr std::uint64_t kWindowMessages = 1024;
  static constexpr std::uint64_t kWindowBytes = 4 * 1024 * 1024;

  struct Sent {
    Outgoing message;
    std::string headers;
  };
  struct Count {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;

    void add(std::size_t size) noexcept {
      ++messages;
      bytes += size;
    }
  };

  void check_taken(const Outgoing& message) const;
  void check_ack(const proto::Ack& ack, const Sent& sent) const;
  [[nodiscard]] std::string where(std::uint64_t id) const;

  const Ledger& ledger_;
  const std::uint32_t client_;
  bool cumulative_acks_ = false;
  std::map<std::uint64_t, Sent> waiting_;  // by id
  std::uint64_t last_id_ = 0;
  std::uint64_t acked_up_to_ = 0;
  std::optional<proto::Credit> credit_;
  Count sent_;
  Count answered_;  // or with id 0, of which nobody is told
};

}  // namespace ringcast::sim
