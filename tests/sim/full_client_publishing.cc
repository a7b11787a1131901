// FullClient as a publisher: what it publishes, by itself or in batches, and again after it came back.
#include <algorithm>
#include <span>

#include "proto/headers.h"
#include "tests/sim/full_client.h"

namespace ringcast::sim {

Outgoing FullClient::make(const std::string& topic, std::size_t size) {
  Random& random = world_.random;
  Outgoing out{.key = {id(), next_number_}, .topic = topic, .content_type = {}, .payload = {}};
  Producer* const producer = options_.producer;
  constexpr std::uint64_t kSpanMax = 1'000;  // below the producer window
  const bool again_first = !given_id_.empty() && !options_.pipelines && !welcome_;
  const bool numbers =
      producer != nullptr && producer->client == id() && !again_first && random.percent(80) &&
      (producer->unanswered.empty() || producer->next_seq - producer->unanswered.begin()->first < kSpanMax);
  if (numbers) {
    out.producer_seq = producer->next_seq++;
    out.key = {producer->key(), static_cast<std::uint32_t>(out.producer_seq)};
  } else {
    ++next_number_;
  }
  const std::size_t dice = random.below(100);
  out.op = dice < 70 ? proto::Op::set : dice < 85 ? proto::Op::event : proto::Op::remove;
  if (random.percent(20)) out.content_type = "text/x-simulated; charset=utf-8";
  if (out.op != proto::Op::remove) {
    out.payload = payload_of(out.key, size);
    if (is_text(out.key)) {
      out.format = random.percent(50) ? proto::Format::text : proto::Format::json;
      if (out.format == proto::Format::json) out.payload = "\"" + out.payload + "\"";
    }
  }
  if (out.producer_seq != 0) producer->unanswered.emplace(out.producer_seq, out);
  return out;
}

std::string FullClient::headers_of(const Outgoing& message) {
  std::string headers;
  if (message.op == proto::Op::remove) proto::append_header({.name = kKeyHeader, .value = text(message.key)}, headers);
  if (message.key.client != id()) proto::append_header({.name = kByHeader, .value = std::to_string(id())}, headers);
  if (world_.random.percent(10)) proto::append_header({.name = "note", .value = "caf\xc3\xa9"}, headers);
  return headers;
}

void FullClient::publish(const std::string& topic, std::size_t count, std::size_t size) {
  if (options_.obeys_credit && (!welcome_ || publisher_.exhausted())) return;
  std::vector<Outgoing> messages;
  for (; count > 0; --count) messages.push_back(make(topic, world_.random.below(size + 1)));
  send(messages);
}

// By themselves or as batches.
void FullClient::send(const std::vector<Outgoing>& messages) {
  std::vector<std::string> headers;
  for (const Outgoing& message : messages) headers.push_back(headers_of(message));
  std::vector<proto::Publish> requests;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Outgoing& message = messages[i];
    const std::uint64_t request = world_.random.percent(15) ? 0 : next_id_++;
    last_publish_id_ = std::max(last_publish_id_, request);
    publisher_.sent(request, message, headers[i]);
    requests.push_back(
        {.id = request,
         .topic = message.topic,
         .op = message.op,
         .format = message.format,
         .content_type = message.content_type,
         .headers = headers[i],
         .payload = proto::Bytes{reinterpret_cast<const std::uint8_t*>(message.payload.data()), message.payload.size()},
         .producer_seq = message.producer_seq});
  }
  constexpr std::size_t kBatchBytesMax = 20'000;  // below the least limit on a message, whatever its form
  std::size_t bytes = 0;
  for (const Outgoing& message : messages) bytes += message.payload.size() + 200;
  if (requests.size() > 1 && bytes <= kBatchBytesMax && world_.random.percent(50)) {
    for (std::span<const proto::Publish> rest = requests; !rest.empty();) {
      const auto batch = rest.first(std::min<std::size_t>(rest.size(), proto::kBatchMessagesMax));
      rest = rest.subspan(batch.size());
      ask(proto::PublishBatch{.messages = batch});
    }
    return;
  }
  for (const proto::Publish& request : requests) ask(request);
}

void FullClient::publish_again() {
  std::vector<Outgoing> messages;
  for (const auto& [seq, message] : options_.producer->unanswered) messages.push_back(message);
  if (!messages.empty()) send(messages);
}

void FullClient::answered(const Outgoing& message) {
  if (message.producer_seq == 0) return;
  taken_ = true;
  options_.producer->unanswered.erase(message.producer_seq);
}

void FullClient::on(const proto::Ack& ack) {
  for (const Outgoing& message : publisher_.ack(ack)) answered(message);
}

void FullClient::on(const proto::Credit& credit) {
  expect(options_.credit, "credit that nobody wanted");
  publisher_.credit(credit);
}

}  // namespace ringcast::sim
