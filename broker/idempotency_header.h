// The field Idempotency-Key of POST and DELETE: what a client gives with a publish so that it may safely send it again
// (draft-ietf-httpapi-idempotency-key-header).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "broker/topic_request.h"
#include "topics/hash.h"
#include "topics/idempotency_keys.h"

namespace ringcast::broker {

inline constexpr std::size_t kIdempotencyKeyBytesMax = 255;  // a UUID is 36; it is hashed, so this bounds only the work

// The key in the field's value: visible ASCII, 1 to kIdempotencyKeyBytesMax bytes, bare or as a string in quotes
// (RFC 8941 §3.3.3); both ways it is the same key.
[[nodiscard]] std::expected<std::string, HttpRefusal> read_idempotency_key(std::string_view value);

// Whose and what for a key is: the same key of someone else, or for another topic, is another one.
struct KeyScope {
  std::string_view method;
  std::string_view topic;
  std::string_view subject;
};

// The key as a home knows it, still without the body's hash. `key` is the process's.
[[nodiscard]] topics::KeyedBody hash_idempotency_key(topics::HashKey key, const KeyScope& scope,
                                                     std::string_view idempotency_key);

// The hash of a body and its content type.
[[nodiscard]] std::uint64_t hash_body(topics::HashKey key, std::string_view content_type,
                                      std::string_view body) noexcept;

}  // namespace ringcast::broker
