#include "tests/sim/publisher_model.h"

#include <algorithm>
#include <utility>

namespace ringcast::sim {

std::string PublisherModel::where(std::uint64_t id) const {
  return "client " + std::to_string(client_) + ", publish " + std::to_string(id) + ": ";
}

void PublisherModel::sent(std::uint64_t id, const Outgoing& message, const std::string& headers) {
  sent_.add(message.payload.size());
  if (id == 0) return answered_.add(message.payload.size());
  expect(id > last_id_, "the simulator's ids do not rise");
  last_id_ = id;
  waiting_.emplace(id, Sent{.message = message, .headers = headers});
}

void PublisherModel::sent_bad(std::size_t bytes) noexcept {
  sent_.add(bytes);
}

void PublisherModel::refused_bad(std::size_t bytes) noexcept {
  answered_.add(bytes);
}

std::vector<Outgoing> PublisherModel::ack(const proto::Ack& ack) {
  std::vector<Outgoing> answered;
  if (ack.up_to == 0) {
    expect(!cumulative_acks_, [&] { return where(ack.id) + "an ack of its own, though they are cumulative"; });
    const auto found = waiting_.find(ack.id);
    expect(found != waiting_.end(), [&] { return where(ack.id) + "acknowledged, but waits for no answer"; });
    check_ack(ack, found->second);
    answered_.add(found->second.message.payload.size());
    answered.push_back(std::move(found->second.message));
    waiting_.erase(found);
    return answered;
  }
  expect(cumulative_acks_, "a cumulative ack that nobody wanted");
  expect(ack.id == 0 && ack.seq == 0 && !ack.duplicate, "a cumulative ack says more than that");
  expect(ack.up_to > acked_up_to_, [&] { return where(ack.up_to) + "cumulative acks do not rise"; });
  expect(ack.up_to <= last_id_, [&] { return where(ack.up_to) + "acknowledged, but never published"; });
  acked_up_to_ = ack.up_to;
  while (!waiting_.empty() && waiting_.begin()->first <= ack.up_to) {
    const auto found = waiting_.begin();
    check_taken(found->second.message);
    answered_.add(found->second.message.payload.size());
    answered.push_back(std::move(found->second.message));
    waiting_.erase(found);
  }
  return answered;
}

void PublisherModel::check_taken(const Outgoing& message) const {
  expect(ledger_.find(message.key).has_value(),
         [&] { return text(message.key) + " was acknowledged, but never sequenced"; });
}

void PublisherModel::check_ack(const proto::Ack& ack, const Sent& sent) const {
  const Outgoing& message = sent.message;
  check_taken(message);
  const auto says = [&](const char* what) { return [this, &ack, what] { return where(ack.id) + what; }; };
  if (ack.duplicate) {
    expect(message.producer_seq != 0, says("a duplicate of what cannot be recognised"));
    return expect(ack.seq == 0 && ack.position == 0, says("a duplicate has no numbers"));
  }
  const Ledger::Topic& topic = *ledger_.find(message.topic);
  expect(ack.seq >= 1 && ack.seq <= topic.changes.size(), says("a seq that never was"));
  const Ledger::Change& change = topic.changes[ack.seq - 1];
  expect(change.key == message.key, says("the seq is another message's"));
  expect(change.by == client_, [&] {
    return where(ack.id) + text(message.key) + " was sequenced for connection " + std::to_string(change.by) +
           ", so this is a duplicate";
  });
  expect(ack.origin == topic.origin && ack.position == change.position && ack.time_us == change.time_us,
         says("origin, position or time are not those that it was sequenced with"));
  expect(change.op == message.op && change.format == message.format && change.content_type == message.content_type &&
             change.headers == sent.headers && change.payload == message.payload,
         says("what was sequenced is not what was published"));
}

std::optional<Outgoing> PublisherModel::refused(std::uint64_t id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return std::nullopt;
  answered_.add(found->second.message.payload.size());
  Outgoing message = std::move(found->second.message);
  waiting_.erase(found);
  return message;
}

// Between a quarter of the window and all of it is there to be used, whenever all is answered.
void PublisherModel::credit(const proto::Credit& credit) {
  const Count& most = cumulative_acks_ ? sent_ : answered_;
  expect(credit.messages <= most.messages + kWindowMessages, "more messages are granted than were answered");
  expect(credit.bytes <= most.bytes + kWindowBytes, "more bytes are granted than were answered");
  if (credit_) {
    expect(credit.messages >= credit_->messages && credit.bytes >= credit_->bytes, "credit is taken back");
  }
  credit_ = credit;
}

bool PublisherModel::exhausted() const noexcept {
  return credit_ && (credit_->messages <= sent_.messages || credit_->bytes <= sent_.bytes);
}

void PublisherModel::check_rest() const {
  expect(waiting_.empty(), [&] { return where(waiting_.begin()->first) + "waits for an answer"; });
  if (!credit_) return;
  expect(credit_->messages > sent_.messages + kWindowMessages - kWindowMessages / 4, "credit for messages was lost");
  expect(credit_->bytes > sent_.bytes + kWindowBytes - kWindowBytes / 4, "credit for bytes was lost");
}

}  // namespace ringcast::sim
