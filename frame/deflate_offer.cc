#include "frame/deflate_offer.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "frame/extension_list.h"

namespace ringcast::frame {

namespace {

constexpr std::string_view kName = "permessage-deflate";

// The parameters of one offer or answer, each at most once. Inner nothing: named without a value.
struct Parameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<std::uint8_t> server_max_window_bits;
  std::optional<std::optional<std::uint8_t>> client_max_window_bits;
};

// 8 to 15, in decimal without leading zeros (§7.1.2).
std::optional<std::uint8_t> window_bits(std::string_view value) noexcept {
  if (value == "8" || value == "9") return static_cast<std::uint8_t>(value[0] - '0');
  if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5') {
    return static_cast<std::uint8_t>(10 + (value[1] - '0'));
  }
  return std::nullopt;
}

// Adds one parameter; false if it is unknown, repeated or has a value that it may not have.
bool add(Parameters& parameters, const ExtensionParameter& parameter) noexcept {
  const auto flag = [&](bool& seen) { return !parameter.value && !std::exchange(seen, true); };
  if (parameter.name == "server_no_context_takeover") return flag(parameters.server_no_context_takeover);
  if (parameter.name == "client_no_context_takeover") return flag(parameters.client_no_context_takeover);
  const auto bits = parameter.value ? window_bits(*parameter.value) : std::nullopt;
  if (parameter.value && !bits) return false;
  if (parameter.name == "server_max_window_bits") {
    if (!bits || parameters.server_max_window_bits) return false;
    parameters.server_max_window_bits = bits;
    return true;
  }
  if (parameter.name == "client_max_window_bits") {
    if (parameters.client_max_window_bits) return false;
    parameters.client_max_window_bits.emplace(bits);
    return true;
  }
  return false;
}

std::optional<Parameters> read(const Extension& extension) noexcept {
  Parameters parameters;
  for (const ExtensionParameter& parameter : extension.parameters) {
    if (!add(parameters, parameter)) return std::nullopt;
  }
  return parameters;
}

void append_bits(std::string& out, std::string_view name, std::uint8_t bits) {
  out.append("; ").append(name).append("=").append(std::to_string(bits));
}

// What the server makes of an offer that is right; nothing if it cannot keep to it.
std::optional<DeflateAcceptance> accept(const Parameters& offer, DeflatePolicy policy) {
  DeflateAcceptance accepted{.agreement = {}, .response = std::string(kName).append("; server_no_context_takeover")};
  DeflateAgreement& agreement = accepted.agreement;
  const bool keeps = policy.client_context == Context::kept && !offer.client_no_context_takeover;
  agreement.client_context = keeps ? Context::kept : Context::dropped;
  if (!keeps) accepted.response.append("; client_no_context_takeover");

  // Who asks for 8 can be given nothing else, and zlib cannot give it (kDeflateWindowBitsMin): declined.
  agreement.server_window_bits =
      std::min(policy.server_window_bits_max, offer.server_max_window_bits.value_or(kWindowBitsMax));
  if (agreement.server_window_bits < kDeflateWindowBitsMin) return std::nullopt;
  if (offer.server_max_window_bits || agreement.server_window_bits < kWindowBitsMax) {
    append_bits(accepted.response, "server_max_window_bits", agreement.server_window_bits);
  }

  // §7.1.2.2: only a client that named the parameter can be asked; a value there is what it keeps to anyway.
  if (offer.client_max_window_bits) {
    const std::uint8_t hint = offer.client_max_window_bits->value_or(kWindowBitsMax);
    agreement.client_window_bits = std::min(policy.client_window_bits_max, hint);
    if (agreement.client_window_bits < hint) {
      append_bits(accepted.response, "client_max_window_bits", agreement.client_window_bits);
    }
  }
  return accepted;
}

}  // namespace

std::expected<std::optional<DeflateAcceptance>, HttpError> accept_deflate(std::string_view offers,
                                                                          DeflatePolicy policy) {
  assert(policy.server_window_bits_max >= kDeflateWindowBitsMin);
  assert(policy.server_window_bits_max <= kWindowBitsMax);
  assert(policy.client_window_bits_max >= kDeflateWindowBitsMin);  // 8 would forbid a zlib client to compress
  assert(policy.client_window_bits_max <= kWindowBitsMax);
  if (offers.empty()) return std::optional<DeflateAcceptance>();
  const auto extensions = parse_extensions(offers);
  if (!extensions) return std::unexpected(extensions.error());
  for (const Extension& extension : *extensions) {
    if (extension.name != kName) continue;
    const auto parameters = read(extension);
    if (!parameters) continue;  // §5: declined; the client may have offered another behind it
    if (auto accepted = accept(*parameters, policy)) return accepted;
  }
  return std::optional<DeflateAcceptance>();
}

std::string deflate_offer(DeflateOffer offer) {
  assert(offer.server_window_bits_max >= kWindowBitsMin);
  assert(offer.server_window_bits_max <= kWindowBitsMax);
  assert(offer.client_window_bits_max >= kDeflateWindowBitsMin);
  assert(offer.client_window_bits_max <= kWindowBitsMax);
  std::string out(kName);
  if (offer.server_context == Context::dropped) out.append("; server_no_context_takeover");
  if (offer.client_context == Context::dropped) out.append("; client_no_context_takeover");
  if (offer.server_window_bits_max < kWindowBitsMax) {
    append_bits(out, "server_max_window_bits", offer.server_window_bits_max);
  }
  if (offer.client_window_bits_max < kWindowBitsMax) {
    append_bits(out, "client_max_window_bits", offer.client_window_bits_max);
  } else {
    out.append("; client_max_window_bits");
  }
  return out;
}

std::string_view text(DeflateRefusal refusal) noexcept {
  switch (refusal) {
    case DeflateRefusal::malformed:
      return "the server's Sec-WebSocket-Extensions is malformed";
    case DeflateRefusal::extension:
      return "the server accepted an extension that was not offered";
    case DeflateRefusal::parameter:
      return "the server's permessage-deflate has a parameter that is wrong";
    case DeflateRefusal::promise:
      return "the server's permessage-deflate does not grant what was asked";
  }
  std::unreachable();
}

std::expected<std::optional<DeflateAgreement>, DeflateRefusal> check_deflate_answer(std::string_view answer,
                                                                                    DeflateOffer offer) {
  if (answer.empty()) return std::optional<DeflateAgreement>();
  const auto extensions = parse_extensions(answer);
  if (!extensions) return std::unexpected(DeflateRefusal::malformed);
  if (extensions->size() != 1 || extensions->front().name != kName) return std::unexpected(DeflateRefusal::extension);
  const auto parameters = read(extensions->front());
  if (!parameters) return std::unexpected(DeflateRefusal::parameter);

  // §7.1.2.2: in an answer the parameter has a value, and not more than was offered.
  const auto& client_bits = parameters->client_max_window_bits;
  if (client_bits && (!*client_bits || **client_bits > offer.client_window_bits_max)) {
    return std::unexpected(DeflateRefusal::parameter);
  }
  if (offer.server_context == Context::dropped && !parameters->server_no_context_takeover) {
    return std::unexpected(DeflateRefusal::promise);
  }
  const std::uint8_t server_bits = parameters->server_max_window_bits.value_or(kWindowBitsMax);
  if (server_bits > offer.server_window_bits_max) return std::unexpected(DeflateRefusal::promise);

  const bool keeps = offer.client_context == Context::kept && !parameters->client_no_context_takeover;
  return DeflateAgreement{.server_window_bits = server_bits,
                          .client_window_bits = client_bits ? **client_bits : offer.client_window_bits_max,
                          .server_context = parameters->server_no_context_takeover ? Context::dropped : Context::kept,
                          .client_context = keeps ? Context::kept : Context::dropped};
}

}  // namespace ringcast::frame
