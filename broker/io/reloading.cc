#include "broker/io/reloading.h"

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "broker/io/memory.h"
#include "broker/io/process.h"

namespace ringcast::io {

namespace {

using Part = broker::Inquiries::Part;

constexpr std::chrono::milliseconds kShardsPoll{1};  // main looks that often whether the shards have it
constexpr std::int64_t kShardsPatienceMs = 2'000;    // a million topics go over to other rules in about a second

}  // namespace

std::uint64_t memory_budget(const broker::Config& config) {
  return config.memory_budget_bytes != 0 ? config.memory_budget_bytes : budget_for(usable_memory());
}

Reloading::Reloading(Fleet& fleet, broker::Mesh& mesh, std::uint64_t memory_budget)
    : fleet_(fleet), mesh_(mesh), budget_(memory_budget) {
  parts_.push_back(shards());
}

std::uint64_t Reloading::ask() {
  const std::uint64_t wish = box_.ask();
  send_signal(SIGHUP);
  return wish;
}

void Reloading::run(const ServerEvents& events) {
  const std::uint64_t wishes = box_.begin();
  events.manager("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now().monotonic.ms * 1000));
  const broker::ReloadReport report = events.reload(parts_);
  box_.end(wishes, {.applied = report.applied(), .json = report_json(report)});
  fleet_.operators.wake();
  events.manager("READY=1");
}

// Waits a moment until no shard has a configuration to put in place; those that still have.
topics::ShardSet Reloading::wait_for_shards() {
  const Instant until = now().monotonic + kShardsPatienceMs;
  for (;;) {
    topics::ShardSet late = 0;
    for (std::uint32_t shard = 0; shard < fleet_.inquiries.size(); ++shard) {
      if (!fleet_.inquiries[shard].is_mine(Part::config)) late |= topics::only(shard);
    }
    if (late == 0 || now().monotonic >= until) return late;
    std::this_thread::sleep_for(kShardsPoll);
  }
}

// Each shard has a configuration of its own, and takes a new one between two turns.
broker::ReloadablePart Reloading::shards() {
  const auto check = [this](const broker::Config&) -> std::expected<std::vector<std::string>, std::string> {
    if (wait_for_shards() == 0) return {};
    return std::unexpected("the reload before is still being put in place: try again in a moment");
  };
  const auto apply = [this](const broker::Config& next) {
    const std::uint64_t budget = io::memory_budget(next);
    budget_.store(budget, std::memory_order_relaxed);
    for (std::uint32_t shard = 0; shard < fleet_.inquiries.size(); ++shard) {
      fleet_.inquiries[shard].config = {.config = next, .memory_budget = budget};
      fleet_.inquiries[shard].ask(Part::config);
      if (mesh_.doorbell(shard).ring()) fleet_.controls[shard].backend.load(std::memory_order_acquire)->wake();
    }
    std::vector<std::string> notes;
    if (wait_for_shards() != 0) notes.emplace_back("topics are still going over to their new history rules");
    return notes;
  };
  return {.name = "shards", .check = check, .apply = apply};
}

}  // namespace ringcast::io
