#include "client/resume_state.h"

namespace ringcast::client {

ResumeState::ResumeState(const SubscribeOptions& options) : delivery_(options.delivery) {
  if (options.start == Start::resume) point_ = options.resume_from;
}

void ResumeState::begin(std::string_view epoch) {
  lagging_ = false;
  if (epoch == epoch_) return;
  epoch_ = epoch;
  told_.clear();  // seqs count anew
}

bool ResumeState::take(Message& message) {
  const bool live = message.mark == Mark::live;
  const bool in_order = live && delivery_ == Delivery::every && !lagging_;
  // A live one, too: where values come in place of messages, one may be owed to another subscription of the connection.
  if (!in_order && told_.has(message.topic, message.seq)) return false;
  message.resumable = in_order && has_token() && !foreign();
  if (!message.resumable) told_.note(message.topic, message.seq);
  point_.add(message);
  return true;
}

void ResumeState::checkpoint(const SubscriptionEvent& event, bool clears) {
  point_.add(event);
  if (clears && !lagging_ && delivery_ == Delivery::every) told_.clear();
}

}  // namespace ringcast::client
