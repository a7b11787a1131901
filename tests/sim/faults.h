// Faults: what a simulated kernel does to a shard that a quiet one does not, each with its chance in a thousand.
#pragma once

#include <cstddef>

#include "tests/sim/random.h"

namespace ringcast::sim {

struct Faults {
  std::size_t short_receive = 0;     // a receive gives less than there is
  std::size_t short_send = 0;        // a send takes less than it could
  std::size_t again = 0;             // a send takes nothing, though it could
  std::size_t multishot_ends = 0;    // a multishot says more = false for no reason
  std::size_t late = 0;              // a completion comes some reaps after it could
  std::size_t late_most = 8;         //   at most so many
  std::size_t late_cancel = 0;       // a cancel takes effect some reaps later: what is cancelled goes on
  std::size_t false_writable = 0;    // poll_out completes, but the socket takes nothing
  std::size_t accept_fails = 0;      // accept says EMFILE
  std::size_t late_wake = 0;         // a wake comes some steps after it was sent
  std::size_t early_return = 0;      // a reap returns before anything has happened
  std::size_t hand_over = 0;         // an accepted connection goes to another shard
  std::size_t receive_buffers = 64;  // of a backend, borrowed from one reap to the next; the next receive says ENOBUFS
  std::size_t receive_buffer_bytes = 4'096;

  // Each fault is there or not, and often or rarely: bugs hide in the absence of faults too.
  [[nodiscard]] static Faults draw(Random& random) {
    const auto chance = [&](std::size_t most) { return random.percent(40) ? 0 : random.between(1, most); };
    Faults faults;
    faults.short_receive = chance(500);
    faults.short_send = chance(300);
    faults.again = chance(150);
    faults.multishot_ends = chance(200);
    faults.late = chance(300);
    faults.late_cancel = chance(800);
    faults.false_writable = chance(200);
    faults.accept_fails = chance(200);
    faults.late_wake = chance(700);
    faults.early_return = chance(50);
    faults.hand_over = chance(500);
    faults.receive_buffers = random.percent(50) ? 64 : random.between(1, 4);
    faults.receive_buffer_bytes = random.percent(30) ? random.between(1, 50) : random.between(500, 8'000);
    return faults;
  }

  [[nodiscard]] std::size_t lateness(std::size_t chance, Random& random) const {
    return random.permille(chance) ? random.between(1, late_most) : 0;
  }
};

}  // namespace ringcast::sim
