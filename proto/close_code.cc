#include "proto/close_code.h"

#include <algorithm>
#include <array>

namespace ringcast::proto {

namespace {

using enum CloseCode;

constexpr std::array kCloseCodes{
    CloseCodeEntry{normal, "normal", "The peer asked for the end, or everything asked for was done", Remedy::nothing},
    CloseCodeEntry{going_away, "going_away", "The peer goes away: a page is left, a client program ends",
                   Remedy::reconnect},
    CloseCodeEntry{protocol_error, "protocol_error", "The bytes received break the WebSocket protocol",
                   Remedy::give_up},
    CloseCodeEntry{unsupported_data, "unsupported_data",
                   "This kind of message is not taken here, as binary is not in JSON mode", Remedy::give_up},
    CloseCodeEntry{invalid_payload, "invalid_payload",
                   "A text message or close reason is not UTF-8, or compressed data are broken", Remedy::give_up},
    CloseCodeEntry{policy_violation, "policy_violation", "The message is not allowed here; the reason says why",
                   Remedy::give_up},
    CloseCodeEntry{message_too_big, "message_too_big", "The message is larger than the broker takes", Remedy::give_up},
    CloseCodeEntry{internal_error, "internal_error", "The broker met a condition that it cannot handle",
                   Remedy::back_off},
    CloseCodeEntry{restart, "restart", "The broker restarts or is drained", Remedy::reconnect},
    CloseCodeEntry{try_later, "try_later", "The broker is overloaded or one of its limits is reached",
                   Remedy::back_off},
    CloseCodeEntry{slow_consumer, "slow_consumer",
                   "The client did not read fast enough: too much waited for it, or for too long", Remedy::reconnect},
    CloseCodeEntry{token_expired, "token_expired", "The token has expired or was revoked", Remedy::new_token},
    CloseCodeEntry{token_refused, "token_refused", "The token is missing or not valid", Remedy::give_up},
    CloseCodeEntry{forbidden, "forbidden", "The token does not allow this any more", Remedy::give_up},
    CloseCodeEntry{fenced, "fenced", "A newer connection uses the same producer id", Remedy::give_up},
};

static_assert(std::ranges::is_sorted(kCloseCodes, {}, &CloseCodeEntry::code));

}  // namespace

std::span<const CloseCodeEntry> close_codes() noexcept {
  return kCloseCodes;
}

const CloseCodeEntry* find_close_code(std::uint16_t code) noexcept {
  const auto found = std::ranges::lower_bound(kCloseCodes, CloseCode{code}, {}, &CloseCodeEntry::code);
  return found != kCloseCodes.end() && found->code == CloseCode{code} ? &*found : nullptr;
}

}  // namespace ringcast::proto
