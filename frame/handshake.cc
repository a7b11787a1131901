#include "frame/handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

#include "frame/extension_list.h"
#include "frame/http_response.h"
#include "frame/url.h"

namespace ringcast::frame {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // §1.3
constexpr std::string_view kVersion = "13";                                 // §4.1 (9)

// The base64 of `in`: 4 characters for each 3 bytes begun.
template <std::size_t in_size>
auto base64(const std::array<std::uint8_t, in_size>& in) {
  constexpr std::size_t kSize = (in_size + 2) / 3 * 4;
  std::array<unsigned char, kSize + 1> out{};  // OpenSSL adds a NUL
  EVP_EncodeBlock(out.data(), in.data(), static_cast<int>(in_size));
  std::array<char, kSize> characters{};
  std::copy_n(out.begin(), kSize, characters.begin());
  return characters;
}

template <std::size_t size>
std::string_view view(const std::array<char, size>& characters) noexcept {
  return {characters.data(), size};
}

constexpr bool is_base64_char(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

// Exactly 16 bytes in base64, the four bits left over zero (RFC 4648 §3.5).
bool is_key(std::string_view key) noexcept {
  constexpr std::size_t kDigits = kKeySize - 2;
  if (key.size() != kKeySize || !key.ends_with("==")) return false;
  if (!std::ranges::all_of(key.substr(0, kDigits), is_base64_char)) return false;
  return std::string_view("AQgw").contains(key[kDigits - 1]);
}

// The only value of a field that must stand there once; `missing` if none does, `wrong` if several do.
std::expected<std::string_view, HttpError> only(const Fields& fields, std::string_view name, HttpError missing,
                                                HttpError wrong) noexcept {
  const std::size_t count = fields.count(name);
  if (count == 0) return std::unexpected(missing);
  if (count > 1) return std::unexpected(wrong);
  return *fields.get(name);
}

// Tokens, at least one if the field is there, each once (§4.1 (10)).
std::expected<std::vector<std::string_view>, HttpError> offered_protocols(const Fields& fields) {
  auto protocols = fields.list("Sec-WebSocket-Protocol");
  const bool present = fields.count("Sec-WebSocket-Protocol") > 0;
  if (present && protocols.empty()) return std::unexpected(HttpError::websocket_protocol);
  for (auto at = protocols.begin(); at != protocols.end(); ++at) {
    if (!is_token(*at) || std::find(protocols.begin(), at, *at) != at) {
      return std::unexpected(HttpError::websocket_protocol);
    }
  }
  return protocols;
}

// All offers as one list, which keeps to the grammar (§9.1); which of them we take is for whoever has the extension.
std::expected<std::string, HttpError> offered_extensions(const Fields& fields) {
  std::string joined;
  if (fields.count("Sec-WebSocket-Extensions") == 0) return joined;
  for (const std::string_view offer : fields.list("Sec-WebSocket-Extensions")) {
    joined.append(joined.empty() ? "" : ", ").append(offer);
  }
  if (const auto parsed = parse_extensions(joined); !parsed) return std::unexpected(parsed.error());
  return joined;
}

// What makes the request an upgrade at all (§4.2.1 (1)-(4); Host was checked by the parser).
std::expected<void, HttpError> check_request(const Request& request) {
  if (request.method != "GET") return std::unexpected(HttpError::upgrade_not_get);
  if (request.version_minor < 1) return std::unexpected(HttpError::upgrade_version);
  if (!request.fields.has_token("Upgrade", "websocket")) return std::unexpected(HttpError::upgrade_missing);
  if (!request.fields.has_token("Connection", "Upgrade")) return std::unexpected(HttpError::upgrade_connection);
  const bool empty = request.framing == Framing{.kind = Framing::Kind::length, .length = 0};
  if (request.framing.kind != Framing::Kind::none && !empty) return std::unexpected(HttpError::upgrade_with_body);
  return {};
}

std::expected<void, HttpError> check_version(const Fields& fields) noexcept {
  const auto version =
      only(fields, "Sec-WebSocket-Version", HttpError::websocket_version_missing, HttpError::websocket_version);
  if (!version) return std::unexpected(version.error());
  if (*version != kVersion) return std::unexpected(HttpError::websocket_version);
  return {};
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  assert(is_token(name));
  assert(is_field_value(value));
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool wants_websocket(const Request& request) {
  return request.fields.has_token("Upgrade", "websocket");
}

std::expected<Upgrade, HttpError> check_upgrade(const Request& request) {
  if (const auto checked = check_request(request); !checked) return std::unexpected(checked.error());
  if (const auto checked = check_version(request.fields); !checked) return std::unexpected(checked.error());
  const auto key =
      only(request.fields, "Sec-WebSocket-Key", HttpError::websocket_key_missing, HttpError::websocket_key);
  if (!key) return std::unexpected(key.error());
  if (!is_key(*key)) return std::unexpected(HttpError::websocket_key);
  auto protocols = offered_protocols(request.fields);
  if (!protocols) return std::unexpected(protocols.error());
  auto extensions = offered_extensions(request.fields);
  if (!extensions) return std::unexpected(extensions.error());
  return Upgrade{.key = *key, .protocols = *std::move(protocols), .extensions = *std::move(extensions)};
}

AcceptKey accept_key(std::string_view key) {
  assert(key.size() == kKeySize);
  std::array<std::uint8_t, kKeySize + kGuid.size()> text{};
  std::ranges::copy(kGuid, std::ranges::copy(key, text.begin()).out);
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest{};
  SHA1(text.data(), text.size(), digest.data());
  return base64(digest);
}

std::string upgrade_response(const Upgrade& upgrade, Acceptance acceptance) {
  assert(acceptance.protocol.empty() || std::ranges::count(upgrade.protocols, acceptance.protocol) == 1);
  ResponseBuilder builder(101);
  builder.field("Upgrade", "websocket").field("Connection", "Upgrade");
  builder.field("Sec-WebSocket-Accept", view(accept_key(upgrade.key)));
  if (!acceptance.protocol.empty()) builder.field("Sec-WebSocket-Protocol", acceptance.protocol);
  if (!acceptance.extensions.empty()) builder.field("Sec-WebSocket-Extensions", acceptance.extensions);
  return builder.no_body();
}

std::string upgrade_request(const UpgradeRequest& request) {
  assert(is_authority(request.host));
  assert(request.target.starts_with('/'));
  assert(std::ranges::all_of(request.target, is_target_char));
  assert(std::ranges::all_of(request.protocols, is_token));
  std::string out = "GET ";
  out.append(request.target).append(" HTTP/1.1\r\n");
  append_field(out, "Host", request.host);
  append_field(out, "Upgrade", "websocket");
  append_field(out, "Connection", "Upgrade");
  append_field(out, "Sec-WebSocket-Key", view(base64(request.nonce)));
  append_field(out, "Sec-WebSocket-Version", kVersion);
  std::string protocols;
  for (const std::string_view protocol : request.protocols) {
    protocols.append(protocols.empty() ? "" : ", ").append(protocol);
  }
  if (!protocols.empty()) append_field(out, "Sec-WebSocket-Protocol", protocols);
  if (!request.extensions.empty()) append_field(out, "Sec-WebSocket-Extensions", request.extensions);
  for (const Field& field : request.fields) append_field(out, field.name, field.value);
  return out.append("\r\n");
}

std::string_view text(UpgradeRefusal refusal) noexcept {
  switch (refusal) {
    case UpgradeRefusal::status:
      return "the server did not answer 101";
    case UpgradeRefusal::upgrade:
      return "the server's Upgrade is not websocket";
    case UpgradeRefusal::connection:
      return "the server's Connection does not name Upgrade";
    case UpgradeRefusal::accept:
      return "the server's Sec-WebSocket-Accept does not belong to our key";
    case UpgradeRefusal::protocol:
      return "the server chose a subprotocol that was not offered";
    case UpgradeRefusal::extensions:
      return "the server chose an extension that was not offered";
  }
  std::unreachable();
}

std::expected<Acceptance, UpgradeRefusal> check_upgrade_response(const Response& response,
                                                                 const UpgradeRequest& request) {
  const Fields& fields = response.fields;
  if (response.status != 101) return std::unexpected(UpgradeRefusal::status);
  if (fields.count("Upgrade") != 1 || !equals_ignoring_case(*fields.get("Upgrade"), "websocket")) {
    return std::unexpected(UpgradeRefusal::upgrade);
  }
  if (!fields.has_token("Connection", "Upgrade")) return std::unexpected(UpgradeRefusal::connection);
  const AcceptKey expected = accept_key(view(base64(request.nonce)));
  if (fields.count("Sec-WebSocket-Accept") != 1 || *fields.get("Sec-WebSocket-Accept") != view(expected)) {
    return std::unexpected(UpgradeRefusal::accept);
  }

  const std::string_view protocol = fields.get("Sec-WebSocket-Protocol").value_or("");
  const bool named = fields.count("Sec-WebSocket-Protocol") > 0;
  if (fields.count("Sec-WebSocket-Protocol") > 1 || (named && std::ranges::count(request.protocols, protocol) != 1)) {
    return std::unexpected(UpgradeRefusal::protocol);
  }
  const std::string_view extensions = fields.get("Sec-WebSocket-Extensions").value_or("");
  if (fields.count("Sec-WebSocket-Extensions") > 1 || (!extensions.empty() && request.extensions.empty())) {
    return std::unexpected(UpgradeRefusal::extensions);
  }
  return Acceptance{.protocol = protocol, .extensions = extensions};
}

}  // namespace ringcast::frame
