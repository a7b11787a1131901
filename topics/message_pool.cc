#include "topics/message_pool.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace ringcast::topics {
namespace {

constexpr std::size_t kSlabSize = std::size_t{64} * 1'024;  // bytes: 16 to 512 blocks
constexpr std::align_val_t kBlockAlignment{64};             // a message's header is one cache line

// Bytes of a block of each class: at most a third is wasted above the smallest.
constexpr std::array<std::size_t, 11> kBlockSizes{128,   192,   256,   384,   512,          768,
                                                  1'024, 1'536, 2'048, 3'072, kSmallSizeMax};
constexpr std::size_t kBlockStep = 64;  // bytes: every block size is a multiple

// kClassOf[(size + 63) / 64]: the smallest class whose blocks hold `size` bytes.
constexpr auto kClassOf = [] {
  std::array<std::uint8_t, kSmallSizeMax / kBlockStep + 1> classes{};
  for (std::size_t i = 0; i < classes.size(); ++i) {
    std::uint8_t size_class = 0;
    while (kBlockSizes[size_class] < i * kBlockStep) ++size_class;
    classes[i] = size_class;
  }
  return classes;
}();

// Under AddressSanitizer a free block is poisoned, so that a read through a stale pointer is found as in a plain heap.
void poison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t size) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(block, size);
#endif
}

void unpoison([[maybe_unused]] void* block, [[maybe_unused]] std::size_t size) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(block, size);
#endif
}

void append(char*& to, const void* from, std::size_t size) noexcept {
  if (size > 0) std::memcpy(to, from, size);
  to += size;
}

}  // namespace

MessagePool::MessagePool() {
  static_assert(kBlockSizes.size() == kSizeClasses);
}

MessagePool::~MessagePool() = default;

void MessagePool::SlabDeleter::operator()(std::uint8_t* slab) const noexcept {
  unpoison(slab, kSlabSize);
  ::operator delete(slab, kBlockAlignment);
}

Message* MessagePool::make(const Parts& parts) {
  constexpr std::size_t kShort = std::numeric_limits<std::uint16_t>::max();
  assert(!parts.topic.empty());
  assert(parts.topic.size() <= kShort);
  assert(parts.content_type.size() <= kShort);
  assert(parts.headers.size() <= kShort);
  assert(parts.payload.size() <= std::numeric_limits<std::uint32_t>::max());
  Message* const message = take_block(sizeof(Message) + parts.topic.size() + parts.content_type.size() +
                                      parts.headers.size() + parts.payload.size());
  message->topic_hash = parts.topic_hash;
  message->publisher = parts.publisher;
  message->references = 1;
  message->payload_size = static_cast<std::uint32_t>(parts.payload.size());
  message->topic_size = static_cast<std::uint16_t>(parts.topic.size());
  message->content_type_size = static_cast<std::uint16_t>(parts.content_type.size());
  message->headers_size = static_cast<std::uint16_t>(parts.headers.size());
  message->op = parts.op;
  message->format = parts.format;
  char* to = reinterpret_cast<char*>(message + 1);
  append(to, parts.topic.data(), parts.topic.size());
  append(to, parts.content_type.data(), parts.content_type.size());
  append(to, parts.headers.data(), parts.headers.size());
  append(to, parts.payload.data(), parts.payload.size());
  return message;
}

Passing MessagePool::hand_over(const Message* message) noexcept {
  assert(message->references == 1);
  if (message->size_class != kLarge) return Passing::copied;
  --counters_.live;
  counters_.live_bytes -= message->total_size();
  return Passing::moved;
}

MessagePool::Adopted MessagePool::adopt(Message* theirs) {
  assert(theirs->references == 1);
  const std::size_t total_size = theirs->total_size();
  if (theirs->size_class == kLarge) {
    ++counters_.made;
    ++counters_.large_made;
    ++counters_.live;
    counters_.live_bytes += total_size;
    return {.message = theirs, .passing = Passing::moved};
  }
  Message* const mine = take_block(total_size);
  const std::uint8_t size_class = mine->size_class;
  std::memcpy(mine, theirs, total_size);
  assert(mine->size_class == size_class);  // a small message has the same class everywhere
  return {.message = mine, .passing = Passing::copied};
}

// A block with a fresh header of the right class.
Message* MessagePool::take_block(std::size_t total_size) {
  void* block = nullptr;
  std::uint8_t size_class = kLarge;
  if (total_size <= kSmallSizeMax) {
    size_class = kClassOf[(total_size + kBlockStep - 1) / kBlockStep];
    if (free_[size_class] == nullptr) refill_slow(size_class);
    block = free_[size_class];
    unpoison(block, kBlockSizes[size_class]);
    free_[size_class] = free_[size_class]->next;
    counters_.live_bytes += kBlockSizes[size_class];
  } else {
    block = ::operator new(total_size, kBlockAlignment);
    counters_.live_bytes += total_size;
    ++counters_.large_made;
  }
  ++counters_.made;
  ++counters_.live;
  auto* const message = ::new (block) Message;
  message->size_class = size_class;
  return message;
}

void MessagePool::refill_slow(std::uint8_t size_class) {
  const std::size_t block_size = kBlockSizes[size_class];
  auto* const slab = static_cast<std::uint8_t*>(::operator new(kSlabSize, kBlockAlignment));
  slabs_.emplace_back(slab);
  counters_.slab_bytes += kSlabSize;
  for (std::size_t count = kSlabSize / block_size; count > 0; --count) {  // lowest address first in the list
    std::uint8_t* const block = slab + (count - 1) * block_size;
    free_[size_class] = ::new (block) FreeBlock{.next = free_[size_class]};
    poison(block, block_size);
  }
}

void MessagePool::free(Message* message) noexcept {
  --counters_.live;
  const std::uint8_t size_class = message->size_class;
  if (size_class == kLarge) {
    counters_.live_bytes -= message->total_size();
    ::operator delete(message, kBlockAlignment);
    return;
  }
  counters_.live_bytes -= kBlockSizes[size_class];
  free_[size_class] = ::new (message) FreeBlock{.next = free_[size_class]};
  poison(message, kBlockSizes[size_class]);
}

void MessagePool::check_invariants() const {
  assert(counters_.slab_bytes == slabs_.size() * kSlabSize);
  assert(counters_.live <= counters_.made);
  assert(counters_.large_made <= counters_.made);
  assert(counters_.live > 0 || counters_.live_bytes == 0);
}

}  // namespace ringcast::topics
