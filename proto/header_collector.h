// HeaderCollector: makes the headers of one message, as headers.h says they are kept, of what comes in.
//
// Entries that lie side by side in the input, encoded as they should be, stay where they are. Thread: one.
// Hot path: add() and add_text() run once per header. No allocation in the steady state.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "proto/fault.h"
#include "proto/headers.h"
#include "proto/made_text.h"
#include "proto/request.h"

namespace ringcast::proto {

class HeaderCollector {
 public:
  // `made` is where headers are put together if they cannot stay where they are; nothing else writes to it meanwhile.
  HeaderCollector(MadeText& made, Reading reading) noexcept : made_(made), reading_(reading) {}

  // Adds a map entry: its encoding in Protocol Buffers, `field` with its tag and length, `body` without.
  [[nodiscard]] std::optional<Fault> add(Bytes field, Bytes body);
  // Adds an entry known to be UTF-8.
  [[nodiscard]] std::optional<Fault> add_text(const HeaderEntry& entry);

  // All that was added.
  [[nodiscard]] std::string_view encoded() const noexcept { return gathered_ ? made_.since(mark_) : span_; }

 private:
  [[nodiscard]] std::optional<Fault> check(const HeaderEntry& entry);
  void gather(const HeaderEntry& entry);

  MadeText& made_;
  Reading reading_;
  bool gathered_ = false;
  std::size_t mark_ = 0;   // where the gathered ones begin
  std::string_view span_;  // the ones side by side in the input
  std::array<std::string_view, kHeadersMax> names_;
  std::uint32_t count_ = 0;
  std::size_t bytes_ = 0;  // of names and values
};

}  // namespace ringcast::proto
