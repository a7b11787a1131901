// ProducerId: the name by which the broker knows a producer again on its next connection, and by which it alone can.
//
// 32 hexadecimal digits: a number, and a keyed hash of it and of whose it is under the process's key. So no client can
// claim a producer that was not given to it, nor one of another start of the broker, and nobody keeps a list. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "topics/hash.h"

namespace ringcast::broker {

// The number of the `count`th new producer of this shard: not to be guessed, as good as never given twice.
[[nodiscard]] std::uint64_t new_producer(topics::HashKey key, std::uint32_t shard, std::uint64_t count);

// What clients know the producer by: its number and a hash of it that nobody else can make, in hexadecimal.
[[nodiscard]] std::string producer_text(topics::HashKey key, std::string_view subject, std::uint64_t producer);

// The producer that `text` names; nothing if this process did not make it for this subject.
[[nodiscard]] std::optional<std::uint64_t> read_producer(topics::HashKey key, std::string_view subject,
                                                         std::string_view text);

// 16 hexadecimal digits, lower case.
[[nodiscard]] std::string hexadecimal(std::uint64_t value);

}  // namespace ringcast::broker
