#include "broker/batch.h"

#include <cassert>

#include "frame/http_fields.h"
#include "frame/http_response.h"
#include "proto/request.h"

namespace ringcast::broker {

static_assert(Batch::kLinesMax == proto::kBatchMessagesMax);

std::expected<std::vector<BatchLine>, HttpRefusal> Batch::split(std::string_view body) {
  std::vector<BatchLine> lines;
  for (std::uint32_t number = 1; !body.empty(); ++number) {
    const std::size_t end = body.find('\n');
    std::string_view text = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (frame::trim_spaces(text).empty()) continue;
    if (lines.size() == kLinesMax) {
      return std::unexpected(
          HttpRefusal{413, "too_many_lines", "nothing published: a batch has at most 1024 lines; send several"});
    }
    lines.push_back({.number = number, .text = text});
  }
  if (lines.empty())
    return std::unexpected(HttpRefusal{400, "no_lines", "a batch has a line of JSON for each message"});
  return lines;
}

void Batch::begin(std::span<const BatchLine> lines, std::uint32_t first_ticket) {
  assert(results_.empty());
  results_.reserve(lines.size());
  for (const BatchLine& line : lines) results_.push_back({.number = line.number, .json = {}});
  first_ticket_ = first_ticket;
  unanswered_ = static_cast<std::uint32_t>(lines.size());
}

bool Batch::waits_for(std::uint32_t ticket) const noexcept {
  const std::uint32_t index = ticket - first_ticket_;
  return index < results_.size() && results_[index].json.empty();
}

std::string& Batch::answer(std::uint32_t ticket) {
  assert(waits_for(ticket));
  --unanswered_;
  Result& result = results_[ticket - first_ticket_];
  result.json = "{\"line\":" + std::to_string(result.number);
  return result.json;
}

void Batch::sequenced(const Delivery& ack, std::string_view epoch) {
  std::string& json = answer(ack.ticket);
  json += ",\"seq\":" + std::to_string(ack.seq) + ",\"epoch\":\"";
  json.append(epoch) += "\",\"time_us\":" + std::to_string(ack.time_us);
  if (ack.outcome == Outcome::duplicate) json += ",\"duplicate\":true";
  json += "}\n";
}

void Batch::refused(std::uint32_t ticket, const HttpRefusal& refusal, std::string_view field) {
  std::string& json = answer(ticket);
  json += ",\"status\":" + std::to_string(refusal.status) + ",\"error\":";
  frame::append_json_string(json, refusal.name);
  json += ",\"message\":";
  frame::append_json_string(json, refusal.message);
  if (!field.empty()) {
    json += ",\"field\":";
    frame::append_json_string(json, field);
  }
  json += "}\n";
}

std::string Batch::text() const {
  assert(complete());
  std::string text;
  for (const Result& result : results_) text += result.json;
  return text;
}

}  // namespace ringcast::broker
