#include "broker/authenticator.h"

#include <openssl/sha.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace ringcast::broker {

namespace {

std::string digest_of(std::string_view token) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

IdentityRef anonymous_of(const AuthRules& rules) {
  Identity anonymous;
  anonymous.permissions = std::make_unique<Permissions>(rules.anonymous);
  return IdentityRef(std::move(anonymous));
}

}  // namespace

Authenticator::Authenticator(Auth* auth, std::uint32_t shard, Accounts* accounts)
    : auth_(auth), shard_(shard), accounts_(accounts), anonymous_(Identity{}) {
  if (auth_ == nullptr) return;
  rules_ = &auth_->rules(shard_);
  version_ = rules_->version;
  anonymous_ = anonymous_of(*rules_);
}

IdentityRef Authenticator::of_certificate(std::string subject) const {
  Identity identity{.subject = std::move(subject), .by = Identity::By::certificate};
  identity.account = account_of(identity.subject);
  if (auth_ != nullptr) identity.permissions = std::make_unique<Permissions>(*anonymous_->permissions);
  return IdentityRef(std::move(identity));
}

bool Authenticator::begin_turn(const Now& now) {
  if (auth_ == nullptr) return false;
  now_ = now.monotonic;
  now_us_ = now.utc_us;
  now_s_ = now.utc_us / 1'000'000;
  checks_left_ = kChecksPerTurn;
  rules_ = &auth_->rules(shard_);
  if (rules_->version == version_) return false;
  version_ = rules_->version;
  remembered_.clear();
  remembered_order_.clear();
  if (!(rules_->anonymous == *anonymous_->permissions)) anonymous_ = anonymous_of(*rules_);
  return true;
}

bool Authenticator::has_time_for(std::string_view token) const {
  // Who came before is not overtaken.
  return is_its_turn_ || (waiting_.empty() && checks_left_ > 0) || token.size() > kWebTokenSizeMax ||
         remembered_.contains(digest_of(token));
}

std::optional<SlotId> Authenticator::take_waiting() {
  is_its_turn_ = !waiting_.empty() && checks_left_ > 0;
  if (!is_its_turn_) return std::nullopt;
  const SlotId slot = waiting_.front();
  waiting_.pop_front();
  return slot;
}

std::expected<IdentityRef, TokenError> Authenticator::check(std::string_view token) {
  const auto refuse = [&](TokenError error) {
    count_refused(error);
    return std::unexpected(error);
  };
  if (token.size() > kWebTokenSizeMax) return refuse(TokenError::too_large);
  Digest digest = digest_of(token);
  if (const auto found = remembered_.find(digest); found != remembered_.end()) {
    if (found->second->expires_s <= now_s_) return refuse(TokenError::expired);
    ++counters_.accepted;
    return found->second;
  }
  if (checks_left_ > 0) --checks_left_;
  ++counters_.checks;
  auto verified = verify_token(token, rules_->tokens, now_s_);
  if (!verified) return refuse(verified.error());
  if (rules_->revoked.has(verified->subject, verified->token_id)) return refuse(TokenError::revoked);
  Accounts::Ref account = account_of(verified->subject);
  IdentityRef identity(Identity{.subject = std::move(verified->subject),
                                .token_id = std::move(verified->token_id),
                                .by = Identity::By::token,
                                .expires_s = verified->expires_s,
                                .key_print = verified->key_print,
                                .permissions = std::make_unique<Permissions>(std::move(verified->permissions)),
                                .account = std::move(account)});
  remember(std::move(digest), identity);
  ++counters_.accepted;
  return identity;
}

// Longer than an address is, so that none is mistaken for one.
Accounts::Ref Authenticator::account_of(std::string_view subject) const {
  return accounts_ == nullptr ? Accounts::Ref() : accounts_->open("subject:         " + std::string(subject));
}

void Authenticator::remember(Digest digest, const IdentityRef& identity) {
  if (remembered_order_.size() == kRememberedMax) {
    remembered_.erase(remembered_order_.front());
    remembered_order_.pop_front();
  }
  remembered_order_.push_back(digest);
  remembered_.emplace(std::move(digest), identity);
}

bool Authenticator::still_holds(const Identity& identity) const {
  if (auth_ == nullptr || identity.by != Identity::By::token) return true;
  return rules_->tokens.keys.has_print(identity.key_print) && !rules_->revoked.has(identity.subject, identity.token_id);
}

void Authenticator::watch(SlotId slot, std::int64_t at_s) {
  watched_.push_back({at_s, slot});
  std::ranges::push_heap(watched_, std::greater<>());
}

void Authenticator::keep_earliest() {
  std::ranges::sort(
      watched_, [](const Watched& a, const Watched& b) { return std::tie(a.slot, a.at_s) < std::tie(b.slot, b.at_s); });
  const auto later = std::ranges::unique(watched_, std::equal_to<>(), &Watched::slot);
  watched_.erase(later.begin(), later.end());
  std::ranges::make_heap(watched_, std::greater<>());
}

std::optional<SlotId> Authenticator::take_due() {
  if (watched_.empty() || watched_.front().at_s > now_s_) return std::nullopt;
  std::ranges::pop_heap(watched_, std::greater<>());
  const SlotId slot = watched_.back().slot;
  watched_.pop_back();
  return slot;
}

Instant Authenticator::next_deadline() const noexcept {
  if (watched_.empty()) return Instant::never();
  const std::int64_t left_ms = std::min(watched_.front().at_s - now_s_, kLookAgainMs / 1'000) * 1'000;
  return now_ + std::max<std::int64_t>(1, left_ms - now_us_ / 1'000 % 1'000);
}

}  // namespace ringcast::broker
