#include "tests/fuzz/session_world.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "frame/handshake.h"
#include "frame/mask.h"
#include "proto/proto_form.h"
#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

namespace {

constexpr topics::HashKey kKey{.k0 = 1, .k1 = 2};
constexpr std::string_view kTopic = "witness/topic";
constexpr std::string_view kPayload = "\x01what only the witness publishes: ";

broker::Config config_of(const World::Options& options) {
  broker::Config config;
  config.max_connections = 8;
  config.max_subscriptions = 16;
  config.max_message_bytes = 4 * broker::kKiB;
  config.compress_min_bytes = 16;
  config.outbox_max_bytes = options.outbox_max_bytes;
  config.http_head_max_bytes = broker::kKiB;
  config.topics_max = 64;
  config.producers_max = 4;
  config.history = 2;
  return config;
}

std::string handshake(std::string_view target, std::string_view protocol) {
  const std::array<std::string_view, 1> protocols{protocol};
  return frame::upgrade_request({.host = "localhost",
                                 .target = target,
                                 .nonce = {},
                                 .protocols = std::span(protocols).first(protocol.empty() ? 0 : 1),
                                 .extensions = {},
                                 .fields = {}});
}

}  // namespace

std::string client_frame(const frame::Header& header, std::string_view payload) {
  frame::Header masked = header;
  masked.masked = true;
  masked.mask = {0x12, 0x34, 0x56, 0x78};
  std::array<std::uint8_t, frame::kHeaderSizeMax> head{};
  const std::size_t size = frame::encode_header(masked, head);
  std::string bytes(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
  std::string body(payload);
  frame::mask({reinterpret_cast<std::uint8_t*>(body.data()), body.size()}, masked.mask);
  return bytes + body;
}

// A client that does nothing wrong: it reads all it gets and answers pings.
class World::Witness {
 public:
  Witness(Pipe& pipe, std::string_view target, std::string_view protocol) : pipe_(pipe) {
    pipe_.sending.push_back(handshake(target, protocol));
  }

  Pipe& pipe() { return pipe_; }

  void say(std::string_view text) {
    pipe_.sending.push_back(client_frame({.opcode = frame::Opcode::text, .payload_size = text.size()}, text));
  }

  template <typename OnMessage>
  void read(OnMessage&& on_message) {
    std::string got = std::exchange(pipe_.got, {});
    if (!open_) {
      head_ += got;
      const std::size_t end = head_.find("\r\n\r\n");
      if (end == std::string::npos) return;
      require(head_.starts_with("HTTP/1.1 101"));
      open_ = true;
      got = head_.substr(end + 4);
    }
    frame::MutableBytes rest{reinterpret_cast<std::uint8_t*>(got.data()), got.size()};
    for (;;) {
      const frame::Step step = parser_.next(rest);
      rest = rest.subspan(step.consumed);
      if (step.event.kind == frame::Event::Kind::need_more) return;
      take(step.event, on_message);
    }
  }

 private:
  template <typename OnMessage>
  void take(const frame::Event& event, OnMessage& on_message) {
    switch (event.kind) {
      case frame::Event::Kind::ping:
        pipe_.sending.push_back(client_frame({.opcode = frame::Opcode::pong, .payload_size = event.payload.size()},
                                             frame::as_text(event.payload)));
        return;
      case frame::Event::Kind::close:
        require(event.code == 1012);  // nobody closes a witness but a drain
        return;
      case frame::Event::Kind::text:
      case frame::Event::Kind::binary:
        return on_message(event.payload);
      case frame::Event::Kind::pong:
        return;
      case frame::Event::Kind::need_more:
      case frame::Event::Kind::failed:
        require(false);
    }
  }

  Pipe& pipe_;
  bool open_ = false;
  std::string head_;
  frame::Parser parser_{frame::Parser::Options{.role = frame::Role::client}};
};

World::World(const Options& options)
    : config_(config_of(options)),
      mesh_({.shards = kShards, .requests_capacity = options.ring_slots, .deliveries_capacity = options.ring_slots}) {
  const broker::Process process{.config = config_, .mesh = mesh_, .hash_key = kKey, .epoch = 0xe0};
  for (std::uint32_t i = 0; i < kShards; ++i) {
    shards_[i] = std::make_unique<broker::Shard>(process, i);
    connections_[i] = std::make_unique<io::Connections>(*shards_[i], io::Connections::Options{});
  }
  (void)connect(0);
  subscriber_ = std::make_unique<Witness>(connect(1), "/topics/%23", "ringcast.v1.proto");
  publisher_ = std::make_unique<Witness>(connect(0), "/topics/" + std::string(kTopic) + "?mode=pub", "");
  settle(0);
}

World::~World() = default;

Pipe& World::connect(std::uint32_t shard) {
  const auto fd = static_cast<int>(pipes_.size());
  pipes_.push_back(std::make_unique<Pipe>());
  pipes_.back()->shard = shard;
  connections_[shard]->adopt(fd, now_.monotonic);
  submit(connections_[shard]->operations());
  connections_[shard]->operations().clear();
  return *pipes_.back();
}

void World::submit(std::span<const io::Operation> operations) {
  for (const io::Operation& operation : operations) {
    Pipe& pipe = *pipes_.at(static_cast<std::size_t>(operation.fd));
    require(!pipe.closed);
    switch (operation.kind) {
      case io::OperationKind::receive:
        require(!pipe.receive_armed);
        pipe.slot = operation.slot;
        pipe.receive_armed = true;
        break;
      case io::OperationKind::cancel_receive:
        pipe.receive_cancelled = true;
        break;
      case io::OperationKind::send:
        require(!pipe.send_armed && !pipe.poll_armed);
        pipe.send_armed = true;
        pipe.send_data = operation.data;
        break;
      case io::OperationKind::poll_out:
        require(!pipe.send_armed && !pipe.poll_armed);
        pipe.poll_armed = true;
        break;
      case io::OperationKind::shutdown_write:
        pipe.fin = true;
        break;
      case io::OperationKind::shutdown_both:
        pipe.shut_down = true;
        break;
      case io::OperationKind::close:
        require(!pipe.receive_armed && !pipe.send_armed && !pipe.poll_armed);
        pipe.closed = true;
        break;
      case io::OperationKind::accept:
      case io::OperationKind::cancel_accept:
      case io::OperationKind::wake:
        require(false);
    }
  }
}

std::span<const io::Short> World::send(std::span<const io::Send> sends) {
  shorts_.clear();
  for (const io::Send& one : sends) {
    Pipe& pipe = *pipes_.at(static_cast<std::size_t>(one.fd));
    require(!pipe.closed && !pipe.fin && !pipe.send_armed && !pipe.poll_armed);
    if (pipe.reset) {
      shorts_.push_back({.slot = one.slot, .result = -EPIPE});
      continue;
    }
    const std::size_t taken = std::min(pipe.room, one.data.size());
    pipe.got.append(frame::as_text(one.data.first(taken)));
    if (pipe.room != SIZE_MAX) pipe.room -= taken;
    if (taken == one.data.size()) continue;
    shorts_.push_back({.slot = one.slot, .result = taken > 0 ? static_cast<std::int32_t>(taken) : -EAGAIN});
  }
  return shorts_;
}

void World::collect_receive(Pipe& pipe) {
  if (!pipe.receive_armed) return;
  io::Completion completion{.kind = io::OperationKind::receive, .slot = pipe.slot};
  if (pipe.receive_cancelled || pipe.shut_down) {
    completion.result = -ECANCELED;
  } else if (pipe.reset) {
    completion.result = -ECONNRESET;
  } else if (!pipe.sending.empty()) {
    // Memory that ends with the bytes, so that the address sanitizer sees a read past them or after the turn.
    const std::string bytes = std::move(pipe.sending.front());
    pipe.sending.pop_front();
    if (bytes.empty()) return;
    buffers_.push_back(std::make_unique<std::uint8_t[]>(bytes.size()));
    std::ranges::copy(bytes, buffers_.back().get());
    completion.data = {buffers_.back().get(), bytes.size()};
    completion.result = static_cast<std::int32_t>(bytes.size());
    completion.more = true;
  } else if (!pipe.finished) {
    return;
  }
  if (!completion.more) pipe.receive_armed = pipe.receive_cancelled = false;
  completions_.push_back(completion);
}

void World::collect_room(Pipe& pipe) {
  const bool broken = pipe.shut_down || pipe.reset;
  if (pipe.poll_armed && (broken || pipe.room > 0)) {
    pipe.poll_armed = false;
    completions_.push_back({.kind = io::OperationKind::poll_out, .result = broken ? -EPIPE : 4, .slot = pipe.slot});
  }
  if (!pipe.send_armed || (!broken && pipe.room < pipe.send_data.size())) return;
  pipe.send_armed = false;
  if (!broken) {
    pipe.got.append(frame::as_text(pipe.send_data));
    if (pipe.room != SIZE_MAX) pipe.room -= pipe.send_data.size();
  }
  const auto result = broken ? -EPIPE : static_cast<std::int32_t>(pipe.send_data.size());
  completions_.push_back({.kind = io::OperationKind::send, .result = result, .slot = pipe.slot});
}

void World::collect(std::uint32_t shard) {
  completions_.clear();
  for (const auto& pipe : pipes_) {
    if (pipe->shard != shard || pipe->closed) continue;
    collect_room(*pipe);
    collect_receive(*pipe);
  }
}

bool World::turn(std::uint32_t shard) {
  collect(shard);
  io::Connections& connections = *connections_[shard];
  connections.complete(completions_, now_);
  buffers_.clear();
  const bool shown = shards_[shard]->turn(now_) != 0;
  connections.apply(now_);
  const bool flushed = connections.flush(*this, SIZE_MAX, now_.monotonic);
  const bool submitted = !connections.operations().empty();
  submit(connections.operations());
  connections.operations().clear();
  return !completions_.empty() || shown || !flushed || submitted || shards_[shard]->busy() || connections.has_more() ||
         shards_[shard]->must_not_sleep();
}

bool World::turn() {
  bool more = false;
  for (std::uint32_t i = 0; i < kShards; ++i) more |= turn(i);
  subscriber_->read([&](Bytes bytes) {
    proto::ProtoForm form;
    const auto event = form.read_event(bytes);
    require(event.has_value());
    const auto* const message = std::get_if<proto::Message>(&*event);
    if (message == nullptr) return;
    std::vector<Heard>& topic = truth_[std::string(message->topic)];
    require(topic.empty() || topic.back().seq < message->seq);
    std::string what{static_cast<char>('0' + std::to_underlying(message->op)),
                     static_cast<char>('0' + std::to_underlying(message->format))};
    what.append(message->content_type).append("|").append(message->headers).append("|");
    what.append(frame::as_text(message->payload));
    topic.push_back({.seq = message->seq, .what = std::move(what)});
  });
  publisher_->read([](Bytes) { require(false); });
  return more || !subscriber_->pipe().sending.empty() || !publisher_->pipe().sending.empty();
}

void World::settle(std::size_t bytes) {
  // A turn takes at least one frame or request, each of which has two bytes at least.
  const std::size_t turns_max = 200 + 4 * bytes;
  std::size_t turns = 0;
  for (int quiet = 0; quiet < 2; quiet = turn() ? 0 : quiet + 1) require(++turns < turns_max);
}

void World::publish() {
  publisher_->say(std::string(kPayload) + std::to_string(published_++));
}

void World::require_heard() {
  std::uint32_t next = 0;
  for (const Heard& heard : truth_[std::string(kTopic)]) {
    if (heard.what.ends_with(std::string(kPayload) + std::to_string(next))) ++next;
  }
  require(next == published_);
}

void World::drain() {
  for (const auto& shard : shards_) shard->drain(broker::Farewell{});
  settle(guest().got.size());
  for (const auto& shard : shards_) shard->close_all(now_.monotonic);
}

void World::check_invariants() {
  for (const auto& shard : shards_) {
    broker::SessionTable& sessions = shard->sessions();
    for (std::uint32_t i = 0; i < sessions.index_end(); ++i) sessions.at(i).outbox.check_invariants();
    shard->subscriptions().check_invariants();
    shard->home().home().check_invariants();
    shard->pool().check_invariants();
  }
}

void World::end() {
  for (const auto& pipe : pipes_) pipe->reset = true;
  for (int i = 0; i < 3; ++i) {  // what readers have passed is given back in a turn
    settle(guest().got.size());
    pass_time(120'000);
  }
  check_nothing_left();
}

void World::check_nothing_left() {
  std::uint64_t live = 0;
  std::uint64_t kept = 0;
  for (std::uint32_t i = 0; i < kShards; ++i) {
    broker::Shard& shard = *shards_[i];
    require(shard.sessions().live() == 0);
    require(connections_[i]->open() == 0);
    std::vector<broker::Segment*> current = shard.fan_out().current_segments();
    shard.latest().renderings().current_segments(current);
    const std::size_t written = current.size() + (shard.sessions().own_writer().current() != nullptr ? 1 : 0);
    const std::uint64_t segments = shard.sessions().segments().live();
    require(segments == written || segments == written + 1);  // the ids of event streams have a writer of their own
    require(shard.latest().owed() == 0 && shard.latest().table().empty());
    const topics::Subscriptions::Counters& counters = shard.subscriptions().counters();
    require(counters.filters == 0 && counters.groups == 0 && counters.live == 0 && counters.joining == 0);
    const topics::Home::Counters& home = shard.home().home().counters();
    require(home.wildcards == 0 && home.entries == home.topics);
    live += shard.pool().live();
    for (const auto& [topic, heard] : truth_) {
      const auto handle = shard.home().home().find(topic, topics::hash_name(kKey, topic));
      const topics::History* const history = shard.home().home().history(handle);
      if (history != nullptr) kept += history->size();
    }
  }
  require(live == kept);
}

}  // namespace ringcast::fuzz
