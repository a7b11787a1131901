#include "client/machine.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "client/json_text.h"

namespace ringcast::client {
namespace {

constexpr std::size_t kFileSizeMax = 256 * 1024;  // /proc/stat of a machine with 1,000 CPUs and interrupts stays below
constexpr double kNanosecondsPerSecond = 1e9;
// Each reading is a topic and a connection of the demo; a host full of containers has thousands of interfaces.
constexpr std::size_t kCpusMax = 256;
constexpr std::size_t kInterfacesMax = 32;

// Begins a reading: topic, host, sensor and time; `fill` adds the rest.
template <typename Fill>
Reading make_reading(const std::string& host, const std::string& sensor, std::int64_t utc_ms, Fill fill) {
  Reading reading{.topic = "iot/" + host + '/' + sensor, .payload = {}};
  JsonText json(reading.payload);
  json.add("host", host).add("sensor", sensor).add("time_ms", static_cast<std::uint64_t>(utc_ms));
  fill(json);
  json.end();
  return reading;
}

double rate(std::uint64_t before, std::uint64_t after, double seconds) {
  return after < before ? 0 : static_cast<double>(after - before) / seconds;  // counters restart with their interface
}

}  // namespace

std::string to_topic_level(std::string_view name) {
  std::string level(name);
  for (char& c : level) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!plain) c = '_';
  }
  if (level.empty() || level == "." || level == "..") return "unknown";
  return level;
}

Machine::Machine(std::string_view host, std::string proc) : host_(to_topic_level(host)), proc_(std::move(proc)) {}

std::vector<Reading> Machine::sample(std::int64_t now_ns, std::int64_t utc_ms) {
  const double seconds = sampled_ns_ == 0 ? 0 : static_cast<double>(now_ns - sampled_ns_) / kNanosecondsPerSecond;
  std::vector<Reading> readings;
  add_cpus(readings, utc_ms);
  add_memory(readings, utc_ms);
  add_network(readings, seconds, utc_ms);
  add_pressure(readings, utc_ms);
  add_load_average(readings, utc_ms);
  sampled_ns_ = now_ns;
  return readings;
}

void Machine::add_cpus(std::vector<Reading>& readings, std::int64_t utc_ms) {
  std::vector<CpuTimes> cpus = parse_stat(read("stat"));
  cpus.resize(std::min(cpus.size(), kCpusMax));
  for (const CpuTimes& after : cpus) {
    const auto before = std::ranges::find(cpus_, after.cpu, &CpuTimes::cpu);
    if (before == cpus_.end()) continue;
    readings.push_back(make_reading(host_, "cpu/" + std::to_string(after.cpu), utc_ms,
                                    [&](JsonText& json) { json.add("load", load_between(*before, after), 4); }));
  }
  cpus_ = std::move(cpus);
}

void Machine::add_memory(std::vector<Reading>& readings, std::int64_t utc_ms) const {
  const auto memory = parse_meminfo(read("meminfo"));
  if (!memory) return;
  readings.push_back(make_reading(host_, "memory", utc_ms, [&](JsonText& json) {
    json.add("total", memory->total).add("available", memory->available).add("cached", memory->cached);
    json.add("swap_total", memory->swap_total).add("swap_free", memory->swap_free);
  }));
}

void Machine::add_network(std::vector<Reading>& readings, double seconds, std::int64_t utc_ms) {
  std::vector<Interface> interfaces = parse_net_dev(read("net/dev"));
  interfaces.resize(std::min(interfaces.size(), kInterfacesMax));
  for (const Interface& after : interfaces) {
    const auto before = std::ranges::find(interfaces_, after.name, &Interface::name);
    if (before == interfaces_.end() || seconds <= 0) continue;
    readings.push_back(make_reading(host_, "network/" + to_topic_level(after.name), utc_ms, [&](JsonText& json) {
      json.add("received_bytes_per_second", rate(before->received_bytes, after.received_bytes, seconds), 0);
      json.add("sent_bytes_per_second", rate(before->sent_bytes, after.sent_bytes, seconds), 0);
      json.add("received_packets_per_second", rate(before->received_packets, after.received_packets, seconds), 0);
      json.add("sent_packets_per_second", rate(before->sent_packets, after.sent_packets, seconds), 0);
    }));
  }
  interfaces_ = std::move(interfaces);
}

void Machine::add_pressure(std::vector<Reading>& readings, std::int64_t utc_ms) const {
  for (const char* resource : {"cpu", "memory", "io"}) {
    const auto pressure = parse_pressure(read(std::string("pressure/") + resource));
    if (!pressure) continue;
    readings.push_back(make_reading(host_, std::string("pressure/") + resource, utc_ms, [&](JsonText& json) {
      json.add("some_avg10", pressure->some_avg10, 2).add("some_avg60", pressure->some_avg60, 2);
      json.add("full_avg10", pressure->full_avg10, 2).add("full_avg60", pressure->full_avg60, 2);
    }));
  }
}

void Machine::add_load_average(std::vector<Reading>& readings, std::int64_t utc_ms) const {
  const auto load = parse_loadavg(read("loadavg"));
  if (!load) return;
  readings.push_back(make_reading(host_, "load", utc_ms, [&](JsonText& json) {
    json.add("one", load->one, 2).add("five", load->five, 2).add("fifteen", load->fifteen, 2);
    json.add("running", load->running).add("threads", load->threads);
  }));
}

std::string Machine::read(std::string_view name) const {
  std::string text;
  const std::string path = proc_ + '/' + std::string(name);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  std::array<char, 16 * 1024> chunk;
  while (text.size() < kFileSizeMax) {
    const ssize_t count = ::read(fd, chunk.data(), chunk.size());
    if (count <= 0) break;  // a file that opens but cannot be read (pressure without PSI: EOPNOTSUPP) is an absent one
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
  ::close(fd);
  return text;
}

}  // namespace ringcast::client
