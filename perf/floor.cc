// floor: the least that a broadcast server can do on io_uring: what any broker's cost is compared with.
//
//   perf/floor --port 8090 [--cpu 0] [--deflate]
//
// --deflate: each message is compressed for each subscriber anew (permessage-deflate without context, at the broker's
// level), as by servers that do so per connection: what perf/compression compares with.
//
// Accepts WebSocket upgrades under any URL; what a connection with `mode=pub` sends goes to all others whose path is
// the same as its own. One thread; per turn, everything received is framed once into one buffer, and each subscriber is
// sent that buffer by one fire-and-forget SEND, 64 to a submission. No topics, sequences, history, limits, pings or
// backpressure: a subscriber whose socket is full is cut off. Runs until a signal ends it.
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frame/deflate.h"
#include "frame/handshake.h"
#include "frame/header.h"
#include "frame/mask.h"
#include "perf/floor_options.h"

namespace {

using ringcast::frame::Bytes;

constexpr unsigned kRingSize = 256;  // submissions; a chunk is 64
constexpr unsigned kCompletions = 4096;
constexpr unsigned kChunk = 64;            // sends per submission: more hold the thread in the kernel for no gain
constexpr unsigned kBuffers = 1024;        // receive buffers, a power of two
constexpr std::size_t kBufferSize = 4096;  // bytes
constexpr std::uint16_t kGroup = 0;

enum class Kind : std::uint64_t { accept, receive, send };

std::uint64_t to_data(Kind kind, std::size_t index) {
  return static_cast<std::uint64_t>(kind) << 56 | index;
}

[[noreturn]] void die(const char* what, int error) {
  std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(error));
  std::exit(1);
}

struct Connection {
  int fd = -1;
  bool open = false;  // upgraded
  bool publisher = false;
  std::string path;
  std::vector<std::uint8_t> kept;  // a head or a frame that is not whole yet
};

class Floor {
 public:
  enum class Mode { plain, deflate };

  Floor(int listener, Mode mode) : listener_(listener), mode_(mode), buffers_(kBuffers * kBufferSize) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN |
                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = kCompletions;
    if (const int error = io_uring_queue_init_params(kRingSize, &ring_, &params); error < 0) {
      die("io_uring_queue_init", -error);
    }
    io_uring_register_ring_fd(&ring_);  // saves looking the ring up in each call
    register_buffers();
  }
  Floor(const Floor&) = delete;
  Floor& operator=(const Floor&) = delete;
  ~Floor() = default;  // the process ends with it

  void run() {
    arm_accept();
    for (;;) {
      if (const int error = io_uring_submit_and_wait(&ring_, 1); error < 0 && error != -EINTR) {
        die("io_uring_submit_and_wait", -error);
      }
      reap();
      fan_out();
    }
  }

 private:
  void register_buffers() {
    if (::posix_memalign(reinterpret_cast<void**>(&pool_), 4096, kBuffers * sizeof(io_uring_buf)) != 0) {
      die("posix_memalign", ENOMEM);
    }
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(pool_);
    registration.ring_entries = kBuffers;
    registration.bgid = kGroup;
    if (const int error = io_uring_register_buf_ring(&ring_, &registration, 0); error < 0) {
      die("io_uring_register_buf_ring", -error);
    }
    io_uring_buf_ring_init(pool_);
    for (unsigned id = 0; id < kBuffers; ++id) give_back(static_cast<std::uint16_t>(id));
  }

  void give_back(std::uint16_t id) {
    io_uring_buf_ring_add(pool_, &buffers_[id * kBufferSize], kBufferSize, id, io_uring_buf_ring_mask(kBuffers), 0);
    io_uring_buf_ring_advance(pool_, 1);
  }

  io_uring_sqe* next_entry() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry != nullptr) return entry;
    io_uring_submit(&ring_);
    return io_uring_get_sqe(&ring_);
  }

  void arm_accept() {
    io_uring_sqe* entry = next_entry();
    io_uring_prep_multishot_accept(entry, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(entry, to_data(Kind::accept, 0));
  }

  void arm_receive(std::size_t index) {
    io_uring_sqe* entry = next_entry();
    io_uring_prep_recv_multishot(entry, connections_[index].fd, nullptr, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = kGroup;
    io_uring_sqe_set_data64(entry, to_data(Kind::receive, index));
  }

  void reap() {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      ++count;
      const std::size_t index = io_uring_cqe_get_data64(completion) & 0xffff'ffff;
      switch (static_cast<Kind>(io_uring_cqe_get_data64(completion) >> 56)) {
        case Kind::accept:
          accepted(completion->res, completion->flags);
          break;
        case Kind::receive:
          received(index, completion->res, completion->flags);
          break;
        case Kind::send:  // successes post none
          cut(index);
          break;
      }
    }
    io_uring_cq_advance(&ring_, count);
  }

  void accepted(int result, unsigned flags) {
    if (result >= 0) {
      const int on = 1;
      ::setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      connections_.emplace_back().fd = result;
      arm_receive(connections_.size() - 1);
    }
    if ((flags & IORING_CQE_F_MORE) == 0) arm_accept();
  }

  void received(std::size_t index, int result, unsigned flags) {
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
      const auto id = static_cast<std::uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT);
      if (result > 0) take(index, Bytes(&buffers_[id * kBufferSize], static_cast<std::size_t>(result)));
      give_back(id);
    }
    if (result <= 0 && result != -ENOBUFS) cut(index);
    if ((flags & IORING_CQE_F_MORE) == 0 && connections_[index].fd >= 0) arm_receive(index);
  }

  void take(std::size_t index, Bytes bytes) {
    Connection& connection = connections_[index];
    if (!connection.publisher && connection.open) return;  // what subscribers say is not for us
    std::vector<std::uint8_t>& kept = connection.kept;
    if (!kept.empty() || !connection.open) {
      kept.insert(kept.end(), bytes.begin(), bytes.end());
      bytes = kept;
    }
    const std::size_t used = connection.open ? take_frames(index, bytes) : upgrade(index, bytes);
    const Bytes rest = bytes.subspan(used);
    kept = std::vector<std::uint8_t>(rest.begin(), rest.end());
  }

  // Answers a whole request head and gives back its size; 0 while it is not whole.
  std::size_t upgrade(std::size_t index, Bytes bytes) {
    Connection& connection = connections_[index];
    const std::string_view text = ringcast::frame::as_text(bytes);
    const std::size_t end = text.find("\r\n\r\n");
    const std::size_t key = text.find("Sec-WebSocket-Key: ");
    if (end == std::string_view::npos || key == std::string_view::npos) return 0;
    const std::string_view target = text.substr(4, text.find(' ', 4) - 4);
    const auto accept = ringcast::frame::accept_key(text.substr(key + 19, ringcast::frame::kKeySize));
    std::string answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    answer += "Sec-WebSocket-Accept: ";
    answer.append(accept.data(), accept.size());
    if (mode_ == Mode::deflate && text.find("permessage-deflate") != std::string_view::npos) {
      answer += "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; ";
      answer += "client_no_context_takeover";
    }
    answer += "\r\n\r\n";
    if (::send(connection.fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return 0;
    connection.open = true;
    connection.path = target.substr(0, target.find('?'));
    connection.publisher = target.find("mode=pub") != std::string_view::npos;
    if (!connection.publisher && connection.path == path_) subscribers_.push_back(index);
    return end + 4;
  }

  std::size_t take_frames(std::size_t index, Bytes bytes) {
    std::size_t used = 0;
    for (;;) {
      const Bytes rest = bytes.subspan(used);
      const auto header = ringcast::frame::decode_header(rest);
      if (!header || rest.size() - header->size < header->payload_size) return used;
      const std::size_t size = header->size + static_cast<std::size_t>(header->payload_size);
      if (!ringcast::frame::is_control(header->opcode)) {
        if (path_.empty()) choose_path(connections_[index].path);
        add_frame(*header, rest.subspan(header->size, size - header->size));
      }
      used += size;
    }
  }

  // The first message tells whose messages are fanned out, and so to whom.
  void choose_path(const std::string& path) {
    path_ = path;
    for (std::size_t index = 0; index < connections_.size(); ++index) {
      const Connection& connection = connections_[index];
      if (connection.open && !connection.publisher && connection.path == path_) subscribers_.push_back(index);
    }
  }

  void add_frame(const ringcast::frame::Header& header, Bytes payload) {
    if (mode_ == Mode::deflate) {
      std::vector<std::uint8_t>& message = messages_.emplace_back(payload.begin(), payload.end());
      ringcast::frame::mask(message, header.mask);
      return;
    }
    std::array<std::uint8_t, ringcast::frame::kHeaderSizeMax> head;
    const std::size_t head_size = ringcast::frame::encode_header(
        {.opcode = header.opcode, .fin = header.fin, .payload_size = payload.size()}, head);
    out_.insert(out_.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
    const std::size_t begin = out_.size();
    out_.insert(out_.end(), payload.begin(), payload.end());
    ringcast::frame::mask(std::span(out_).subspan(begin), header.mask);
  }

  // One send per subscriber with all that came in this turn.
  void fan_out() {
    if (mode_ == Mode::deflate) return fan_out_deflated();
    if (out_.empty()) return;
    unsigned pending = 0;
    for (const std::size_t index : subscribers_) {
      io_uring_sqe* entry = next_entry();
      io_uring_prep_send(entry, connections_[index].fd, out_.data(), out_.size(),
                         MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
      entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
      io_uring_sqe_set_data64(entry, to_data(Kind::send, index));
      if (++pending == kChunk) {
        io_uring_submit(&ring_);
        pending = 0;
      }
    }
    if (pending > 0) io_uring_submit(&ring_);
    out_.clear();  // a send that may not wait is over when the submission returns
  }

  void fan_out_deflated() {
    if (messages_.empty()) return;
    std::array<std::uint8_t, ringcast::frame::kHeaderSizeMax> head;
    for (const std::size_t index : subscribers_) {
      out_.clear();
      for (const std::vector<std::uint8_t>& message : messages_) {
        const Bytes deflated = deflater_.deflate(message);
        const std::size_t head_size = ringcast::frame::encode_header(
            {.opcode = ringcast::frame::Opcode::binary, .rsv1 = true, .payload_size = deflated.size()}, head);
        out_.insert(out_.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
        out_.insert(out_.end(), deflated.begin(), deflated.end());
      }
      if (::send(connections_[index].fd, out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) cut(index);
    }
    out_.clear();
    messages_.clear();
  }

  void cut(std::size_t index) {
    Connection& connection = connections_[index];
    if (connection.fd < 0) return;
    ::shutdown(connection.fd, SHUT_RDWR);  // ends the receive that is in flight
    ::close(connection.fd);
    connection = {};
    std::erase(subscribers_, index);
  }

  int listener_;
  Mode mode_;
  ringcast::frame::Deflater deflater_{ringcast::frame::Deflater::Options{}};
  std::vector<std::vector<std::uint8_t>> messages_;  // of this turn, with --deflate
  io_uring ring_{};
  io_uring_buf_ring* pool_ = nullptr;
  std::vector<std::uint8_t> buffers_;
  std::vector<Connection> connections_;  // never reused: a benchmark connects once
  std::vector<std::uint8_t> out_;
  std::string path_;                      // of the publishers
  std::vector<std::size_t> subscribers_;  // of that path
};

int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) die("bind", errno);
  if (::listen(fd, 4096) != 0) die("listen", errno);
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = ringcast::perf::parse_floor_options(argc, argv);
  if (!options) return options.error();
  if (options->cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<unsigned>(options->cpu), &cpus);
    if (::sched_setaffinity(0, sizeof(cpus), &cpus) != 0) die("sched_setaffinity", errno);
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const auto floor =
      std::make_unique<Floor>(listen_on(options->port), options->deflate ? Floor::Mode::deflate : Floor::Mode::plain);
  std::fprintf(stderr, "floor: listening on 127.0.0.1:%d\n", options->port);
  floor->run();
}
