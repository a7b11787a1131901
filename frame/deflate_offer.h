// DeflateOffer: how both sides come to use permessage-deflate, and what binds their compressors (RFC 7692 §5, §7.1).
//
// Called by: the broker's handshake (accept_deflate) and the client's (deflate_offer, check_deflate_answer).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "frame/http_error.h"

namespace ringcast::frame {

// The logarithm of an LZ77 window's size in bytes (§7.1.2).
inline constexpr std::uint8_t kWindowBitsMin = 8;
inline constexpr std::uint8_t kWindowBitsMax = 15;
// What zlib can compress with: asked for a raw stream with 8 it refuses (before 1.2.9 it silently took 9, which a peer
// with a window of 256 bytes cannot read). Inflating has no such limit: a larger window reads what a smaller one wrote.
inline constexpr std::uint8_t kDeflateWindowBitsMin = 9;

// Whether a compressor may refer to its earlier messages.
enum class Context : std::uint8_t { dropped, kept };

// What both sides keep to. Either may always send a message uncompressed (§6).
struct DeflateAgreement {
  std::uint8_t server_window_bits = kWindowBitsMax;  // what the server compresses with
  std::uint8_t client_window_bits = kWindowBitsMax;  // what the client does; 8: a zlib client sends all uncompressed
  Context server_context = Context::dropped;
  Context client_context = Context::dropped;

  friend bool operator==(const DeflateAgreement&, const DeflateAgreement&) = default;
};

// ---- the server's side ----

struct DeflatePolicy {
  // Fewer bits: less memory to compress with. Said to the client only where it differs from what holds anyway.
  std::uint8_t server_window_bits_max = kWindowBitsMax;
  // Kept: a client may refer to its earlier messages, and the server holds a window of its own for each that may.
  Context client_context = Context::dropped;
  std::uint8_t client_window_bits_max = kWindowBitsMax;  // asked of clients that say that they can be asked
};

struct DeflateAcceptance {
  DeflateAgreement agreement;
  std::string response;  // the value of Sec-WebSocket-Extensions
};

// Takes the first offer of permessage-deflate in `offers`, a client's Sec-WebSocket-Extensions, that is right and that
// we can keep to; nothing if there is none: the connection opens uncompressed. The server's context is always dropped,
// because one compressed message serves all subscribers. Fails with websocket_extensions where RFC 6455 §9.1 has the
// handshake fail.
[[nodiscard]] std::expected<std::optional<DeflateAcceptance>, HttpError> accept_deflate(std::string_view offers,
                                                                                        DeflatePolicy policy);

// ---- the client's side ----

struct DeflateOffer {
  std::uint8_t server_window_bits_max = kWindowBitsMax;  // asked for if it is less
  std::uint8_t client_window_bits_max = kWindowBitsMax;  // that the server may choose fewer is always offered
  Context server_context = Context::dropped;             // dropped: the server must drop it
  Context client_context = Context::dropped;             // dropped: we will, whatever the server says
};

// The value of Sec-WebSocket-Extensions that offers this.
[[nodiscard]] std::string deflate_offer(DeflateOffer offer);

// Why the server's answer to our offer ends the connection (§5.1, §7.1).
enum class DeflateRefusal : std::uint8_t {
  malformed,  // breaks RFC 6455 §9.1
  extension,  // names another extension, or ours twice
  parameter,  // one that is unknown, twice there, has a wrong value or was not offered
  promise,    // does not grant what we asked for
};
[[nodiscard]] std::string_view text(DeflateRefusal refusal) noexcept;

// Reads the server's Sec-WebSocket-Extensions, empty when it sent none: no compression then.
[[nodiscard]] std::expected<std::optional<DeflateAgreement>, DeflateRefusal> check_deflate_answer(
    std::string_view answer, DeflateOffer offer);

}  // namespace ringcast::frame
