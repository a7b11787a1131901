#include "frame/deflate_offer.h"

#include "frame/extension_list.h"
#include "frame/http_fields.h"
#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

namespace {

using namespace frame;

void check_agreement(const DeflateAgreement& agreement) {
  for (const std::uint8_t bits : {agreement.server_window_bits, agreement.client_window_bits}) {
    require(bits >= kWindowBitsMin);
    require(bits <= kWindowBitsMax);
  }
}

}  // namespace

void check_deflate_offer(Bytes input) {
  const std::uint8_t choice = take_byte(input);
  const auto bits = static_cast<std::uint8_t>(kDeflateWindowBitsMin + choice % 7);
  const Context context = choice / 7 % 2 == 0 ? Context::dropped : Context::kept;
  const std::string_view text = as_text(input);

  const auto parsed = parse_extensions(text);
  const auto accepted = accept_deflate(text, {.server_window_bits_max = bits, .client_context = context});
  require(parsed.has_value() == accepted.has_value() || text.empty());
  if (accepted && *accepted) {
    const DeflateAcceptance& acceptance = **accepted;
    check_agreement(acceptance.agreement);
    require(is_field_value(acceptance.response));
    require(acceptance.agreement.server_context == Context::dropped);
    require(acceptance.agreement.server_window_bits <= bits);
    require(acceptance.agreement.server_window_bits >= kDeflateWindowBitsMin);
    // What the client may have asked in vain is not there to see; one that asked for nothing takes any answer.
    const auto taken =
        check_deflate_answer(acceptance.response, {.server_context = Context::kept, .client_context = Context::kept});
    require(taken && *taken);
    require((*taken)->server_window_bits == acceptance.agreement.server_window_bits);
    require((*taken)->client_context == acceptance.agreement.client_context);
  }
  const auto answered = check_deflate_answer(text, {.server_window_bits_max = bits, .server_context = context});
  if (!answered || !*answered) return;
  check_agreement(**answered);
  require((*answered)->server_window_bits <= bits);
}

}  // namespace ringcast::fuzz
