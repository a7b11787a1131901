// Resumed: what became of a subscriber's wish to go on from where it was. The worse the greater: of several parts the
// worst counts.
#pragma once

#include <cstdint>

namespace ringcast::topics {

enum class Resumed : std::uint8_t {
  recovered,  // every message since was said
  conflated,  // of every changed topic the newest message was said, or comes live; some between were not
  gap,        // something may be missing that nobody can tell
};

}  // namespace ringcast::topics
