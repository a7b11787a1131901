#include "broker/revocations.h"

#include <algorithm>

#include "broker/token_json.h"

namespace ringcast::broker {

namespace {

constexpr std::string_view kSubject = "sub:";
constexpr std::string_view kTokenId = "jti:";

bool is_entry(std::string_view entry) {
  if (!entry.starts_with(kSubject) && !entry.starts_with(kTokenId)) return false;
  const std::size_t size = entry.size() - kSubject.size();
  return size > 0 && size <= kTokenNameBytesMax;
}

}  // namespace

std::expected<void, std::string> Revocations::add(std::string_view entry) {
  if (!is_entry(entry)) return std::unexpected("is neither sub:NAME nor jti:ID, of at most 256 bytes");
  if (entries_.size() == kRevocationsMax && !entries_.contains(entry))
    return std::unexpected("is one entry too many: there are 100000 at most");
  entries_.emplace(entry);
  return {};
}

bool Revocations::remove(std::string_view entry) {
  const auto found = entries_.find(entry);
  if (found == entries_.end()) return false;
  entries_.erase(found);
  return true;
}

std::expected<void, std::string> Revocations::add_lines(std::string_view text) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    if (const auto added = add(line); !added)
      return std::unexpected("line " + std::to_string(number) + " " + added.error());
  }
  return {};
}

void Revocations::add_all(const Revocations& other) {
  for (const std::string& entry : other.entries_) {
    if (entries_.size() == kRevocationsMax) return;
    entries_.insert(entry);
  }
}

bool Revocations::has(std::string_view subject, std::string_view token_id) const {
  if (entries_.empty()) return false;
  if (entries_.contains(std::string(kSubject) += subject)) return true;
  return !token_id.empty() && entries_.contains(std::string(kTokenId) += token_id);
}

}  // namespace ringcast::broker
