#include "tests/broker/full_bench.h"

#include <doctest/doctest.h>

#include <utility>

#include "frame/header.h"
#include "frame/mask.h"

namespace ringcast::broker::test {

FullBench::FullBench(const Options& options)
    : config_(options.config),
      mesh_({.shards = options.shards,
             .requests_capacity = options.requests_capacity,
             .deliveries_capacity = options.deliveries_capacity}) {
  const Process process{.config = config_,
                        .mesh = mesh_,
                        .hash_key = {1, 2},
                        .epoch = 0xabcdef,
                        .memory_budget = options.memory_budget,
                        .budget = options.budget};
  for (std::uint32_t i = 0; i < options.shards; ++i) shards_.push_back(std::make_unique<Shard>(process, i));
}

FullBench::~FullBench() {
  for (const auto& client : clients_) {
    if (shards_[client->shard]->sessions().find(client->slot) != nullptr) lose(*client);
  }
  settle();
}

Client& FullBench::dial(std::uint32_t shard, std::string_view target, std::string_view protocol,
                        std::string_view extensions) {
  const std::string head = "GET " + std::string(target) +
                           " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: " +
                           std::string(protocol) +
                           (extensions.empty() ? "" : "\r\nSec-WebSocket-Extensions: " + std::string(extensions)) +
                           "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  return request(shard, head);
}

Client& FullBench::request(std::uint32_t shard, std::string_view bytes) {
  clients_.push_back(std::make_unique<Client>());
  Client& client = *clients_.back();
  client.shard = shard;
  client.slot = shards_[shard]->opened({}, now.monotonic);
  client.unread.assign(bytes.begin(), bytes.end());
  offer(client);
  settle();
  return client;
}

Client& FullBench::connect(std::uint32_t shard, std::string_view target, std::string_view protocol) {
  Client& client = dial(shard, target, protocol);
  REQUIRE_MESSAGE(client.open, client.head);
  return client;
}

std::string FullBench::try_connect(std::uint32_t shard, std::string_view target, std::string_view protocol) {
  return dial(shard, target, protocol).head;
}

Client& FullBench::connect_offering(std::string_view extensions, std::uint32_t shard, std::string_view target,
                                    std::string_view protocol) {
  Client& client = dial(shard, target, protocol, extensions);
  REQUIRE_MESSAGE(client.open, client.head);
  return client;
}

std::string FullBench::try_connect_offering(std::string_view extensions, std::string_view target,
                                            std::string_view protocol) {
  return dial(0, target, protocol, extensions).head;
}

void FullBench::whisper(Client& client, std::string_view json) {
  write(client, {.opcode = frame::Opcode::text}, json);
}

void FullBench::send(Client& client, frame::Header header, std::string_view payload) {
  write(client, header, payload);
  settle();
}

void FullBench::write(Client& client, frame::Header header, std::string_view json) {
  header.masked = true;
  header.mask = {1, 2, 3, 4};
  header.payload_size = json.size();
  std::array<std::uint8_t, frame::kHeaderSizeMax> head{};
  const std::size_t head_size = frame::encode_header(header, head);
  client.unread.insert(client.unread.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
  const std::size_t at = client.unread.size();
  client.unread.insert(client.unread.end(), json.begin(), json.end());
  frame::mask(MutableBytes{client.unread}.subspan(at), header.mask);
  offer(client);
}

void FullBench::write_bytes(Client& client, std::string_view bytes) {
  client.unread.insert(client.unread.end(), bytes.begin(), bytes.end());
  offer(client);
}

void FullBench::say(Client& client, std::string_view json) {
  whisper(client, json);
  settle();
}

std::vector<std::string> FullBench::take(Client& client) {
  return std::exchange(client.heard, {});
}

std::vector<std::string> FullBench::ask(Client& client, std::string_view json) {
  say(client, json);
  return take(client);
}

void FullBench::lose(Client& client) {
  shards_[client.shard]->peer_lost(client.slot);
}

void FullBench::drain() {
  for (const auto& shard : shards_) shard->drain(Farewell{});
  settle();
}

Client* FullBench::find(std::uint32_t shard, SlotId slot) {
  for (const auto& client : clients_) {
    if (client->shard == shard && client->slot == slot) return client.get();
  }
  return nullptr;
}

void FullBench::offer(Client& client) {
  Shard& shard = *shards_[client.shard];
  if (client.unread.empty() || shard.sessions().find(client.slot) == nullptr || shard.stopped(client.slot)) return;
  const std::size_t taken = shard.received(client.slot, client.unread, now.monotonic);
  client.unread.erase(client.unread.begin(), client.unread.begin() + static_cast<std::ptrdiff_t>(taken));
  worked_ = true;
}

void FullBench::read(Client& client) {
  Shard& shard = *shards_[client.shard];
  SessionTable& sessions = shard.sessions();
  Session* session = sessions.find(client.slot);
  if (session == nullptr || session->phase == Phase::upgrading) return;
  if (!client.reads && !session->outbox.empty() && !session->send_blocked) {
    client.full = true;
    shard.blocked(client.slot);
  }
  if (client.reads && std::exchange(client.full, false)) {
    worked_ = true;
    shard.unblocked(client.slot);
  }
  if (client.reads) take_owed(client, *session);
}

void FullBench::take_armed(Client& client) {
  client.reads = true;
  client.full = false;
  take_owed(client, *shards_[client.shard]->sessions().find(client.slot));
  shards_[client.shard]->unblocked(client.slot);
  settle();
}

void FullBench::take_owed(Client& client, Session& session) {
  Shard& shard = *shards_[client.shard];
  std::array<std::uint8_t, 64 * 1024> scratch{};
  while (!session.outbox.empty()) {
    worked_ = true;
    const Bytes next = session.outbox.gather(scratch, SIZE_MAX);
    std::vector<std::uint8_t> bytes(next.begin(), next.end());
    session.outbox.consume(next.size(), shard.sessions().outboxes());
    shard.sent(client.slot);
    std::size_t at = 0;
    if (!client.open) {
      client.head.append(bytes.begin(), bytes.end());
      const std::size_t end = client.head.find("\r\n\r\n");
      if (!client.head.starts_with("HTTP/1.1 101") || end == std::string::npos) continue;
      client.open = true;
      bytes.assign(client.head.begin() + static_cast<std::ptrdiff_t>(end) + 4, client.head.end());
    }
    client.bytes += bytes.size();
    while (at < bytes.size()) {
      const frame::Step step = client.parser.next(MutableBytes{bytes}.subspan(at), &client.inflater);
      at += step.consumed;
      REQUIRE(step.event.kind != frame::Event::Kind::failed);
      if (step.event.compressed) ++client.compressed;
      if (step.event.kind == frame::Event::Kind::text || step.event.kind == frame::Event::Kind::binary)
        client.heard.emplace_back(step.event.payload.begin(), step.event.payload.end());
      if (step.event.kind == frame::Event::Kind::close) client.close_code = step.event.code;
    }
  }
}

void FullBench::carry_out(std::uint32_t index) {
  Shard& shard = *shards_[index];
  SessionTable& sessions = shard.sessions();
  for (const SlotId slot : std::exchange(sessions.dirty(), {})) {
    Session* session = sessions.find(slot);
    if (session != nullptr) session->dirty = false;
  }
  for (const auto& client : clients_) {
    if (client->shard == index) read(*client);
  }
  for (const Doomed& doomed : std::exchange(sessions.doomed(), {})) {
    worked_ = true;
    if (doomed.how == Doomed::How::abort) {
      shard.released(doomed.slot);
    } else {
      finishing_.push_back({index, doomed.slot});
    }
  }
  std::erase_if(finishing_, [&](const auto& finishing) {
    if (finishing.first != index) return false;
    const Session* session = sessions.find(finishing.second);
    if (session == nullptr) return true;
    if (!session->outbox.empty()) return false;
    shard.peer_lost(finishing.second);  // what was owed is read: the peer closes too
    return true;
  });
  for (const SlotId slot : std::exchange(sessions.resumed(), {})) {
    if (Client* client = find(index, slot)) offer(*client);
  }
  shard.flushed();
}

bool FullBench::turn() {
  worked_ = false;
  for (std::uint32_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i]->turn(now) != 0 || shards_[i]->busy() || shards_[i]->must_not_sleep()) worked_ = true;
    carry_out(i);
  }
  return worked_;
}

void FullBench::settle() {
  for (int quiet = 0; quiet < 3;) quiet = turn() ? 0 : quiet + 1;
}

}  // namespace ringcast::broker::test
