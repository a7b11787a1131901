#include "proto/header_collector.h"

#include <algorithm>
#include <expected>
#include <string>

#include "proto/json_text.h"
#include "proto/wire_reader.h"

namespace ringcast::proto {

namespace {

struct ParsedEntry {
  HeaderEntry entry;
  bool in_order = false;  // name, then value, both present
};

std::expected<ParsedEntry, Fault> parse_entry(Bytes body, Reading reading) {
  ParsedEntry parsed;
  Seen seen;
  WireReader parts(body);
  while (parts.next()) {
    const std::uint32_t number = parts.number();
    const bool known = number == 1 || number == 2;
    if (reading == Reading::strict) {
      if (!known) return std::unexpected(fault(ErrorCode::unknown_field, std::to_string(number), "does not exist"));
      if (parts.type() != WireType::bytes) {
        return std::unexpected(fault(ErrorCode::malformed, "", "are not all pairs of strings"));
      }
      if (seen.has(number)) return std::unexpected(fault(ErrorCode::bad_value, "", "have a name or a value twice"));
    }
    if (!known || parts.type() != WireType::bytes) {
      parts.skip();
      continue;
    }
    parsed.in_order = number == 2 && seen.has(1);
    (void)seen.first(number);
    (number == 1 ? parsed.entry.name : parsed.entry.value) = as_text(parts.bytes());
  }
  if (parts.broken()) return std::unexpected(fault(ErrorCode::malformed, "", "are cut or broken"));
  if (!is_utf8(parsed.entry.name) || !is_utf8(parsed.entry.value)) {
    return std::unexpected(fault(ErrorCode::malformed, "", "are not all UTF-8"));
  }
  return parsed;
}

}  // namespace

std::optional<Fault> HeaderCollector::add(Bytes field, Bytes body) {
  const auto parsed = parse_entry(body, reading_);
  if (!parsed) return parsed.error();
  if (auto wrong = check(parsed->entry)) return wrong;
  const std::string_view text = as_text(field);
  const bool fits = parsed->in_order && encoded_size(parsed->entry) == text.size() &&
                    (span_.empty() || span_.data() + span_.size() == text.data());
  if (gathered_ || !fits) {
    gather(parsed->entry);
  } else {
    span_ = {span_.empty() ? text.data() : span_.data(), span_.size() + text.size()};
  }
  return std::nullopt;
}

std::optional<Fault> HeaderCollector::add_text(const HeaderEntry& entry) {
  if (auto wrong = check(entry)) return wrong;
  gather(entry);
  return std::nullopt;
}

// The rules are the broker's: a client takes what it gets.
std::optional<Fault> HeaderCollector::check(const HeaderEntry& entry) {
  if (reading_ == Reading::tolerant) return std::nullopt;
  if (count_ == kHeadersMax) {
    return fault(ErrorCode::too_large, "", "are more than " + std::to_string(kHeadersMax));
  }
  bytes_ += entry.name.size() + entry.value.size();
  if (bytes_ > kHeadersBytesMax) {
    return fault(ErrorCode::too_large, "", "have more than " + std::to_string(kHeadersBytesMax) + " bytes");
  }
  const auto names_end = names_.begin() + count_;
  if (std::find(names_.begin(), names_end, entry.name) != names_end) {
    return fault(ErrorCode::bad_value, "", "have a name twice");
  }
  names_[count_++] = entry.name;
  return std::nullopt;
}

void HeaderCollector::gather(const HeaderEntry& entry) {
  if (!gathered_) {
    gathered_ = true;
    mark_ = made_.size();
    made_.text() += span_;
  }
  append_header(entry, made_.text());
}

}  // namespace ringcast::proto
