// Reloading: the server's side of a reload: who asks for it, which of its parts take a new configuration, and how it
// reaches the shards.
//
// Threads: main's makes it and calls run(); the operators' thread the rest.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "broker/io/server.h"
#include "broker/io/worker.h"
#include "broker/mesh.h"
#include "broker/reload.h"
#include "broker/reload_box.h"

namespace ringcast::io {

// Bytes that the shards may pin for subscribers, as configured or by what memory there is.
[[nodiscard]] std::uint64_t memory_budget(const broker::Config& config);

class Reloading {
 public:
  Reloading(Fleet& fleet, broker::Mesh& mesh, std::uint64_t memory_budget);

  // Another part of the server that takes a new configuration: what it has read from files. Before run().
  void add(broker::ReloadablePart part) { parts_.push_back(std::move(part)); }

  // Reads the configuration and puts it in place, for all who have asked until now. Returns when the shards have it, or
  // after a while, while they still go over to it.
  void run(const ServerEvents& events);

  // Wakes main for it; the number of the wish, and what came of that.
  [[nodiscard]] std::uint64_t ask();
  [[nodiscard]] std::optional<broker::ReloadBox::Result> result(std::uint64_t wish) { return box_.result(wish); }
  [[nodiscard]] std::uint64_t memory_budget() const noexcept { return budget_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] topics::ShardSet wait_for_shards();
  [[nodiscard]] broker::ReloadablePart shards();

  Fleet& fleet_;
  broker::Mesh& mesh_;
  std::atomic<std::uint64_t> budget_;  // relaxed: told to operators, nothing depends on it
  broker::ReloadBox box_;
  std::vector<broker::ReloadablePart> parts_;
};

}  // namespace ringcast::io
