// ResumeState: what one subscription remembers of what its program was told, so that it can go on there on another
// connection: neither leaving anything out unsaid, nor telling it twice.
//
// The broker's token says up to where everything was sent, some time ago. Beyond it:
//   EVERY    live messages come in order of position, per origin: the last one says it (ResumePoint::received). What
//   the
//            subscription began with, and what comes while it lags, is remembered by topic until the next token.
//   LATEST   topics come in any order: remembered by topic, always.
// Called by: Subscriptions. Thread: one.
#pragma once

#include <string_view>

#include "client/ringcast.h"
#include "client/topic_memory.h"

namespace ringcast::client {

class ResumeState {
 public:
  explicit ResumeState(const SubscribeOptions& options);

  // There is a connection to a broker of this epoch.
  void begin(std::string_view epoch);
  // The connection is lost.
  void lose() noexcept { lagging_ = false; }

  // The program is to be told this message, and `resumable` says whether positions up to it count; false: it was told
  // before.
  [[nodiscard]] bool take(Message& message);

  // The broker says so of this subscription. `clears`: the token covers all that it was sent.
  void checkpoint(const SubscriptionEvent& event, bool clears);
  // From now on values come in place of messages, or no longer.
  void set_lagging(bool lagging) noexcept { lagging_ = lagging; }

  [[nodiscard]] const ResumePoint& point() const noexcept { return point_; }
  [[nodiscard]] bool has_token() const noexcept { return !point_.token.empty(); }
  // The broker was restarted since the token: nothing can be recovered.
  [[nodiscard]] bool foreign() const noexcept { return has_token() && point_.epoch != epoch_; }
  // The broker does not take the token.
  void drop_token() { point_ = {}; }

  [[nodiscard]] bool lagging() const noexcept { return lagging_ && delivery_ == Delivery::every; }
  [[nodiscard]] Delivery delivery() const noexcept { return delivery_; }

 private:
  Delivery delivery_;
  std::string epoch_;  // of the connection
  ResumePoint point_;
  TopicMemory told_;
  bool lagging_ = false;  // values come in place of messages, and out of order
};

}  // namespace ringcast::client
