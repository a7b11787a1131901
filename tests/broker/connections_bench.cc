#include "tests/broker/connections_bench.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "frame/handshake.h"
#include "frame/mask.h"

namespace ringcast::broker::test {

std::span<const io::Short> ScriptedBackend::send(std::span<const io::Send> sends) {
  shorts.clear();
  for (const io::Send& one : sends) {
    const std::size_t taken = std::min(room, one.data.size());
    sent.append(one.data.begin(), one.data.begin() + static_cast<std::ptrdiff_t>(taken));
    if (room != SIZE_MAX) room -= taken;
    if (taken == one.data.size()) continue;
    shorts.push_back({.slot = one.slot, .result = taken > 0 ? static_cast<std::int32_t>(taken) : -EAGAIN});
  }
  return shorts;
}

ConnectionsBench::ConnectionsBench(const Options& options)
    : config(options.config),
      mesh({.shards = options.shards,
            .requests_capacity = options.requests_capacity,
            .deliveries_capacity = options.deliveries_capacity}),
      shard(std::make_unique<Shard>(Process{.config = config, .mesh = mesh, .hash_key = kBenchKey, .epoch = 0xe0}, 0)),
      connections(std::make_unique<io::Connections>(*shard, io::Connections::Options{})) {}

ConnectionsBench::~ConnectionsBench() = default;

SlotId ConnectionsBench::connect() {
  connections->adopt(next_fd_++, now.monotonic);
  return connections->operations().back().slot;
}

void ConnectionsBench::use_tls(std::unique_ptr<io::TlsShard> tls) {
  connections = std::make_unique<io::Connections>(*shard, io::Connections::Options{}, std::move(tls));
}

SlotId ConnectionsBench::connect_tls() {
  connections->adopt(next_fd_++, now.monotonic, io::Connections::Via::tls);
  assert(connections->operations().back().kind == io::OperationKind::receive);
  return connections->operations().back().slot;
}

void ConnectionsBench::refuse_tls() {
  connections->adopt(next_fd_++, now.monotonic, io::Connections::Via::tls);
  assert(connections->operations().back().kind == io::OperationKind::close);
}

void ConnectionsBench::receive(SlotId slot, std::string_view bytes) {
  received_.push_back(std::make_unique<std::string>(bytes));
  completions_.push_back({.kind = io::OperationKind::receive,
                          .more = true,
                          .result = static_cast<std::int32_t>(bytes.size()),
                          .slot = slot,
                          .data = {reinterpret_cast<std::uint8_t*>(received_.back()->data()), bytes.size()}});
}

void ConnectionsBench::end_of_stream(SlotId slot) {
  completions_.push_back({.kind = io::OperationKind::receive, .result = 0, .slot = slot});
}

void ConnectionsBench::finish_send(SlotId slot) {
  const auto armed = std::ranges::find_if(operations.rbegin(), operations.rend(), [&](const io::Operation& operation) {
    return operation.kind == io::OperationKind::send && operation.slot == slot;
  });
  assert(armed != operations.rend());
  backend.sent.append(armed->data.begin(), armed->data.end());
  completions_.push_back(
      {.kind = io::OperationKind::send, .result = static_cast<std::int32_t>(armed->data.size()), .slot = slot});
}

void ConnectionsBench::socket_ready(SlotId slot) {
  completions_.push_back({.kind = io::OperationKind::poll_out, .result = 4, .slot = slot});
}

void ConnectionsBench::turn() {
  connections->complete(std::exchange(completions_, {}), now);
  received_.clear();
  (void)shard->turn(now);
  connections->apply(now);
  flushed_ = connections->flush(backend, SIZE_MAX, now.monotonic);
  auto& made = connections->operations();
  operations.insert(operations.end(), made.begin(), made.end());
  made.clear();
}

void ConnectionsBench::settle() {
  do {
    turn();
  } while (!flushed_ || shard->busy() || shard->must_not_sleep());
}

std::string ConnectionsBench::take_sent() {
  return std::exchange(backend.sent, {});
}

std::size_t ConnectionsBench::count(io::OperationKind kind) const {
  return static_cast<std::size_t>(std::ranges::count(operations, kind, &io::Operation::kind));
}

std::string upgrade_request(std::string_view path) {
  return frame::upgrade_request({.host = "127.0.0.1", .target = path, .nonce = {}, .protocols = {}, .fields = {}});
}

std::string client_frame(frame::Opcode opcode, std::string_view payload) {
  constexpr frame::MaskKey kMask{0x12, 0x34, 0x56, 0x78};
  std::array<std::uint8_t, frame::kHeaderSizeMax> head{};
  const std::size_t size =
      frame::encode_header({.opcode = opcode, .masked = true, .mask = kMask, .payload_size = payload.size()}, head);
  std::string bytes(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
  std::string body(payload);
  frame::mask({reinterpret_cast<std::uint8_t*>(body.data()), body.size()}, kMask);
  return bytes + body;
}

}  // namespace ringcast::broker::test
