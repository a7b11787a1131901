#include "frame/handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

namespace {

using namespace frame;

Nonce nonce_of(std::string_view key) {
  std::array<unsigned char, 18> out{};  // OpenSSL does not count the padding
  require(EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(key.data()),
                          static_cast<int>(key.size())) == 18);
  Nonce nonce{};
  std::copy_n(out.begin(), nonce.size(), nonce.begin());
  return nonce;
}

// The server takes `upgrade` and answers; the client that sent it must take the answer.
void check_answer(const Upgrade& upgrade, const UpgradeRequest& request) {
  const Acceptance given{.protocol = upgrade.protocols.empty() ? std::string_view() : upgrade.protocols.back(),
                         .extensions = upgrade.extensions};
  const std::string answer = upgrade_response(upgrade, given);
  ResponseParser parser;
  const auto step = parser.next(as_bytes(answer));
  require(step.kind == ResponseParser::Step::Kind::done);
  require(step.consumed == answer.size());
  const auto taken = check_upgrade_response(parser.response(), request);
  require(taken.has_value());
  require(taken->protocol == given.protocol);
  require(taken->extensions == given.extensions);
}

// Whatever handshake comes: taken, it is answered well.
void check_server(Bytes head) {
  RequestParser parser;
  if (parser.next(head).kind != RequestParser::Step::Kind::done) return;
  const Request& request = parser.request();
  const auto upgrade = check_upgrade(request);
  if (!upgrade) return;
  require(wants_websocket(request));
  require(request.method == "GET");
  require(upgrade->key.size() == kKeySize);
  const UpgradeRequest sent{.host = request.host,
                            .target = request.target,
                            .nonce = nonce_of(upgrade->key),
                            .protocols = upgrade->protocols,
                            .extensions = upgrade->extensions,
                            .fields = {}};
  check_answer(*upgrade, sent);
}

// Whatever our client asks, our server takes.
void check_client(Bytes input) {
  Nonce nonce{};
  for (std::uint8_t& byte : nonce) byte = take_byte(input);
  std::vector<std::string_view> protocols;
  for (std::string_view rest = as_text(input); !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    if (is_token(word) && std::ranges::count(protocols, word) == 0) protocols.push_back(word);
  }
  const UpgradeRequest request{
      .host = "h", .target = "/topics/a", .nonce = nonce, .protocols = protocols, .extensions = {}, .fields = {}};
  const std::string text = upgrade_request(request);
  RequestParser parser({.head_size_max = 1U << 24});
  require(parser.next(as_bytes(text)).kind == RequestParser::Step::Kind::done);
  const auto upgrade = check_upgrade(parser.request());
  require(upgrade.has_value());
  require(upgrade->protocols == protocols);
  require(nonce_of(upgrade->key) == nonce);
  check_answer(*upgrade, request);
}

// Any cut of a response gives the same head or the same error.
void check_response(Bytes input, Cuts cuts) {
  ResponseParser whole;
  const auto expected = whole.next(input);
  ResponseParser pieces;
  ResponseParser::Step step;
  std::size_t consumed = 0;
  while (consumed < input.size() && step.kind == ResponseParser::Step::Kind::need_more) {
    step = pieces.next(input.subspan(consumed, cuts.next(input.size() - consumed)));
    consumed += step.consumed;
  }
  require(step.kind == expected.kind);
  require(consumed == expected.consumed);
  require(step.kind != ResponseParser::Step::Kind::failed || step.error == expected.error);
  if (step.kind != ResponseParser::Step::Kind::done) return;
  require(pieces.response().status == whole.response().status);
  require(pieces.response().framing == whole.response().framing);
  require(pieces.response().fields.all().size() == whole.response().fields.all().size());
}

}  // namespace

void check_handshake(Bytes input) {
  const std::uint8_t seed = take_byte(input);
  check_server(input);
  check_client(input);
  check_response(input, Cuts(seed));
}

}  // namespace ringcast::fuzz
