#include "client/proc_telemetry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace ringcast::client {
namespace {

// Takes the text up to the next line break off the front.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// Takes the next word, of any blanks before and after, off the front; empty at the end.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view word) {
  Number number{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return number;
}

// The value of "key=0.42"; none for another key.
std::optional<double> parse_pair(std::string_view word, std::string_view key) {
  if (!word.starts_with(key) || word.size() <= key.size() || word[key.size()] != '=') return std::nullopt;
  return parse_number<double>(word.substr(key.size() + 1));
}

std::optional<Interface> parse_interface(std::string_view line) {
  const std::size_t colon = line.rfind(':');  // an alias such as "eth0:1" holds one of its own
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view name_part = line.substr(0, colon);
  Interface interface{.name = std::string(take_word(name_part))};
  line.remove_prefix(colon + 1);
  std::array<std::uint64_t, 10> columns{};  // received: bytes packets and six more; sent: bytes packets
  for (std::uint64_t& column : columns) {
    const auto number = parse_number<std::uint64_t>(take_word(line));
    if (!number) return std::nullopt;
    column = *number;
  }
  interface.received_bytes = columns[0];
  interface.received_packets = columns[1];
  interface.sent_bytes = columns[8];
  interface.sent_packets = columns[9];
  return interface;
}

}  // namespace

std::vector<CpuTimes> parse_stat(std::string_view text) {
  std::vector<CpuTimes> cpus;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    std::string_view name = take_word(line);
    if (!name.starts_with("cpu") || name == "cpu") continue;
    const auto cpu = parse_number<std::uint32_t>(name.substr(3));
    if (!cpu) continue;
    // user nice system idle iowait irq softirq steal; guest time, after them, is counted in user already (proc(5)).
    std::array<std::uint64_t, 8> ticks{};
    std::size_t count = 0;
    while (count < ticks.size()) {
      const auto number = parse_number<std::uint64_t>(take_word(line));
      if (!number) break;
      ticks[count++] = *number;
    }
    if (count < 4) continue;
    CpuTimes times{.cpu = *cpu};
    for (const std::uint64_t part : ticks) times.total += part;
    times.busy = times.total - ticks[3] - ticks[4];
    cpus.push_back(times);
  }
  return cpus;
}

double load_between(const CpuTimes& before, const CpuTimes& after) noexcept {
  // The kernel's idle count can step back by a tick, so busy may "grow" past the total or shrink.
  if (after.total <= before.total || after.busy <= before.busy) return 0;
  const auto busy = static_cast<double>(after.busy - before.busy);
  return std::min(1.0, busy / static_cast<double>(after.total - before.total));
}

std::optional<Memory> parse_meminfo(std::string_view text) {
  std::optional<std::uint64_t> total;
  std::optional<std::uint64_t> available;
  Memory memory;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const std::string_view key = take_word(line);
    const auto kib = parse_number<std::uint64_t>(take_word(line));
    if (!kib) continue;
    const std::uint64_t bytes = *kib * 1024;
    if (key == "MemTotal:") total = bytes;
    if (key == "MemAvailable:") available = bytes;
    if (key == "Cached:") memory.cached = bytes;
    if (key == "SwapTotal:") memory.swap_total = bytes;
    if (key == "SwapFree:") memory.swap_free = bytes;
  }
  if (!total || !available) return std::nullopt;
  memory.total = *total;
  memory.available = *available;
  return memory;
}

std::vector<Interface> parse_net_dev(std::string_view text) {
  std::vector<Interface> interfaces;
  while (!text.empty()) {
    auto interface = parse_interface(take_line(text));
    if (interface) interfaces.push_back(std::move(*interface));
  }
  return interfaces;
}

std::optional<Pressure> parse_pressure(std::string_view text) {
  Pressure pressure;
  bool found = false;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const std::string_view kind = take_word(line);
    if (kind != "some" && kind != "full") continue;
    const auto avg10 = parse_pair(take_word(line), "avg10");
    const auto avg60 = parse_pair(take_word(line), "avg60");
    if (!avg10 || !avg60) continue;
    if (kind == "some") {
      found = true;
      pressure.some_avg10 = *avg10;
      pressure.some_avg60 = *avg60;
    } else {
      pressure.full_avg10 = *avg10;
      pressure.full_avg60 = *avg60;
    }
  }
  if (!found) return std::nullopt;
  return pressure;
}

std::optional<LoadAverage> parse_loadavg(std::string_view text) {
  std::string_view line = take_line(text);
  const auto one = parse_number<double>(take_word(line));
  const auto five = parse_number<double>(take_word(line));
  const auto fifteen = parse_number<double>(take_word(line));
  const std::string_view tasks = take_word(line);  // "running/threads"
  const std::size_t slash = tasks.find('/');
  if (!one || !five || !fifteen || slash == std::string_view::npos) return std::nullopt;
  const auto running = parse_number<std::uint64_t>(tasks.substr(0, slash));
  const auto threads = parse_number<std::uint64_t>(tasks.substr(slash + 1));
  if (!running || !threads) return std::nullopt;
  return LoadAverage{.one = *one, .five = *five, .fifteen = *fifteen, .running = *running, .threads = *threads};
}

}  // namespace ringcast::client
