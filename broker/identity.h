// Identity: who a connection is, and what it may do. Every decision about a topic asks here.
//
// A broker that nobody gave keys has one identity, the anonymous one, which may do what the broker's own names allow.
// Else a token or a certificate makes one, with permissions; connections with the same token share it.
//
// Thread: one shard's; references are counted, not atomically. An Identity never changes: whoever is somebody else from
// now on has another one.
// Hot path: may_publish() runs once per publish. Without permissions: two comparisons.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/accounts.h"
#include "broker/permissions.h"
#include "topics/name.h"

namespace ringcast::broker {

struct Identity {
  enum class By : std::uint8_t { nobody, token, certificate };

  std::string subject;   // empty: anonymous
  std::string token_id;  // the token's `jti`; empty: it has none
  By by = By::nobody;
  std::int64_t expires_s = INT64_MAX;        // UTC: from then on it is nobody's
  std::uint64_t key_print = 0;               // of the key that signed the token
  std::unique_ptr<Permissions> permissions;  // null: all that is not the broker's own
  Accounts::Ref account = {};                // the subject's; none: it is anonymous, or nothing is limited

  // The broker's own topics are published by the broker alone.
  [[nodiscard]] bool may_publish(std::string_view topic) const {
    return permissions == nullptr ? !topics::is_reserved(topic) : may_publish_slow(topic);
  }
  [[nodiscard]] bool may_subscribe(std::string_view filter) const noexcept {
    return permissions == nullptr || permissions->may_subscribe(filter);
  }
  [[nodiscard]] bool may_anything() const noexcept { return permissions == nullptr || !permissions->empty(); }

  // Of may_publish() alone: most publishers have one topic, or say several things of one in turn.
  mutable std::string last_allowed = {};
  [[nodiscard]] bool may_publish_slow(std::string_view topic) const {
    if (topic == last_allowed) return true;
    if (!permissions->may_publish(topic)) return false;
    last_allowed = topic;
    return true;
  }
};

// One reference to an Identity, which lives as long as there is one.
class IdentityRef {
 public:
  IdentityRef() = default;
  explicit IdentityRef(Identity&& identity) : counted_(new Counted{std::move(identity)}) {}
  IdentityRef(const IdentityRef& other) noexcept : counted_(other.counted_) {
    if (counted_ != nullptr) ++counted_->references;
  }
  IdentityRef(IdentityRef&& other) noexcept : counted_(std::exchange(other.counted_, nullptr)) {}
  IdentityRef& operator=(IdentityRef other) noexcept {
    std::swap(counted_, other.counted_);
    return *this;
  }
  ~IdentityRef() {
    if (counted_ != nullptr && --counted_->references == 0) delete counted_;
  }

  [[nodiscard]] const Identity& operator*() const noexcept { return counted_->identity; }
  [[nodiscard]] const Identity* operator->() const noexcept { return &counted_->identity; }
  // The same object.
  friend bool operator==(const IdentityRef&, const IdentityRef&) = default;
  friend bool operator==(const IdentityRef& ref, std::nullptr_t) noexcept { return ref.counted_ == nullptr; }

 private:
  struct Counted {
    Identity identity;
    std::uint32_t references = 1;
  };
  Counted* counted_ = nullptr;
};

}  // namespace ringcast::broker
