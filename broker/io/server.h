// Server: the broker as a process: listeners, one worker per shard, and the way out.
//
// Thread: main's. The workers run on threads of their own.
#pragma once

#include <expected>
#include <functional>
#include <span>
#include <string>

#include "broker/config.h"
#include "broker/http_session.h"
#include "broker/reload.h"
#include "broker/reporter.h"

namespace ringcast::io {

// What the server tells while it runs, one line each; main decides where that goes.
struct ServerEvents {
  std::function<void(const std::string&)> info;
  std::function<void(const std::string&)> warn;
  // What the shards had to say; on the operators' thread.
  broker::Reporter::Tell log;
  // A service manager's words: READY=1 when clients can connect, STOPPING=1 when draining begins.
  std::function<void(const std::string&)> manager;
  // What operators may ask of main's: the log's level, and /api/v1/config.
  std::function<broker::LogLevel()> log_level;
  std::function<void(broker::LogLevel)> set_log_level;
  std::function<std::string()> config_json;  // any thread
  // Reads the configuration again, and puts it in place with these parts besides main's own. On the thread of serve().
  std::function<broker::ReloadReport(std::span<const broker::ReloadablePart> parts)> reload;
};

// Runs the broker until SIGTERM or SIGINT, then drains it; SIGHUP is events.reload, which changes `config`. Signals
// must be blocked (block_signals()) before. Returns when every thread has ended; the error is one line with its remedy.
[[nodiscard]] std::expected<void, std::string> serve(const broker::Config& config, broker::FindFile find_file,
                                                     const ServerEvents& events);

}  // namespace ringcast::io
