#include "broker/io/auth_keeper.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "broker/io/descriptor.h"

namespace ringcast::io {

namespace {

using broker::AuthRules;
using AuthRefused = std::unexpected<std::string>;

constexpr std::size_t kKeyBytesMax = 1024 * 1024;              // of a file: a key set is some thousand
constexpr std::size_t kRevocationBytesMax = 32 * 1024 * 1024;  // kRevocationsMax lines of the longest

std::expected<std::string, std::string> read_file(const std::string& name, std::size_t bytes_max) {
  const auto refuse = [&](const std::string& why) { return AuthRefused(name + ": cannot be read: " + why); };
  const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return refuse(std::generic_category().message(errno));
  std::string text;
  char piece[16 * 1024];
  for (;;) {
    const ssize_t size = ::read(file.get(), piece, sizeof piece);
    if (size < 0) return refuse(std::generic_category().message(errno));
    if (size == 0) return text;
    text.append(piece, static_cast<std::size_t>(size));
    if (text.size() > bytes_max) return refuse("it is larger than " + std::to_string(bytes_max) + " bytes");
  }
}

// "KID=FILE" or "FILE". A kid has no slash, so that a path with `=` in it is one.
std::expected<void, std::string> add_key(const std::string& option, broker::TokenKeys& keys) {
  const std::size_t equals = option.find('=');
  const bool has_id = equals != std::string::npos && option.find('/') > equals;
  const std::string id = has_id ? option.substr(0, equals) : "";
  const std::string name = has_id ? option.substr(equals + 1) : option;
  const auto text = read_file(name, kKeyBytesMax);
  if (!text) return AuthRefused("token-key: " + text.error());
  const auto added = keys.add(id, *text);
  if (!added) return AuthRefused("token-key: " + name + " " + added.error());
  return {};
}

std::expected<AuthRules, std::string> read_rules(const broker::Config& config) {
  constexpr std::int64_t kSecondMs = 1'000;
  AuthRules rules;
  for (const std::string& option : config.token_keys) {
    if (const auto added = add_key(option, rules.tokens.keys); !added) return AuthRefused(added.error());
  }
  rules.tokens.audiences = config.token_audiences;
  rules.tokens.issuer = config.token_issuer;
  rules.tokens.leeway_s = config.token_leeway_ms / kSecondMs;
  rules.anonymous = {.publish = config.anonymous_publish, .subscribe = config.anonymous_subscribe};
  if (config.token_revocations.empty()) return rules;
  const auto text = read_file(config.token_revocations, kRevocationBytesMax);
  if (!text) return AuthRefused("token-revocations: " + text.error());
  if (const auto added = rules.revoked.add_lines(*text); !added) {
    return AuthRefused("token-revocations: " + config.token_revocations + ": " + added.error());
  }
  return rules;
}

std::expected<broker::Secret, std::string> read_admin_secret(const broker::Config& config) {
  if (config.admin_token_file.empty()) return broker::Secret();
  const auto text = read_file(config.admin_token_file, kKeyBytesMax);
  if (!text) return AuthRefused("admin-token-file: " + text.error());
  std::string_view secret = *text;
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.remove_suffix(1);
  if (secret.size() < broker::kTokenSecretBytesMin || secret.contains('\n')) {
    return AuthRefused("admin-token-file: " + config.admin_token_file + " is not one line of 32 bytes or more");
  }
  return broker::Secret({reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size()});
}

}  // namespace

std::expected<std::unique_ptr<AuthKeeper>, std::string> AuthKeeper::open(const broker::Config& config,
                                                                         std::uint32_t shards) {
  std::unique_ptr<AuthKeeper> keeper(new AuthKeeper());
  auto secret = read_admin_secret(config);
  if (!secret) return AuthRefused(secret.error());
  keeper->admin_secret_ = *std::move(secret);
  if (!broker::asks_who(config)) return keeper;
  auto rules = read_rules(config);
  if (!rules) return AuthRefused(rules.error());
  keeper->of_file_ = rules->revoked;
  keeper->auth_ = std::make_unique<broker::Auth>(*std::move(rules), shards);
  return keeper;
}

std::string AuthKeeper::line() {
  const std::lock_guard lock(mutex_);
  return line_locked();
}

std::string AuthKeeper::line_locked() const {
  const broker::TokenKeys& keys = auth_->newest().tokens.keys;
  std::string line = "tokens are asked for; keys: " + std::to_string(keys.all().size());
  if (keys.passed_over() > 0) line += " (" + std::to_string(keys.passed_over()) + " of key sets are for others)";
  return line + ", revocations: " + std::to_string(auth_->newest().revoked.entries().size());
}

broker::ReloadablePart AuthKeeper::part(std::function<void()> wake) {
  return {.name = "tokens",
          .check = [this](const broker::Config& next) { return check(next); },
          .apply =
              [this, wake = std::move(wake)](const broker::Config&) {
                auto notes = apply();
                wake();
                return notes;
              }};
}

std::expected<std::vector<std::string>, std::string> AuthKeeper::check(const broker::Config& next) {
  const std::lock_guard lock(mutex_);
  if (broker::asks_who(next) != (auth_ != nullptr)) {
    return AuthRefused(auth_ == nullptr ? "token-key: a broker that was started without tokens needs a restart for them"
                                        : "token-key: a broker that was started with tokens needs a restart to do "
                                          "without");
  }
  if (auth_ == nullptr) return {};
  auto rules = read_rules(next);
  if (!rules) return AuthRefused(rules.error());
  checked_ = *std::move(rules);
  return {};
}

std::vector<std::string> AuthKeeper::apply() {
  const std::lock_guard lock(mutex_);
  if (!checked_) return {};
  of_file_ = checked_->revoked;
  checked_->revoked.add_all(of_operators_);
  auth_->replace(*std::move(checked_));
  checked_.reset();
  return {line_locked()};
}

// The rules of now with other revocations.
void AuthKeeper::publish_revocations() {
  const AuthRules& now = auth_->newest();
  AuthRules rules{.tokens = {.keys = now.tokens.keys.copy(),
                             .audiences = now.tokens.audiences,
                             .issuer = now.tokens.issuer,
                             .leeway_s = now.tokens.leeway_s},
                  .anonymous = now.anonymous,
                  .revoked = of_file_};
  rules.revoked.add_all(of_operators_);
  auth_->replace(std::move(rules));
}

std::vector<std::string> AuthKeeper::revoked() {
  const std::lock_guard lock(mutex_);
  if (auth_ == nullptr) return {};
  const auto& entries = auth_->newest().revoked.entries();
  return {entries.begin(), entries.end()};
}

std::expected<void, std::string> AuthKeeper::revoke(std::string_view entry) {
  const std::lock_guard lock(mutex_);
  if (auth_ == nullptr) return AuthRefused("this broker asks nobody for a token: there is nothing to revoke");
  if (const auto added = of_operators_.add(entry); !added) return added;
  publish_revocations();
  return {};
}

bool AuthKeeper::take_back(std::string_view entry) {
  const std::lock_guard lock(mutex_);
  if (auth_ == nullptr || !of_operators_.remove(entry)) return false;
  publish_revocations();
  return true;
}

}  // namespace ringcast::io
