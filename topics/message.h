// Message: one published message in one piece of memory: this header, then topic, content type, headers, payload.
//
// Owner:   exactly one shard at a time, by its MessagePool. The publisher's shard makes it; the topic's home shard
//          copies (small) or takes over (large) it when it drains the request, and from then on counts its
//          references.
// Thread:  written by its owner only. Other shards read it while they drain the delivery that names it, never later.
// Layout:  Message | topic | content_type | headers | payload, back to back, not terminated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringcast::topics {

using Bytes = std::span<const std::uint8_t>;

enum class Op : std::uint8_t {
  set,     // the topic has this value now
  remove,  // the topic has no value any more
  event,   // passes by: neither the last value nor in the history
};

// What the payload is; decided where the message enters, never guessed later.
enum class Format : std::uint8_t { binary, text, json };

// The connection that published: what `echo=0` compares and where an ack goes.
struct Publisher {
  std::uint32_t shard = 0;
  std::uint32_t slot = 0xffff'ffff;
  std::uint32_t generation = 0;

  friend bool operator==(const Publisher&, const Publisher&) = default;
};

struct Message {
  std::uint64_t seq = 0;         // per topic, 1, 2, 3 … without holes; 0: not sequenced yet
  std::uint64_t position = 0;    // per home shard, over all its topics
  std::int64_t time_us = 0;      // UTC, given by the home, never decreasing per home
  std::uint64_t topic_hash = 0;  // hash_name of the topic: computed once, where the message enters
  Publisher publisher;
  std::uint32_t references = 0;    // the owner's count: its caller, history, delivery rings that hold it
  std::uint32_t payload_size = 0;  // bytes
  std::uint16_t topic_size = 0;
  std::uint16_t content_type_size = 0;
  std::uint16_t headers_size = 0;
  std::uint16_t origin = 0;     // the home shard
  std::uint8_t size_class = 0;  // MessagePool's
  Op op = Op::set;
  Format format = Format::binary;

  [[nodiscard]] std::string_view topic() const noexcept { return {chars(), topic_size}; }
  [[nodiscard]] std::string_view content_type() const noexcept { return {chars() + topic_size, content_type_size}; }
  [[nodiscard]] std::string_view headers() const noexcept {
    return {chars() + topic_size + content_type_size, headers_size};
  }
  [[nodiscard]] Bytes payload() const noexcept {
    return {reinterpret_cast<const std::uint8_t*>(chars()) + topic_size + content_type_size + headers_size,
            payload_size};
  }

  // Bytes of the header and all that follows it.
  [[nodiscard]] std::size_t total_size() const noexcept {
    return sizeof(Message) + topic_size + content_type_size + headers_size + payload_size;
  }

 private:
  [[nodiscard]] const char* chars() const noexcept { return reinterpret_cast<const char*>(this + 1); }
};

static_assert(sizeof(Message) == 64);  // one cache line: what routing reads costs one miss

}  // namespace ringcast::topics
