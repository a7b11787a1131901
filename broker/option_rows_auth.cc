// Who may come in, as `ringcast serve` is told it: tokens, and what is allowed without one.
#include <array>

#include "broker/option_rows.h"

namespace ringcast::broker {
namespace {

constexpr std::string_view kWho = "Who may come in";

const std::array kAuthOptions{
    Option{.name = "token-key",
           .field = &Options::token_keys,
           .hint = "[KID=]FILE",
           .help =
               "whose tokens are taken: a PEM with a public key, a JWKS, or a secret of 32 bytes or more; from then "
               "on nobody may do what no token allows; repeatable; files are read again at each reload",
           .example = "/etc/ringcast/issuer.pem",
           .group = kWho,
           .commands = kServe,
           .reloads = true},
    Option{.name = "token-audience",
           .field = &Options::token_audiences,
           .hint = "NAME",
           .help = "what a token's aud must name; repeatable; without it a token that has an aud is refused",
           .example = "live",
           .group = kWho,
           .commands = kServe,
           .reloads = true},
    Option{.name = "token-issuer",
           .field = &Options::token_issuer,
           .hint = "NAME",
           .help = "what a token's iss must be",
           .example = "https://id.example.com",
           .group = kWho,
           .commands = kServe,
           .reloads = true},
    Option{.name = "token-leeway",
           .field = &Options::token_leeway_ms,
           .range = {0, kHourMs},
           .help = "by how much the issuer's clock may differ from this machine's",
           .example = "10s",
           .group = kWho,
           .commands = kServe,
           .reloads = true},
    Option{.name = "token-grace",
           .field = &Options::token_grace_ms,
           .range = {0, kHourMs},
           .help = "how long a connection of the full protocol outlives its token, to be given a new one",
           .example = "1m",
           .group = kWho,
           .commands = kServe,
           .reloads = true},
    Option{.name = "token-revocations",
           .field = &Options::token_revocations,
           .hint = "FILE",
           .help = "lines `sub:NAME` or `jti:ID`: whose tokens are taken no more; read again at each reload",
           .example = "/etc/ringcast/revoked",
           .group = kWho,
           .commands = kServe,
           .reloads = true},
    Option{.name = "anonymous-publish",
           .field = &Options::anonymous_publish,
           .hint = "FILTER",
           .help = "what may be published without a token, where tokens are asked for; repeatable",
           .example = "feedback/#",
           .group = kWho,
           .commands = kServe,
           .reloads = true},
    Option{.name = "anonymous-subscribe",
           .field = &Options::anonymous_subscribe,
           .hint = "FILTER",
           .help = "what may be subscribed to without a token, where tokens are asked for; repeatable",
           .example = "ticker/#",
           .group = kWho,
           .commands = kServe,
           .reloads = true},
    Option{.name = "admin-token-file",
           .field = &Options::admin_token_file,
           .hint = "FILE",
           .help = "a secret of 32 bytes or more that the operators' port asks for, but for probes; as Authorization: "
                   "Bearer",
           .example = "/etc/ringcast/admin-token",
           .group = kWho,
           .commands = kServe},
};

}  // namespace

std::span<const Option> auth_options() {
  return kAuthOptions;
}

}  // namespace ringcast::broker
