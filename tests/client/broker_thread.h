// BrokerThread: FakeBrokers behind a port of loopback, one connection after the other, in a thread of its own.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <functional>
#include <mutex>

#include "tests/client/fake_broker.h"
#include "tests/client/server.h"

namespace ringcast::test {

class BrokerThread {
 public:
  explicit BrokerThread(FakeBroker::Options options = {}, int connections = 1)
      : options_(std::move(options)),
        wake_(::eventfd(0, EFD_CLOEXEC)),
        server_(connections, [this](int fd) { serve(fd); }) {}
  BrokerThread(const BrokerThread&) = delete;
  BrokerThread& operator=(const BrokerThread&) = delete;
  ~BrokerThread() { act({}); }  // the last connection ends

  [[nodiscard]] std::string url() const { return server_.url(); }

  // Runs in the broker's thread, with the connection that is open; an empty one ends it.
  void act(std::function<void(FakeBroker&)> action) {
    {
      const std::lock_guard lock(mutex_);
      actions_.push_back(std::move(action));
    }
    ::eventfd_write(wake_, 1);
  }
  void ack_all() {
    act([](FakeBroker& broker) {
      for (const Heard& publish : broker.all("publish")) broker.ack(publish.id, publish.producer_seq);
    });
  }

 private:
  void serve(int fd) {
    FakeBroker broker(options_);
    std::array<std::uint8_t, 16 * 1024> buffer;
    for (;;) {
      std::array<pollfd, 2> ready{pollfd{.fd = fd, .events = POLLIN, .revents = 0},
                                  pollfd{.fd = wake_, .events = POLLIN, .revents = 0}};
      ::poll(ready.data(), ready.size(), -1);
      if (ready[0].revents != 0) {
        const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (size <= 0) return;
        broker.take(frame::Bytes(buffer).first(static_cast<std::size_t>(size)));
      }
      if (ready[1].revents != 0 && !run_actions(broker)) return;
      write_all(fd, broker.release());
    }
  }

  bool run_actions(FakeBroker& broker) {
    eventfd_t count = 0;
    ::eventfd_read(wake_, &count);
    std::vector<std::function<void(FakeBroker&)>> actions;
    {
      const std::lock_guard lock(mutex_);
      std::swap(actions, actions_);
    }
    for (const auto& action : actions) {
      if (!action) return false;
      action(broker);
    }
    return true;
  }

  FakeBroker::Options options_;
  int wake_;
  std::mutex mutex_;
  std::vector<std::function<void(FakeBroker&)>> actions_;
  Server server_;  // last: its thread uses the others
};

}  // namespace ringcast::test
