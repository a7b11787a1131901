// Handshake: how an HTTP/1.1 connection becomes a WebSocket, for both sides (RFC 6455 §4).
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frame/http_error.h"
#include "frame/http_fields.h"
#include "frame/http_request.h"
#include "frame/response_parser.h"

namespace ringcast::frame {

inline constexpr std::size_t kNonceSize = 16;   // bytes of a Sec-WebSocket-Key, before base64
inline constexpr std::size_t kKeySize = 24;     // characters of its base64
inline constexpr std::size_t kAcceptSize = 28;  // characters of the base64 of a SHA-1

using Nonce = std::array<std::uint8_t, kNonceSize>;
using AcceptKey = std::array<char, kAcceptSize>;

// ---- the server's side (§4.2) ----

// What a client asked for. Views are into the request.
struct Upgrade {
  std::string_view key;
  std::vector<std::string_view> protocols;  // subprotocols in the client's order of preference; each once
  std::string extensions;                   // all Sec-WebSocket-Extensions joined by ", "; parse_extensions() takes it
};

// True if the request means to become a WebSocket, well or badly: `Upgrade` names it.
[[nodiscard]] bool wants_websocket(const Request& request);

// Checks everything that §4.2.1 requires of the opening handshake. Origin is left to the caller.
[[nodiscard]] std::expected<Upgrade, HttpError> check_upgrade(const Request& request);

// Base64 of the SHA-1 of `key` and the GUID (§4.2.2 (5)). Requires a key that check_upgrade() accepted.
[[nodiscard]] AcceptKey accept_key(std::string_view key);

struct Acceptance {
  std::string_view protocol;    // one that was offered; empty: none, the field is left out
  std::string_view extensions;  // empty: none
};

// The 101 response that ends the handshake.
[[nodiscard]] std::string upgrade_response(const Upgrade& upgrade, Acceptance acceptance);

// ---- the client's side (§4.1) ----

struct UpgradeRequest {
  std::string_view host;    // host [":" port]
  std::string_view target;  // path and query, encoded
  Nonce nonce;              // 16 random bytes, new for each connection
  std::span<const std::string_view> protocols;
  std::string_view extensions;    // empty: none offered
  std::span<const Field> fields;  // e.g. Origin, Authorization
};

// The request that opens the handshake. Requires is_authority(host) and tokens as protocols.
[[nodiscard]] std::string upgrade_request(const UpgradeRequest& request);

// Why a server's answer does not open the WebSocket (§4.1, "once the client's opening handshake has been sent").
enum class UpgradeRefusal : std::uint8_t {
  status,      // not 101: response.status and its body say why
  upgrade,     // Upgrade is not `websocket`
  connection,  // Connection lacks `upgrade`
  accept,      // Sec-WebSocket-Accept is missing or does not belong to our key
  protocol,    // a subprotocol that was not offered
  extensions,  // extensions though none was offered
};
[[nodiscard]] std::string_view text(UpgradeRefusal refusal) noexcept;

// Checks the server's answer to `request`; gives back what it granted, views into the response.
[[nodiscard]] std::expected<Acceptance, UpgradeRefusal> check_upgrade_response(const Response& response,
                                                                               const UpgradeRequest& request);

}  // namespace ringcast::frame
