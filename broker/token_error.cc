#include "broker/token_error.h"

#include <array>
#include <cstddef>

namespace ringcast::broker {

namespace {

struct Words {
  std::string_view name;
  std::string_view text;
};

constexpr std::array<Words, kTokenErrors> kWords{{
    {"missing", "a token is needed"},
    {"too_large", "the token is larger than tokens may be"},
    {"malformed", "this is no JSON Web Token"},
    {"duplicate_member", "the token says something twice"},
    {"bad_type", "this is another type of token"},
    {"critical", "the token has a crit header, of which nothing is understood"},
    {"unknown_key", "the token is signed by a key that this broker does not know"},
    {"wrong_algorithm", "the token's algorithm is not that of its key"},
    {"bad_signature", "the token's signature is wrong"},
    {"bad_claim", "the token needs the claims sub and exp, and ringcast if it allows anything, each of its type"},
    {"expired", "the token has expired"},
    {"not_yet_valid", "the token is not valid yet"},
    {"wrong_audience", "the token is for another audience"},
    {"wrong_issuer", "the token is of another issuer"},
    {"bad_permissions", "the token's filters are not valid, or too many, or its subject cannot stand for %u"},
    {"revoked", "the token was revoked"},
}};

}  // namespace

std::string_view name(TokenError error) noexcept {
  return kWords[static_cast<std::size_t>(error)].name;
}

std::string_view text(TokenError error) noexcept {
  return kWords[static_cast<std::size_t>(error)].text;
}

}  // namespace ringcast::broker
