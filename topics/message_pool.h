// MessagePool: the memory of the messages that one shard owns.
//
// Thread:    one, its shard's.
// Small:     up to kSmallSizeMax bytes in all: blocks of a few size classes, carved from slabs, kept in free lists.
//            Slabs are freed with the pool only: a class never gives memory to another, which bounds it by its own
//            peak.
// Large:     one heap block each, which can move to another shard's pool without a copy.
// Hot path:  make(), adopt() and release() run once per message. No heap allocation once the slabs are there.
//
// The way of a message from the publisher's shard to its home:
//   publisher: m = pool.make(parts)                         references == 1
//              passing = pool.hand_over(m); push the request
//              Passing::moved:  forget m, it is the home's now
//              Passing::copied: release(m) once the home's ring head has passed the request (and not before)
//   home:      mine = pool.adopt(m)                         references == 1, mine is the home's
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "topics/message.h"

namespace ringcast::topics {

inline constexpr std::size_t kSmallSizeMax =
    4'096;  // bytes, header included: copying up to here costs less than a heap block

// What becomes of a message's block when another shard takes the message.
enum class Passing : std::uint8_t {
  copied,  // small: the taker makes a copy; the giver still owns its block and releases it later
  moved,   // large: the block changes its owner; the giver must not touch it again
};

class MessagePool {
 public:
  // What a message is made of; all of it is copied.
  struct Parts {
    std::string_view topic;  // valid
    std::uint64_t topic_hash = 0;
    std::string_view content_type;  // < 64 KiB
    std::string_view headers;       // encoded by the codec, < 64 KiB
    Bytes payload;                  // < 4 GiB
    Op op = Op::set;
    Format format = Format::binary;
    Publisher publisher;
  };

  struct Adopted {
    Message* message;  // this pool's, references == 1
    Passing passing;   // what hand_over() said on the other side
  };

  struct Counters {
    std::uint64_t live = 0;        // messages
    std::uint64_t live_bytes = 0;  // of their blocks
    std::uint64_t slab_bytes = 0;  // taken from the heap for small ones, live or free
    std::uint64_t made = 0;        // by make() and adopt()
    std::uint64_t large_made = 0;  // of these, with a heap block of their own
  };

  MessagePool();
  ~MessagePool();  // frees the slabs; large messages that live are leaked, so the owners release theirs first
  MessagePool(const MessagePool&) = delete;
  MessagePool& operator=(const MessagePool&) = delete;

  // A new message, not sequenced, with one reference, which the caller holds.
  [[nodiscard]] Message* make(const Parts& parts);

  // How `message` (references == 1) will pass to another shard. After `moved` this pool no longer counts it.
  [[nodiscard]] Passing hand_over(const Message* message) noexcept;

  // Makes a message of another shard's pool this one's: a copy if it is small, the block itself if it is large.
  [[nodiscard]] Adopted adopt(Message* theirs);

  // Adds `count` references.
  void retain(Message* message, std::uint32_t count = 1) noexcept {
    assert(message->references > 0);
    message->references += count;
  }

  // Takes one reference away; the last one frees the message.
  void release(Message* message) noexcept {
    assert(message->references > 0);
    if (--message->references == 0) free(message);
  }

  [[nodiscard]] std::uint64_t live() const noexcept { return counters_.live; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  void check_invariants() const;

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  struct SlabDeleter {
    void operator()(std::uint8_t* slab) const noexcept;
  };

  static constexpr std::size_t kSizeClasses = 11;
  static constexpr std::uint8_t kLarge = 0xff;

  [[nodiscard]] Message* take_block(std::size_t total_size);
  void refill_slow(std::uint8_t size_class);
  void free(Message* message) noexcept;

  std::array<FreeBlock*, kSizeClasses> free_{};
  std::vector<std::unique_ptr<std::uint8_t[], SlabDeleter>> slabs_;
  Counters counters_;
};

}  // namespace ringcast::topics
