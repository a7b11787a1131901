#include "frame/deflate_offer.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace ringcast::frame;

namespace {

constexpr DeflatePolicy kKeeping{.client_context = Context::kept};

// The response to `offers`; "-" if all are declined, "malformed" if the handshake fails.
std::string answer(std::string_view offers, DeflatePolicy policy = {}) {
  const auto accepted = accept_deflate(offers, policy);
  if (!accepted) return "malformed";
  return *accepted ? (*accepted)->response : "-";
}

DeflateAgreement agreed(std::string_view offers, DeflatePolicy policy = {}) {
  const auto accepted = accept_deflate(offers, policy);
  REQUIRE(accepted.has_value());
  REQUIRE(accepted->has_value());
  return (*accepted)->agreement;
}

const std::string kPlain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

}  // namespace

TEST_CASE("accept_deflate answers every right offer within what it asks (RFC 7692 §7.1)") {
  struct Row {
    std::string_view why;
    std::string_view offers;
    std::string answer;
  };
  const Row rows[] = {
      {"no parameters (§7.1)", "permessage-deflate", kPlain},
      {"what browsers offer (§7.1.2.2)", "permessage-deflate; client_max_window_bits", kPlain},
      {"§7.1.1.1 server_no_context_takeover", "permessage-deflate; server_no_context_takeover", kPlain},
      {"§7.1.1.2 client_no_context_takeover", "permessage-deflate; client_no_context_takeover", kPlain},
      {"§7.1.2.1 server_max_window_bits is granted and said", "permessage-deflate; server_max_window_bits=10",
       kPlain + "; server_max_window_bits=10"},
      {"§7.1.2.1 the smallest that zlib has", "permessage-deflate; server_max_window_bits=9",
       kPlain + "; server_max_window_bits=9"},
      {"§7.1.2.1 15 is said too", "permessage-deflate; server_max_window_bits=15",
       kPlain + "; server_max_window_bits=15"},
      {"§7.1.2.2 a client's own limit needs no answer", "permessage-deflate; client_max_window_bits=8", kPlain},
      {"§5.2 a quoted value", "permessage-deflate; server_max_window_bits=\"12\"",
       kPlain + "; server_max_window_bits=12"},
      {"all four",
       "permessage-deflate; client_max_window_bits=9; server_max_window_bits=11; "
       "client_no_context_takeover; server_no_context_takeover",
       kPlain + "; server_max_window_bits=11"},
      {"§5.1 the first right offer of several", "permessage-deflate; server_max_window_bits=10, permessage-deflate",
       kPlain + "; server_max_window_bits=10"},
      {"§5.1 behind other extensions", "x-webkit-deflate-frame, mux; max-channels=4, permessage-deflate", kPlain},
      {"§7.1 the fallback behind an offer that is declined",
       "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=12",
       kPlain + "; server_max_window_bits=12"},
      {"§7.1 the fallback behind an offer that is wrong",
       "permessage-deflate; use_some_future_parameter, "
       "permessage-deflate; client_max_window_bits",
       kPlain},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(answer(row.offers) == row.answer);
  }
}

TEST_CASE("accept_deflate declines what §7.1 has it decline, and the handshake goes on without it") {
  struct Row {
    std::string_view why;
    std::string_view offers;
  };
  const Row rows[] = {
      {"none offered", ""},
      {"§5.1 other extensions", "mux, bbf-usp-protocol"},
      {"names are compared byte by byte", "PerMessage-Deflate"},
      {"an unknown parameter", "permessage-deflate; level=9"},
      {"a parameter in capitals", "permessage-deflate; Server_No_Context_Takeover"},
      {"§7.1.1.1 twice", "permessage-deflate; server_no_context_takeover; server_no_context_takeover"},
      {"§7.1.1.1 with a value", "permessage-deflate; server_no_context_takeover=true"},
      {"§7.1.1.2 twice", "permessage-deflate; client_no_context_takeover; client_no_context_takeover"},
      {"§7.1.1.2 with a value", "permessage-deflate; client_no_context_takeover=1"},
      {"§7.1.2.1 without a value", "permessage-deflate; server_max_window_bits"},
      {"§7.1.2.1 twice", "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"},
      {"§7.1.2.1 7", "permessage-deflate; server_max_window_bits=7"},
      {"§7.1.2.1 8, which zlib cannot", "permessage-deflate; server_max_window_bits=8"},
      {"§7.1.2.1 16", "permessage-deflate; server_max_window_bits=16"},
      {"§7.1.2.1 0", "permessage-deflate; server_max_window_bits=0"},
      {"§7.1.2.1 a leading zero", "permessage-deflate; server_max_window_bits=09"},
      {"§7.1.2.1 a sign", "permessage-deflate; server_max_window_bits=+9"},
      {"§7.1.2.1 a fraction", "permessage-deflate; server_max_window_bits=9.5"},
      {"§7.1.2.1 three digits", "permessage-deflate; server_max_window_bits=100"},
      {"§7.1.2.1 a word", "permessage-deflate; server_max_window_bits=ten"},
      {"§7.1.2.2 twice", "permessage-deflate; client_max_window_bits; client_max_window_bits=10"},
      {"§7.1.2.2 7", "permessage-deflate; client_max_window_bits=7"},
      {"§7.1.2.2 16", "permessage-deflate; client_max_window_bits=16"},
      {"§7.1.2.2 a leading zero", "permessage-deflate; client_max_window_bits=08"},
      {"wrong in every offer", "permessage-deflate; x, permessage-deflate; server_max_window_bits"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(answer(row.offers) == "-");
  }
}

TEST_CASE("accept_deflate fails where the handshake must: the grammar is broken (RFC 6455 §9.1)") {
  for (const std::string_view offers : {"permessage-deflate;", ",", "permessage-deflate; a=", "a b", "a;b=\"1"}) {
    CAPTURE(offers);
    CHECK(answer(offers) == "malformed");
  }
}

TEST_CASE("the agreement is what both will keep to") {
  using A = DeflateAgreement;
  CHECK(agreed("permessage-deflate") == A{});
  CHECK(agreed("permessage-deflate; server_max_window_bits=10") == A{.server_window_bits = 10});
  CHECK(agreed("permessage-deflate; client_max_window_bits=8") == A{.client_window_bits = 8});
  CHECK(agreed("permessage-deflate; client_max_window_bits") == A{.client_window_bits = 15});
  CHECK(agreed("permessage-deflate", kKeeping) == A{.client_context = Context::kept});
  CHECK(agreed("permessage-deflate; client_no_context_takeover", kKeeping) == A{});
}

TEST_CASE("a policy that lets clients keep their context does not ask them to drop it (§7.1.1.2)") {
  CHECK(answer("permessage-deflate", kKeeping) == "permessage-deflate; server_no_context_takeover");
  CHECK(answer("permessage-deflate; client_no_context_takeover", kKeeping) == kPlain);
}

TEST_CASE("a policy of smaller windows is said to the client as far as it may be (§7.1.2)") {
  constexpr DeflatePolicy kSmall{.server_window_bits_max = 11, .client_window_bits_max = 10};
  CHECK(answer("permessage-deflate", kSmall) == kPlain + "; server_max_window_bits=11");
  CHECK(answer("permessage-deflate; server_max_window_bits=15", kSmall) == kPlain + "; server_max_window_bits=11");
  CHECK(answer("permessage-deflate; server_max_window_bits=9", kSmall) == kPlain + "; server_max_window_bits=9");
  CHECK(answer("permessage-deflate; client_max_window_bits", kSmall) ==
        kPlain + "; server_max_window_bits=11; client_max_window_bits=10");
  CHECK(answer("permessage-deflate; client_max_window_bits=9", kSmall) == kPlain + "; server_max_window_bits=11");
  CHECK(agreed("permessage-deflate", kSmall) == DeflateAgreement{.server_window_bits = 11, .client_window_bits = 15});
  CHECK(agreed("permessage-deflate; client_max_window_bits", kSmall).client_window_bits == 10);
}

TEST_CASE("the client takes every answer that its own server gives to its offer, and agrees with it") {
  for (const Context server : {Context::dropped, Context::kept}) {
    for (const Context client : {Context::dropped, Context::kept}) {
      for (std::uint8_t bits = kDeflateWindowBitsMin; bits <= kWindowBitsMax; ++bits) {
        const DeflateOffer offer{.server_window_bits_max = bits,
                                 .client_window_bits_max = static_cast<std::uint8_t>(24 - bits),
                                 .server_context = server,
                                 .client_context = client};
        for (const DeflatePolicy& policy : {DeflatePolicy{}, kKeeping, DeflatePolicy{12, Context::kept, 11}}) {
          CAPTURE(deflate_offer(offer));
          const auto accepted = accept_deflate(deflate_offer(offer), policy);
          REQUIRE(accepted.value().has_value());
          const auto taken = check_deflate_answer((*accepted)->response, offer);
          REQUIRE(taken.has_value());
          CHECK(*taken == (*accepted)->agreement);
        }
      }
    }
  }
}

TEST_CASE("the client's offer says what it asks for (§7.1)") {
  CHECK(deflate_offer({}) ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits");
  CHECK(deflate_offer({.server_window_bits_max = 9,
                       .client_window_bits_max = 10,
                       .server_context = Context::kept,
                       .client_context = Context::kept}) ==
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10");
}

TEST_CASE("the client refuses an answer that breaks its offer or the rules (§5.1, §7.1)") {
  struct Row {
    std::string_view why;
    std::string_view answer;
    DeflateRefusal refusal;
  };
  constexpr DeflateOffer kOffer{.server_window_bits_max = 12, .client_window_bits_max = 11};
  const Row rows[] = {
      {"malformed", "permessage-deflate;", DeflateRefusal::malformed},
      {"another extension", "mux", DeflateRefusal::extension},
      {"ours and another", "permessage-deflate; server_no_context_takeover; server_max_window_bits=12, mux",
       DeflateRefusal::extension},
      {"ours twice", "permessage-deflate, permessage-deflate", DeflateRefusal::extension},
      {"an unknown parameter", "permessage-deflate; x", DeflateRefusal::parameter},
      {"a parameter twice", "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
       DeflateRefusal::parameter},
      {"client_max_window_bits without a value",
       "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits",
       DeflateRefusal::parameter},
      {"client_max_window_bits above ours",
       "permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=12",
       DeflateRefusal::parameter},
      {"server_max_window_bits without a value", "permessage-deflate; server_max_window_bits",
       DeflateRefusal::parameter},
      {"server_no_context_takeover not granted", "permessage-deflate; server_max_window_bits=12",
       DeflateRefusal::promise},
      {"server_max_window_bits not granted", "permessage-deflate; server_no_context_takeover", DeflateRefusal::promise},
      {"server_max_window_bits above ours", "permessage-deflate; server_no_context_takeover; server_max_window_bits=13",
       DeflateRefusal::promise},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto taken = check_deflate_answer(row.answer, kOffer);
    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error() == row.refusal);
    CHECK(text(taken.error()).size() > 10);
  }
  CHECK_FALSE(check_deflate_answer("", kOffer).value().has_value());
}

TEST_CASE("the client takes what a server may add unasked (§7.1.1.1, §7.1.2.1), and a window too small for zlib") {
  constexpr DeflateOffer kKept{.server_context = Context::kept, .client_context = Context::kept};
  const auto taken = [&](std::string_view answer) { return check_deflate_answer(answer, kKept).value().value(); };
  CHECK(taken("permessage-deflate") ==
        DeflateAgreement{.server_context = Context::kept, .client_context = Context::kept});
  CHECK(taken("permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; "
              "client_max_window_bits=8") == DeflateAgreement{.server_window_bits = 8, .client_window_bits = 8});
}
