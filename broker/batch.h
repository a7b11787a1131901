// Batch: the lines of one POST /topics, each a publish in JSON, and what became of each. Pure.
//
// Lines end with LF or CR LF; empty ones are passed over, but count for the numbers of the others. Results are said in
// the order of the lines, whichever home answers first.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "broker/mesh.h"
#include "broker/topic_request.h"

namespace ringcast::broker {

struct BatchLine {
  std::uint32_t number = 0;  // in the body, from 1
  std::string_view text;     // without its end
};

class Batch {
 public:
  static constexpr std::uint32_t kLinesMax = 1024;  // as proto::kBatchMessagesMax: bounds what one request causes

  // The lines of `body` that are not empty: 1 to kLinesMax, or 400 or 413.
  [[nodiscard]] static std::expected<std::vector<BatchLine>, HttpRefusal> split(std::string_view body);

  // Begins with these lines; line i is published with the ticket `first_ticket` + i.
  void begin(std::span<const BatchLine> lines, std::uint32_t first_ticket);

  // A home answers the line with the ack's ticket, which must be one of this batch. `epoch` as in every answer.
  void sequenced(const Delivery& ack, std::string_view epoch);
  // The line with this ticket is certainly not published. `field`: which of its members is to blame, or empty.
  void refused(std::uint32_t ticket, const HttpRefusal& refusal, std::string_view field = {});

  // True for the ticket of a line that has no answer yet.
  [[nodiscard]] bool waits_for(std::uint32_t ticket) const noexcept;
  [[nodiscard]] bool complete() const noexcept { return unanswered_ == 0; }
  // All results, a line of JSON each. Requires complete().
  [[nodiscard]] std::string text() const;

 private:
  struct Result {
    std::uint32_t number = 0;
    std::string json;  // empty: no answer yet
  };

  // Begins the result of the line with this ticket, which has none yet.
  [[nodiscard]] std::string& answer(std::uint32_t ticket);

  std::vector<Result> results_;
  std::uint32_t first_ticket_ = 0;
  std::uint32_t unanswered_ = 0;
};

}  // namespace ringcast::broker
