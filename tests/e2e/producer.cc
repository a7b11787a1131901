// producer: publishes the numbers 1 to COUNT to TOPIC with the client library, as fast as they are acknowledged, and
// prints a JSON line for each result; what becomes of the connection goes to stderr. For producer.test.mjs.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include "client/ringcast.h"

namespace {

using namespace std::chrono_literals;

// In milliseconds. The test loses many connections and has no thousand other clients to be polite to.
constexpr ringcast::Reconnect kReconnect{.floor = 1ms, .first = 10ms, .most = 50ms};

const char* name_of(ringcast::State state) {
  constexpr const char* kNames[] = {"connecting", "connected", "draining", "waiting", "closed"};
  return kNames[static_cast<int>(state)];
}

const char* name_of(ringcast::PublishStatus status) {
  constexpr const char* kNames[] = {"sequenced", "duplicate", "sent", "refused", "full", "not_sent", "unknown"};
  return kNames[static_cast<int>(status)];
}

void tell(const ringcast::Status& status) {
  std::fprintf(stderr, "%s epoch=%s epoch_changed=%d resumed=%d%s%s\n", name_of(status.state), status.epoch.c_str(),
               status.epoch_changed, status.producer_resumed, status.error ? " " : "",
               status.error ? status.error->text.c_str() : "");
}

std::string line_of(long long number, const ringcast::PublishResult& result) {
  return "{\"number\":" + std::to_string(number) + ",\"status\":\"" + name_of(result.status) +
         "\",\"seq\":" + std::to_string(result.seq) + ",\"epoch\":\"" + result.epoch +
         "\",\"maybe_twice\":" + (result.maybe_twice ? "true" : "false") +
         ",\"epoch_changed\":" + (result.epoch_changed ? "true" : "false") + "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: producer URL TOPIC COUNT\n");
    return 2;
  }
  const long long count = std::atoll(argv[3]);
  std::mutex mutex;
  std::string lines;
  auto client = ringcast::Client::open({.url = argv[1],
                                        .name = "e2e producer",
                                        .reconnect = kReconnect,
                                        .unacked_messages_max = ringcast::kUnackedMessagesMax,
                                        .on_state = tell});
  if (!client) {
    std::fprintf(stderr, "producer: %s\n", client.error().text.c_str());
    return 2;
  }
  for (long long number = 1; number <= count; ++number) {
    client->publish(argv[2], std::to_string(number), {},
                    [&mutex, &lines, number](const ringcast::PublishResult& result) {
                      const std::string line = line_of(number, result);
                      const std::lock_guard lock(mutex);
                      lines += line;
                    });
  }
  const bool answered = client->flush(120s);
  const bool closed = client->close();
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  std::fprintf(stderr, "resent %llu over %llu connections\n",
               static_cast<unsigned long long>(client->counters().resent),
               static_cast<unsigned long long>(client->counters().connections));
  return answered && closed ? 0 : 1;
}
