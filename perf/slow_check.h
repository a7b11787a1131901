// SlowCheck: reads one message in many with the broker's own reader, and compares what the lean one found.
//
// Thread: one.
#pragma once

#include <cstdint>

#include "perf/form.h"
#include "perf/stamp.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"

namespace ringcast::perf {

class SlowCheck {
 public:
  static constexpr std::uint32_t kEvery = 1024;  // messages: a thousandth of the load generator's time

  // Counts a message; true when it is this one's turn to be compared.
  [[nodiscard]] bool is_due() noexcept { return ++seen_ % kEvery == 0; }

  // True when `message`, whole, is a live Message below "bench/" with that stamp in its payload.
  [[nodiscard]] bool agrees(Form form, Bytes message, const Stamp& stamp);

  [[nodiscard]] std::uint64_t compared() const noexcept { return compared_; }

 private:
  proto::ProtoForm proto_;
  proto::JsonForm json_;
  std::uint32_t seen_ = 0;
  std::uint64_t compared_ = 0;
};

}  // namespace ringcast::perf
