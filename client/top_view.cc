#include "client/top_view.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace ringcast::client {

namespace {

namespace dom = simdjson::dom;

double number(const dom::element& object, std::string_view key) {
  double value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : 0;
}

std::string text(const dom::element& object, std::string_view key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? std::string(value) : "";
}

// Nothing that a terminal obeys, in at most `width` characters; padded to it.
std::string cell(std::string_view raw, std::size_t width) {
  std::string out;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const auto byte = static_cast<unsigned char>(raw[i]);
    const bool begins = (byte & 0xc0) != 0x80;
    if (begins && characters == width) break;
    characters += begins ? 1 : 0;
    // C2 80 to C2 9F are control characters too.
    const bool c1 = byte == 0xc2 && i + 1 < raw.size() && static_cast<unsigned char>(raw[i + 1]) < 0xa0;
    const bool plain = byte >= 0x20 && byte != 0x7f && !c1;
    out += plain ? raw[i] : '?';
    if (c1) ++i;
  }
  if (characters < width) out.append(width - characters, ' ');
  return out;
}

std::string right(const std::string& value, std::size_t width) {
  return value.size() >= width ? value : std::string(width - value.size(), ' ') + value;
}

std::string rate(const dom::element& object, std::string_view key) {
  dom::element rates;
  return object["rates"].get(rates) == simdjson::SUCCESS ? short_number(number(rates, key)) : "";
}

std::string milliseconds(double us) {
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.1f", us / 1000);
  return out.data();
}

using ScreenLines = std::vector<std::string>;

constexpr std::string_view kReverse = "\x1b[7m";
constexpr std::string_view kNormal = "\x1b[0m";

ScreenLines draw_head(const dom::element& stats) {
  dom::element total;
  dom::element latency;
  if (stats["total"].get(total) != simdjson::SUCCESS || total["latency"].get(latency) != simdjson::SUCCESS) return {};
  const auto up_s = static_cast<std::uint64_t>(number(stats, "uptime_ms") / 1000);
  ScreenLines lines;
  lines.push_back("ringcast " + text(stats, "broker_version") + "  " + text(stats, "state") + "  " + text(stats, "io") +
                  "  up " + std::to_string(up_s / 3600) + "h" + std::to_string(up_s / 60 % 60) + "m" +
                  std::to_string(up_s % 60) + "s");
  lines.push_back("connections " + short_number(number(total, "connections")) + " (" +
                  short_number(number(total, "waiting_connections")) + " wait)  subscriptions " +
                  short_number(number(total, "subscriptions")) + "  topics " + short_number(number(total, "topics")));
  lines.push_back("published " + rate(total, "published_per_s") + "/s  delivered " + rate(total, "delivered_per_s") +
                  "/s  sent " + rate(total, "sent_bytes_per_s") + "B/s  latency p50 " +
                  milliseconds(number(latency, "p50_us")) + " ms  p99 " + milliseconds(number(latency, "p99_us")) +
                  " ms");
  lines.push_back("history " + short_number(number(total, "history_bytes")) + "B  owed " +
                  short_number(number(total, "owed_bytes")) + "B of " +
                  short_number(number(stats, "memory_budget_bytes")) + "B  lag events " +
                  short_number(number(total, "lag_events")) + "  closed slow " +
                  short_number(number(total, "closed_slow")));
  return lines;
}

ScreenLines draw_shards(const dom::element& stats) {
  ScreenLines lines{"SHARD  CONNS   SUBS TOPICS  PUB/S  DEL/S SENT B/S  OWED B  P99 MS TURNS/S"};
  dom::array shards;
  if (stats["shards"].get(shards) != simdjson::SUCCESS) return lines;
  for (const dom::element shard : shards) {
    dom::element latency;
    const double p99 = shard["latency"].get(latency) == simdjson::SUCCESS ? number(latency, "p99_us") : 0;
    const auto whole = [&](std::string_view key) { return short_number(number(shard, key)); };
    lines.push_back(right(whole("shard"), 5) + right(whole("connections"), 7) + right(whole("subscriptions"), 7) +
                    right(whole("topics"), 7) + right(rate(shard, "published_per_s"), 7) +
                    right(rate(shard, "delivered_per_s"), 7) + right(rate(shard, "sent_bytes_per_s"), 9) +
                    right(whole("owed_bytes"), 8) + right(milliseconds(p99), 8) + right(rate(shard, "turns_per_s"), 8));
  }
  return lines;
}

ScreenLines draw_topics(const dom::element& answer) {
  ScreenLines lines{"  MSG/S     SEQ   SUBS    SIZE TOPIC"};
  dom::array topics;
  if (answer["topics"].get(topics) != simdjson::SUCCESS) return lines;
  for (const dom::element topic : topics) {
    double per_s = 0;
    const bool known = topic["rate_per_s"].get(per_s) == simdjson::SUCCESS;
    dom::element last;
    const bool kept = topic["last"].get(last) == simdjson::SUCCESS && !last.is_null();
    lines.push_back(right(known ? short_number(per_s) : "-", 7) + right(short_number(number(topic, "seq")), 8) +
                    right(short_number(number(topic, "subscribers")), 7) +
                    right(kept ? short_number(number(last, "payload_bytes")) : "-", 8) + " " + text(topic, "topic"));
  }
  return lines;
}

ScreenLines draw_connections(const dom::element& answer) {
  ScreenLines lines{"   OWED  PINNED  OLDEST KIND  ID              ADDRESS                FILTER"};
  dom::array connections;
  if (answer["connections"].get(connections) != simdjson::SUCCESS) return lines;
  for (const dom::element one : connections) {
    lines.push_back(right(short_number(number(one, "owed_bytes")), 7) +
                    right(short_number(number(one, "pinned_bytes")), 8) +
                    right(short_number(number(one, "oldest_ms")) + "ms", 8) + " " + cell(text(one, "kind"), 6) +
                    cell(text(one, "id"), 16) + cell(text(one, "address"), 23) + text(one, "filter"));
  }
  return lines;
}

ScreenLines draw_slow(const dom::element& answer) {
  ScreenLines lines;
  dom::array slow;
  if (answer["slow"].get(slow) != simdjson::SUCCESS) return lines;
  for (const dom::element one : slow) {
    if (lines.empty()) lines.emplace_back("CLOSED FOR BEING SLOW");
    lines.push_back(right(short_number(number(one, "owed_bytes")), 7) +
                    right(short_number(number(one, "pinned_bytes")), 8) +
                    right(short_number(number(one, "oldest_ms")) + "ms", 8) + " " + cell(text(one, "kind"), 6) +
                    cell(text(one, "why"), 16) + cell(text(one, "address"), 23) + text(one, "filter"));
  }
  return lines;
}

// Lines for each part that wants some: the first gets `first` before the others, which share evenly what is left; what
// one does not need the others have. A part with less than three lines (an empty one, its head, a row) gets none.
std::array<std::size_t, 4> share(std::size_t room, const std::array<std::size_t, 4>& wanted, std::size_t first) {
  std::array<std::size_t, 4> given{};
  given[0] = std::min(room, first);
  room -= given[0];
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const std::size_t least = given[i] == 0 ? std::min<std::size_t>(3, wanted[i]) : 1;
      if (given[i] >= wanted[i] || least > room) continue;
      given[i] += least;
      room -= least;
      more = true;
    }
  }
  return given;
}

}  // namespace

std::string short_number(double number) {
  constexpr std::array<const char*, 5> kUnits{"", "K", "M", "G", "T"};
  std::size_t unit = 0;
  for (; std::abs(number) >= 999.5 && unit + 1 < kUnits.size(); ++unit) number /= 1000;
  std::array<char, 32> out{};
  const bool whole = unit == 0 ? number == std::round(number) : std::abs(number) >= 99.95;
  std::snprintf(out.data(), out.size(), whole || std::abs(number) >= 99.95 ? "%.0f%s" : "%.1f%s", number, kUnits[unit]);
  return out.data();
}

std::expected<std::string, std::string> draw_top(const TopAnswers& answers, TopFirst first, const TopSize& size) {
  std::array<dom::parser, 4> parsers;
  std::array<dom::element, 4> elements;
  const std::array<const std::string*, 4> texts{&answers.stats, &answers.topics, &answers.connections, &answers.slow};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (parsers[i].parse(*texts[i]).get(elements[i]) != simdjson::SUCCESS)
      return std::unexpected("the answer of the operators' port is not JSON");
  }
  ScreenLines lines = draw_head(elements[0]);
  if (lines.empty()) return std::unexpected("the operators' port says nothing that this version understands");
  std::array<ScreenLines, 4> parts{draw_shards(elements[0]), draw_topics(elements[1]), draw_connections(elements[2]),
                                   draw_slow(elements[3])};
  std::array<std::size_t, 4> order{0, 1, 2, 3};
  std::swap(order[0], order[static_cast<std::size_t>(first)]);
  const std::size_t room = size.rows - std::min(size.rows, lines.size());
  std::array<std::size_t, 4> wanted{};  // with the empty line above
  for (std::size_t i = 0; i < order.size(); ++i) wanted[i] = parts[order[i]].empty() ? 0 : parts[order[i]].size() + 1;
  const std::array<std::size_t, 4> given = share(room, wanted, first == TopFirst::shards ? 0 : wanted[0]);
  std::string picture;
  const auto add = [&](std::string_view line, bool head) {
    std::string shown = cell(line, size.columns);
    if (!head || size.style == TopStyle::plain) shown.erase(shown.find_last_not_of(' ') + 1);
    picture +=
        (head && size.style == TopStyle::terminal ? std::string(kReverse) + shown + std::string(kNormal) : shown);
    picture += '\n';
  };
  for (const std::string& line : lines) add(line, false);
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (given[i] > 0) add("", false);
    for (std::size_t line = 0; line + 1 < given[i]; ++line) add(parts[order[i]][line], line == 0);
  }
  return picture;
}

}  // namespace ringcast::client
