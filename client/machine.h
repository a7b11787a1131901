// Machine: this machine's load, memory, network and pressure as topics and JSON values, for the demo.
//
// Each sample() reads a few small files under /proc; rates are differences between two samples, so the first one has
// none. Every payload names its host, sensor and time, because a raw subscriber does not see the topic. Thread: one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/proc_telemetry.h"

namespace ringcast::client {

struct Reading {
  std::string topic;    // "iot/<host>/cpu/0"
  std::string payload;  // {"host":"…","sensor":"cpu/0","time_ms":…,"load":0.1234}
};

// `name` with every byte that would not make a plain topic level replaced by '_'; "unknown" for an empty one.
[[nodiscard]] std::string to_topic_level(std::string_view name);

class Machine {
 public:
  // `host` becomes a level of each topic; `proc` is the folder to read, another one in tests.
  explicit Machine(std::string_view host, std::string proc = "/proc");

  // What the machine is doing now. `now_ns` is of the monotonic clock, for rates; `utc_ms` is what the payloads say.
  [[nodiscard]] std::vector<Reading> sample(std::int64_t now_ns, std::int64_t utc_ms);

 private:
  void add_cpus(std::vector<Reading>& readings, std::int64_t utc_ms);
  void add_memory(std::vector<Reading>& readings, std::int64_t utc_ms) const;
  void add_network(std::vector<Reading>& readings, double seconds, std::int64_t utc_ms);
  void add_pressure(std::vector<Reading>& readings, std::int64_t utc_ms) const;
  void add_load_average(std::vector<Reading>& readings, std::int64_t utc_ms) const;
  [[nodiscard]] std::string read(std::string_view name) const;

  std::string host_;
  std::string proc_;
  std::vector<CpuTimes> cpus_;         // of the sample before
  std::vector<Interface> interfaces_;  // of the sample before
  std::int64_t sampled_ns_ = 0;        // when it was; 0: never
};

}  // namespace ringcast::client
