#include "broker/token_keys.h"

#include <doctest/doctest.h>

#include <string>

#include "broker/base64url.h"
#include "tests/broker/token_bench.h"

using namespace ringcast::broker;

namespace {

bool verifies(const TokenKeys& keys, std::string_view token) {
  const std::size_t dot = token.rfind('.');
  const auto signature = from_base64url(token.substr(dot + 1));
  return signature && is_signed_by(keys.all().front(), token.substr(0, dot), *signature);
}

std::string with_bit_flipped(std::string token) {
  token[token.size() - 4] = token[token.size() - 4] == 'A' ? 'B' : 'A';
  return token;
}

// The claims of RFC 7515's examples.
constexpr std::string_view kJoe =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";

}  // namespace

TEST_CASE("TokenKeys verifies the examples of the RFCs") {
  struct Example {
    const char* source;
    std::string key;
    std::string token;
  };
  const Example examples[] = {
      {"RFC 7515 A.1",
       R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})",
       "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + std::string(kJoe) + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
      {"RFC 7515 A.3",
       R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
       R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
       "eyJhbGciOiJFUzI1NiJ9" + std::string(kJoe) +
           "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
      {"RFC 8037 A.4", R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
       "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
       "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
  };
  for (const Example& example : examples) {
    CAPTURE(example.source);
    TokenKeys keys;
    REQUIRE(keys.add("", example.key));
    CHECK(verifies(keys, example.token));
    CHECK_FALSE(verifies(keys, with_bit_flipped(example.token)));
    CHECK_FALSE(verifies(keys, "x" + example.token));
  }
}

TEST_CASE("TokenKeys verifies by each kind of key what its other half signed") {
  const KeyPair pairs[] = {ed_pair(), ec_pair(), rsa_pair(2048)};
  const TokenAlgorithm algorithms[] = {TokenAlgorithm::eddsa, TokenAlgorithm::es256, TokenAlgorithm::rs256};
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    TokenKeys keys;
    REQUIRE(keys.add("", pairs[i].public_pem));
    CHECK(keys.all().front().algorithm == algorithms[i]);
    const TokenKey key = signing_key(pairs[i].private_pem);
    const auto signature = sign(key, "said");
    CHECK(is_signed_by(keys.all().front(), "said", signature));
    CHECK_FALSE(is_signed_by(keys.all().front(), "sand", signature));
    auto cut = signature;
    cut.pop_back();
    CHECK_FALSE(is_signed_by(keys.all().front(), "said", cut));
    CHECK_FALSE(is_signed_by(keys.all().front(), "said", {}));
    CHECK_FALSE(is_signed_by(keys.all().front(), "said", std::vector<std::uint8_t>(signature.size())));
  }
}

TEST_CASE("TokenKeys takes a secret without the newline at its end") {
  TokenKeys keys;
  REQUIRE(keys.add("", std::string(kTestSecret) + "\n"));
  CHECK(verifies(keys, test_token("{}")));
}

TEST_CASE("TokenKeys finds by kid, and without one the only key") {
  TokenKeys one;
  REQUIRE(one.add("k1", kTestSecret));
  CHECK(one.find("k1") != nullptr);
  CHECK(one.find(std::nullopt) != nullptr);
  CHECK(one.find("k2") == nullptr);
  CHECK(one.find("") == nullptr);

  TokenKeys two;
  REQUIRE(two.add("k1", kTestSecret));
  REQUIRE(two.add("k2", ed_pair().public_pem));
  CHECK(two.find("k2")->algorithm == TokenAlgorithm::eddsa);
  CHECK(two.find(std::nullopt) == nullptr);
  const auto again = two.add("k1", kTestSecret);
  REQUIRE_FALSE(again);
  CHECK(again.error() == "has a kid that another key has already");

  TokenKeys unnamed;
  REQUIRE(unnamed.add("", kTestSecret));
  CHECK(unnamed.find("whatever its issuer calls it") != nullptr);
}

TEST_CASE("TokenKeys reads a key set and passes over what is for others") {
  TokenKeys keys;
  REQUIRE(keys.add("ignored", R"({"keys":[
    {"kty":"EC","crv":"P-256","kid":"a","use":"sig","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
     "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","key_ops":["verify"]},
    {"kty":"EC","crv":"P-384","kid":"c","x":"AA","y":"AA"},
    {"kty":"RSA","kid":"d","alg":"RS512","n":"AA","e":"AQAB"},
    {"kty":"RSA","kid":"e","use":"enc","n":"AA","e":"AQAB"}]})"));
  CHECK(keys.all().size() == 2);
  CHECK(keys.find("a")->algorithm == TokenAlgorithm::es256);
  CHECK(keys.find("b")->algorithm == TokenAlgorithm::eddsa);
  CHECK(keys.passed_over() == 3);
}

TEST_CASE("TokenKeys refuses keys that are broken, weak or not its business") {
  struct Case {
    std::string text;
    const char* why;
  };
  const Case cases[] = {
      {std::string(kTestSecret.substr(0, 31)), "32 bytes"},
      {"", "32 bytes"},
      {R"({"kty":"oct","k":"AyM1Syo"})", "32 bytes"},
      {ed_pair().private_pem, "private key"},
      {R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AA"})", "private key"},
      {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no PEM"},
      {ec_pair("P-384").public_pem, "none of RSA"},
      {rsa_pair(1024).public_pem, "2048"},
      {R"({"keys":[]})", "has no key"},
      {R"({"keys":[1]})", "no JSON object"},
      {R"({"keys":[{"kty":"oct","kty":"oct"}]})", "twice"},
      {R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})", "not well formed"},
      // On no curve: y is another's.
      {R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
       R"("y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})",
       "not well formed"},
      {R"({"kty":"RSA","n":"AQAB","e":"AQAB"})", "2048"},
      {"{", "no JSON object"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    TokenKeys keys;
    const auto added = keys.add("", one.text);
    REQUIRE_FALSE(added);
    CHECK(added.error().find(one.why) != std::string::npos);
    CAPTURE(added.error());
    CHECK(keys.empty());
  }
  TokenKeys keys;
  CHECK(keys.add(std::string(256, 'k'), kTestSecret));
  CHECK_FALSE(keys.add(std::string(257, 'k'), kTestSecret));
  for (std::size_t i = 1; i < kTokenKeysMax; ++i) REQUIRE(keys.add(std::to_string(i), kTestSecret));
  CHECK_FALSE(keys.add("one more", kTestSecret));
}
