#include "broker/reporter.h"

#include <array>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "broker/stats.h"
#include "topics/shard_set.h"

namespace ringcast::broker {

namespace {

using Kind = Journal::Kind;

struct KindInfo {
  LogLevel level;
  std::string_view text;
  std::string_view count;  // what Entry::count is called; empty: nothing
};

// By Kind.
constexpr std::array<KindInfo, Journal::kKinds> kInfos{{
    {LogLevel::warning, "closed for a fault", ""},
    {LogLevel::info, "peer gave no sign of life", ""},
    {LogLevel::warning, "subscriber fell behind: newest values only", "merged"},
    {LogLevel::warning, "subscriber fell behind: oldest messages left out", "skipped"},
    {LogLevel::info, "subscriber caught up", ""},
    {LogLevel::warning, "closed for being slow", ""},
    {LogLevel::info, "closed by an operator", ""},
    {LogLevel::warning, "connection refused: there are as many as max-connections allows", "limit"},
    {LogLevel::warning, "connection refused: its address has as many, or as fast, as it may", ""},
    {LogLevel::warning, "connections cannot be accepted", "errno"},
    {LogLevel::warning, "stalled: requests wait for room", ""},
    {LogLevel::info, "no longer stalled", ""},
}};

// "0, 3"
std::string shard_numbers(topics::ShardSet shards) {
  std::string text;
  while (shards != 0) text += (text.empty() ? "" : ", ") + std::to_string(topics::take_shard(shards));
  return text;
}

}  // namespace

void Reporter::take(std::uint32_t shard, const Journal::Entry& entry, Instant now) {
  const auto kind = static_cast<std::size_t>(entry.kind);
  if (entry.more > 0) return throttle_.hold(kind, entry.more, now);
  if (!throttle_.pass(kind, now)) return;
  const KindInfo& info = kInfos[kind];
  const std::string id = entry.slot.valid() ? connection_id(shard, entry.slot) : "";
  const std::string shards = entry.kind == Kind::stalled ? shard_numbers(entry.count) : "";
  const std::string why =
      entry.kind == Kind::accept_failed ? std::generic_category().message(static_cast<int>(entry.count)) : entry.text;
  std::vector<LogField> fields;
  if (id.empty()) fields.emplace_back("shard", shard);
  if (!id.empty()) fields.emplace_back("id", std::string_view{id});
  if (!id.empty()) fields.emplace_back("protocol", name(entry.protocol));
  if (!entry.peer.empty()) fields.emplace_back("address", std::string_view{entry.peer});
  if (!entry.filter.empty()) fields.emplace_back("filter", std::string_view{entry.filter});
  if (entry.code != 0) fields.emplace_back("code", entry.code);
  if (!why.empty()) fields.emplace_back("why", std::string_view{why});
  if (!shards.empty()) fields.emplace_back("for_shards", std::string_view{shards});
  if (!info.count.empty() && entry.count > 0) fields.emplace_back(info.count, entry.count);
  if (entry.bytes > 0) fields.emplace_back("owed_bytes", entry.bytes);
  if (entry.ms > 0) fields.emplace_back("ms", entry.ms);
  tell_(info.level, info.text, fields);
}

void Reporter::lost(std::uint32_t shard, std::uint64_t count) {
  const LogField fields[] = {{"shard", shard}, {"count", count}};
  tell_(LogLevel::warning, "events lost before they could be logged", fields);
}

void Reporter::settle(Instant now) {
  throttle_.release(now, [&](std::size_t kind, std::uint64_t count) {
    const KindInfo& info = kInfos[kind];
    const LogField fields[] = {{"more", count}};
    tell_(info.level, std::to_string(count) + " more like this: " + std::string(info.text), fields);
  });
}

}  // namespace ringcast::broker
