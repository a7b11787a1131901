#include "broker/token.h"

#include <doctest/doctest.h>

#include <string>

#include "broker/base64url.h"
#include "tests/broker/token_bench.h"

using namespace ringcast::broker;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::string_view kAnn = R"({"sub":"ann","exp":1700000100})";

// "taken", or the name of what is wrong.
std::string verdict(std::string_view token, const TokenRules& rules, std::int64_t now_s = kNow) {
  const auto identity = verify_token(token, rules, now_s);
  return identity ? "taken" : std::string(name(identity.error()));
}

std::string verdict(std::string_view token) {
  return verdict(token, test_rules());
}

std::string base64url(std::string_view text) {
  std::string out;
  append_base64url({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, out);
  return out;
}

}  // namespace

TEST_CASE("verify_token says who it is and what he may do") {
  const auto ann = verify_token(test_token(R"({"sub":"ann","exp":1700000100.5,"jti":"t1","iat":1,"more":[{}],)"
                                           R"("ringcast":{"publish":["in/%u"],"subscribe":["out/%u/#","news"]}})"),
                                test_rules(), kNow);
  REQUIRE(ann);
  CHECK(ann->subject == "ann");
  CHECK(ann->token_id == "t1");
  CHECK(ann->expires_s == 1'700'000'100);
  CHECK(ann->permissions == Permissions{.publish = {"in/ann"}, .subscribe = {"out/ann/#", "news"}});
}

TEST_CASE("verify_token allows nothing to who has no permissions in it") {
  const auto ann = verify_token(test_token(kAnn), test_rules(), kNow);
  REQUIRE(ann);
  CHECK(ann->permissions.empty());
}

TEST_CASE("verify_token refuses a header that it should not trust") {
  struct Case {
    const char* header;
    const char* error;
  };
  constexpr Case kCases[] = {
      {R"({"alg":"HS256"})", "taken"},
      {R"({"alg":"HS256","typ":"JWT"})", "taken"},
      {R"({"alg":"HS256","typ":"jwt","kid":"any","cty":"x","jku":"http://evil.example/keys"})", "taken"},
      {R"({"alg":"HS256","typ":"at+JWT"})", "taken"},
      {R"({"alg":"HS256","typ":"secevent+jwt"})", "bad_type"},
      {R"({"alg":"HS256","typ":1})", "bad_type"},
      {R"({"alg":"none"})", "wrong_algorithm"},
      {R"({"alg":"None"})", "wrong_algorithm"},
      {R"({"alg":"hs256"})", "wrong_algorithm"},
      {R"({"alg":"HS512"})", "wrong_algorithm"},
      {R"({"alg":"RS256"})", "wrong_algorithm"},
      {R"({"alg":""})", "malformed"},
      {R"({"alg":["HS256"]})", "malformed"},
      {R"({})", "malformed"},
      {R"([])", "malformed"},
      {R"({"alg":"HS256")", "malformed"},
      {R"({"alg":"HS256"}{})", "malformed"},
      {R"({"alg":"HS256","alg":"HS256"})", "duplicate_member"},
      {R"({"alg":"none","alg":"HS256"})", "duplicate_member"},
      {R"({"alg":"HS256","x":1,"\u0078":2})", "duplicate_member"},
      {R"({"alg":"HS256","crit":["exp"],"exp":1})", "critical"},
      {R"({"alg":"HS256","crit":[]})", "critical"},
      {R"({"alg":"HS256","b64":false,"crit":["b64"]})", "critical"},
      {R"({"alg":"HS256","kid":7})", "unknown_key"},
  };
  for (const Case& one : kCases) {
    CAPTURE(one.header);
    CHECK(verdict(test_token(kAnn, one.header)) == one.error);
  }
}

TEST_CASE("verify_token takes no other algorithm than the key's, whoever signed") {
  // The classic: the public key's text is no secret, so a token signed with it as a secret must be worth nothing.
  const KeyPair pair = rsa_pair(2048);
  TokenRules rules;
  REQUIRE(rules.keys.add("", pair.public_pem));
  CHECK(verdict(sign_token(signing_key(pair.public_pem.substr(27, 64)), R"({"alg":"HS256"})", kAnn), rules) ==
        "wrong_algorithm");
  CHECK(verdict(sign_token(signing_key(pair.private_pem), R"({"alg":"RS256"})", kAnn), rules) == "taken");
  CHECK(verdict(sign_token(signing_key(pair.private_pem), R"({"alg":"HS256"})", kAnn), rules) == "wrong_algorithm");
  CHECK(verdict(base64url(R"({"alg":"none"})") + "." + base64url(kAnn) + ".", rules) == "wrong_algorithm");
  CHECK(verdict(sign_token(signing_key(rsa_pair(2048).private_pem), R"({"alg":"RS256"})", kAnn), rules) ==
        "bad_signature");
  CHECK(verdict(test_token(kAnn)) == "taken");
  CHECK(verdict(sign_token(signing_key("another secret of 32 bytes or more ..."), R"({"alg":"HS256"})", kAnn)) ==
        "bad_signature");
}

TEST_CASE("verify_token picks the key that kid names") {
  TokenRules rules = test_rules("old");
  const KeyPair pair = ed_pair();
  REQUIRE(rules.keys.add("new", pair.public_pem));
  const TokenKey key = signing_key(pair.private_pem);
  CHECK(verdict(sign_token(key, R"({"alg":"EdDSA","kid":"new"})", kAnn), rules) == "taken");
  CHECK(verdict(sign_token(key, R"({"alg":"EdDSA","kid":"old"})", kAnn), rules) == "wrong_algorithm");
  CHECK(verdict(sign_token(key, R"({"alg":"EdDSA","kid":"newer"})", kAnn), rules) == "unknown_key");
  CHECK(verdict(sign_token(key, R"({"alg":"EdDSA"})", kAnn), rules) == "unknown_key");
  CHECK(verdict(test_token(kAnn, R"({"alg":"HS256","kid":"old"})"), rules) == "taken");
  CHECK(verdict(test_token(kAnn, R"({"alg":"HS256","kid":"new"})"), rules) == "wrong_algorithm");
}

TEST_CASE("verify_token refuses what is no token") {
  const std::string good = test_token(kAnn);
  const std::size_t first = good.find('.');
  const std::size_t second = good.rfind('.');
  CHECK(verdict("") == "missing");
  for (const std::string& bad : {std::string("."), std::string(".."), std::string("a.b.c"), good.substr(0, second),
                                 good + ".", good + ".e30", good.substr(first), good + "=", " " + good, good + "\n"}) {
    CAPTURE(bad);
    CHECK(verdict(bad) == "malformed");
  }
  CHECK(verdict(good.substr(0, second + 1)) == "bad_signature");
  CHECK(verdict(good.substr(0, first + 1) + good.substr(second)) == "bad_signature");
  for (std::size_t i = 0; i < good.size(); ++i) {  // no character can be another one
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'Q' : 'A';
    CAPTURE(changed);
    CHECK(verdict(changed) != "taken");
    CHECK(verdict(good.substr(0, i)) != "taken");
  }
}

TEST_CASE("verify_token takes tokens up to 8 KiB") {
  const auto of_size = [](std::size_t size) {
    std::string padding(size * 3 / 4 - 200, 'x');
    std::string token;
    do {
      token = test_token(R"({"sub":"ann","exp":1700000100,"p":")" + padding + "\"}");
      padding += 'x';
    } while (token.size() < size);
    return token;
  };
  const std::string largest = of_size(kWebTokenSizeMax - 1);
  REQUIRE(largest.size() <= kWebTokenSizeMax);
  CHECK(verdict(largest) == "taken");
  CHECK(verdict(of_size(kWebTokenSizeMax + 1)) == "too_large");
}

TEST_CASE("verify_token refuses claims that are missing, twice, of another type or too large") {
  const std::string long_name(257, 'n');
  struct Case {
    std::string claims;
    const char* error;
  };
  const Case cases[] = {
      {R"({"sub":"ann"})", "bad_claim"},
      {R"({"exp":1700000100})", "bad_claim"},
      {R"({"sub":"","exp":1700000100})", "bad_claim"},
      {R"({"sub":7,"exp":1700000100})", "bad_claim"},
      {R"({"sub":"a\nb","exp":1700000100})", "bad_claim"},
      {R"({"sub":"a","jti":"\u001b[2J","exp":1700000100})", "bad_claim"},
      {R"({"sub":")" + long_name + R"(","exp":1700000100})", "bad_claim"},
      {R"({"sub":")" + long_name.substr(1) + R"(","exp":1700000100})", "taken"},
      {R"({"sub":"ann","exp":"1700000100"})", "bad_claim"},
      {R"({"sub":"ann","exp":-1})", "bad_claim"},
      {R"({"sub":"ann","exp":1e300})", "bad_claim"},
      {R"({"sub":"ann","exp":9223372036854775807})", "bad_claim"},
      {R"({"sub":"ann","exp":18446744073709551615})", "bad_claim"},
      {R"({"sub":"ann","exp":9007199254740991})", "taken"},
      {R"({"sub":"ann","exp":null})", "bad_claim"},
      {R"({"sub":"ann","exp":1700000100,"nbf":"0"})", "bad_claim"},
      {R"({"sub":"ann","exp":1700000100,"jti":1})", "bad_claim"},
      {R"({"sub":"ann","exp":1700000100,"iss":["x"]})", "bad_claim"},
      {R"({"sub":"ann","exp":1700000100,"aud":[]})", "bad_claim"},
      {R"({"sub":"ann","exp":1700000100,"aud":[1]})", "bad_claim"},
      {R"({"sub":"ann","exp":1,"exp":1700000100})", "duplicate_member"},
      {R"({"sub":"ann","exp":1700000100,"sub":"root"})", "duplicate_member"},
      {R"({"sub":"ann","exp":1700000100,"ringcast":[]})", "bad_claim"},
      {R"({"sub":"ann","exp":1700000100,"ringcast":{"publish":"#"}})", "bad_claim"},
      {R"({"sub":"ann","exp":1700000100,"ringcast":{"publish":[1]}})", "bad_claim"},
      {R"({"sub":"ann","exp":1700000100,"ringcast":{"publish":["a"],"publish":["#"]}})", "duplicate_member"},
      {R"({"sub":"ann","exp":1700000100,"ringcast":{"pubish":["a"]}})", "bad_permissions"},
      {R"({"sub":"ann","exp":1700000100,"ringcast":{"publish":["a/#/b"]}})", "bad_permissions"},
      {R"({"sub":"a/#","exp":1700000100,"ringcast":{"subscribe":["user/%u"]}})", "bad_permissions"},
      {R"({"sub":"..","exp":1700000100,"ringcast":{"publish":["%u/x"]}})", "bad_permissions"},
      {R"({"sub":"$broker","exp":1700000100,"ringcast":{"subscribe":["%u/#"]}})", "bad_permissions"},
      {R"({"sub":"a/#","exp":1700000100,"ringcast":{"subscribe":["user"]}})", "taken"},
      {"null", "malformed"},
      {"", "malformed"},
      {"{\"sub\":\"\xff\",\"exp\":1700000100}", "malformed"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.claims);
    CHECK(verdict(test_token(one.claims)) == one.error);
  }
  std::string many = R"({"sub":"ann","exp":1700000100)";
  for (std::size_t i = 2; i < kTokenMembersMax; ++i) many += ",\"c" + std::to_string(i) + "\":0";
  CHECK(verdict(test_token(many + "}")) == "taken");
  CHECK(verdict(test_token(many + ",\"one\":0}")) == "duplicate_member");
}

TEST_CASE("verify_token looks at the time, to the second") {
  TokenRules rules = test_rules();
  const std::string token = test_token(R"({"sub":"ann","nbf":1700000050,"exp":1700000100})");
  CHECK(verdict(token, rules, 1'700'000'049) == "not_yet_valid");
  CHECK(verdict(token, rules, 1'700'000'050) == "taken");
  CHECK(verdict(token, rules, 1'700'000'099) == "taken");
  CHECK(verdict(token, rules, 1'700'000'100) == "expired");
  rules.leeway_s = 5;
  CHECK(verdict(token, rules, 1'700'000'044) == "not_yet_valid");
  CHECK(verdict(token, rules, 1'700'000'045) == "taken");
  CHECK(verdict(token, rules, 1'700'000'104) == "taken");
  CHECK(verdict(token, rules, 1'700'000'105) == "expired");
  CHECK(verify_token(token, rules, kNow + 60)->expires_s == 1'700'000'105);
}

TEST_CASE("verify_token wants the audience and the issuer that it was told") {
  const auto token = [](std::string_view more) {
    return test_token(R"({"sub":"ann","exp":1700000100)" + std::string(more) + "}");
  };
  TokenRules rules = test_rules();
  CHECK(verdict(token(R"(,"aud":"somebody else")"), rules) == "wrong_audience");
  CHECK(verdict(token(R"(,"iss":"anybody")"), rules) == "taken");
  rules.audiences = {"live", "live2"};
  CHECK(verdict(token(""), rules) == "wrong_audience");
  CHECK(verdict(token(R"(,"aud":"live")"), rules) == "taken");
  CHECK(verdict(token(R"(,"aud":["other","live2"])"), rules) == "taken");
  CHECK(verdict(token(R"(,"aud":["other"])"), rules) == "wrong_audience");
  CHECK(verdict(token(R"(,"aud":"liv")"), rules) == "wrong_audience");
  rules.issuer = "https://id.example";
  CHECK(verdict(token(R"(,"aud":"live")"), rules) == "wrong_issuer");
  CHECK(verdict(token(R"(,"aud":"live","iss":"https://id.example/")"), rules) == "wrong_issuer");
  CHECK(verdict(token(R"(,"aud":"live","iss":"https://id.example")"), rules) == "taken");
}

TEST_CASE("make_token makes what verify_token takes") {
  TokenRules rules = test_rules("k");
  rules.audiences = {"live"};
  rules.issuer = "me";
  const std::string token = make_token(signing_key(kTestSecret), {.subject = "ann \"quoted\"",
                                                                  .issued_s = kNow,
                                                                  .expires_s = kNow + 60,
                                                                  .key_id = "k",
                                                                  .token_id = "1",
                                                                  .issuer = "me",
                                                                  .audience = "live",
                                                                  .publish = {"a/%u"},
                                                                  .subscribe = {"#"}});
  const auto ann = verify_token(token, rules, kNow);
  REQUIRE(ann);
  CHECK(ann->subject == "ann \"quoted\"");
  CHECK(ann->permissions == Permissions{.publish = {"a/ann \"quoted\""}, .subscribe = {"#"}});
}

TEST_CASE("every TokenError has a name and a sentence of its own") {
  for (std::size_t i = 0; i < kTokenErrors; ++i) {
    const auto error = static_cast<TokenError>(i);
    CHECK_FALSE(name(error).empty());
    CHECK_FALSE(text(error).empty());
    for (std::size_t j = 0; j < i; ++j) CHECK(name(error) != name(static_cast<TokenError>(j)));
  }
}
