// Ending: the broker's way out: it serves on until routers have noticed that it is not ready, then refuses publishes,
// delivers what is in flight, and sees everybody off.
//
//   running ── told to end ── lame_duck ── draining ── closing ── ended
//                  told again: hurrying, for kHurryMs at most     told a third time: ended
//
// A request for draining on the operators' port begins it as a signal does; then a first signal is what a container's
// runtime sends anyway, and hurries nobody.
// Thread: main's. see_off_until() may be called by another one while main joins the workers.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "broker/config.h"
#include "broker/instant.h"
#include "broker/io/server.h"
#include "broker/io/worker.h"

namespace ringcast::io {

// True for SIGTERM and SIGINT.
[[nodiscard]] bool ends(std::optional<int> signal) noexcept;

class Ending {
 public:
  // Told twice: so long for close frames to go out and come back.
  static constexpr std::int64_t kHurryMs = 1'000;

  // `signal`: what began it; none: an operator did.
  Ending(Fleet& fleet, const broker::Config& config, const ServerEvents& events, std::optional<int> signal);

  // Not ready, but serving on.
  void lame_duck();
  // Nothing new is published; true when all that was is delivered.
  [[nodiscard]] bool drain();
  // Every connection is told to go; the workers end when the last has gone.
  void see_off();
  // Keeps them to the deadline, and hears what main is told, until they have ended.
  void see_off_until(const std::stop_token& all_gone);

 private:
  void enter(Stage stage, Instant until);
  void wait(std::int64_t ms_max);
  [[nodiscard]] bool wait_round(Instant until);
  [[nodiscard]] broker::Farewell plan(std::int64_t left_ms);

  Fleet& fleet_;
  const broker::Config& config_;
  const ServerEvents& events_;
  bool hears_first_;  // the next signal is the first, and nothing new
  int told_again_ = 0;
  Instant deadline_ = Instant::never();
};

}  // namespace ringcast::io
