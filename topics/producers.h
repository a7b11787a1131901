// Producers: what a home remembers of each producer that numbers its publishes, so that a repeat is not published
// twice.
//
// Per producer: the highest seq and which of the kWindow up to it came. A producer's numbers are spread over all homes,
// so a home sees holes. It has one *incarnation* per connection, rising: those of older ones are fenced off.
// Memory:    192 bytes a producer and at most 22 in the table; kept idle_max_ms after the last use, at least. Beyond
//            producers_max a new one takes the place of one past its time, or is refused.
// Hot path:  check() and record() run once per numbered publish: one look-up each, no allocation for a known producer.
// Thread:    its shard's. No clock: the time comes with each call, in ms, never decreasing.
#pragma once

#include <array>
#include <cstdint>

#include "topics/index_table.h"
#include "topics/message.h"
#include "topics/slab.h"

namespace ringcast::topics {

// One publish in a producer's own numbering.
struct ProducerSeq {
  std::uint64_t id = 0;           // the producer's; given by the server, so nobody can choose ids that collide
  std::uint64_t incarnation = 0;  // of the connection that it publishes by
  std::uint64_t seq = 0;          // 1 or more
};

class Producers {
 public:
  static constexpr std::uint64_t kWindow = 1'024;       // numbers: the highest and those below it; a power of two
  static constexpr std::int64_t kUsedWithinMs = 1'000;  // last use is remembered to the second: publishes of one second
                                                        // do not each move the producer in the order of use

  struct Options {
    std::uint32_t producers_max = 100'000;
    std::int64_t idle_max_ms = 600'000;  // a producer that was away longer than this is reconnecting no more
  };

  enum class Verdict : std::uint8_t {
    fresh,
    duplicate,  // was recorded
    too_old,    // kWindow or more below the highest: not known
    fenced,     // a newer incarnation is known
    too_many,   // a new producer beyond producers_max
  };

  enum class Claim : std::uint8_t {
    claimed,
    fenced,    // a newer incarnation is known, or this one by another connection
    too_many,  // a new producer beyond producers_max
  };
  struct Claimed {
    Claim claim = Claim::claimed;
    Publisher previous;  // claimed: whom to tell that it is fenced; the default if there is nobody
  };

  explicit Producers(const Options& options) : options_(options) {}

  // How many are remembered from now on. Those that are too many stay until they are past their time.
  void set_producers_max(std::uint32_t producers_max) noexcept;

  // What a publish with this number is. Changes nothing, so that the caller can first see to room for it.
  [[nodiscard]] Verdict check(const ProducerSeq& publish, std::int64_t now_ms) const noexcept;

  // Remembers the publish, by `holder`, as sequenced. Older incarnations are fenced from now on.
  // Requires: check() of the same said fresh or duplicate, and nothing was recorded or claimed since.
  void record(const ProducerSeq& publish, const Publisher& holder, std::int64_t now_ms);

  // What claim() would say. Changes nothing.
  [[nodiscard]] Claimed check_claim(std::uint64_t id, std::uint64_t incarnation, const Publisher& holder,
                                    std::int64_t now_ms) const noexcept;

  // Makes `holder` the one that publishes as producer `id`: older incarnations are fenced from now on.
  Claimed claim(std::uint64_t id, std::uint64_t incarnation, const Publisher& holder, std::int64_t now_ms);

  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kNone = IndexTable::kNone;
  static constexpr std::size_t kWordBits = 64;

  struct alignas(64) Record {  // a publish touches the first line and one word of the window
    std::uint64_t id = 0;
    std::uint64_t incarnation = 0;
    std::uint64_t highest = 0;    // 0: nothing was recorded
    std::int64_t used_ms = 0;     // to kUsedWithinMs
    Publisher holder;             // of `incarnation`
    std::uint32_t older = kNone;  // in the order of use
    std::uint32_t newer = kNone;
    std::array<std::uint64_t, kWindow / kWordBits> seen{};  // bit seq % kWindow, for highest - kWindow < seq <= highest
  };
  static_assert(sizeof(Record) == 192);

  static void clear_skipped(Record& record, std::uint64_t seq) noexcept;
  [[nodiscard]] std::uint32_t find(std::uint64_t id) const noexcept;
  [[nodiscard]] bool past_its_time(const Record& record, std::int64_t now_ms) const noexcept;
  [[nodiscard]] bool has_place(std::int64_t now_ms) const noexcept;
  // The record of this producer, made if it is new, as used now.
  [[nodiscard]] Record& use(std::uint64_t id, std::int64_t now_ms);
  [[nodiscard]] std::uint32_t make_slow(std::uint64_t id, std::int64_t now_ms);
  void forget_oldest();
  void link_newest(std::uint32_t index) noexcept;
  void unlink(std::uint32_t index) noexcept;

  Options options_;
  std::size_t size_max_ = options_.producers_max;  // what there may be: more than that after it was lowered
  Slab<Record> records_;
  IndexTable by_id_;
  std::uint32_t oldest_ = kNone;  // ends of the order of use
  std::uint32_t newest_ = kNone;
};

}  // namespace ringcast::topics
