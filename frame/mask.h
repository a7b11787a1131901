// Mask: the exclusive-or that a client puts on its payload and a server takes off again (RFC 6455 §5.3).
//
// Hot path: mask() touches every byte that a client publishes. A bench of the same name compares it with the naive
// loop.
#pragma once

#include <cstddef>

#include "frame/bytes.h"
#include "frame/header.h"

namespace ringcast::frame {

// Masks or unmasks `bytes` in place, at any alignment. `phase` is how many bytes of the payload went before.
void mask(MutableBytes bytes, MaskKey key, std::size_t phase = 0) noexcept;

}  // namespace ringcast::frame
