#include "proto/json_text.h"

#include <simdjson.h>

#include <bit>
#include <cassert>
#include <cstring>
#include <vector>

namespace ringcast::proto {

namespace {

constexpr std::size_t kRoomMin = 4096;  // bytes: most texts fit, so memory is taken once

// Most names and header values are short ASCII: not worth the way to the fastest of simdjson's implementations.
bool is_short_ascii(std::string_view text) noexcept {
  if (text.size() > 64) return false;
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  return is_short_ascii(text) || simdjson::validate_utf8(text.data(), text.size());
}

struct JsonJudge::Simdjson {
  simdjson::dom::parser parser;
  std::vector<char> padded;  // simdjson reads past the end of what it parses
};

JsonJudge::JsonJudge(std::uint32_t depth_max) : simdjson_(std::make_unique<Simdjson>()), depth_max_(depth_max) {}
JsonJudge::~JsonJudge() = default;

// For texts of up to `size` bytes.
void JsonJudge::reserve(std::size_t size) {
  if (simdjson_->parser.capacity() >= size) return;
  const std::size_t room = std::bit_ceil(std::max(size, kRoomMin));
  // simdjson fails at a depth that equals its limit.
  const auto parser_error = simdjson_->parser.allocate(room, depth_max_ + 1);
  const auto document_error = simdjson_->parser.doc.allocate(room);
  assert(parser_error == simdjson::SUCCESS);
  assert(document_error == simdjson::SUCCESS);
  simdjson_->padded.resize(room + simdjson::SIMDJSON_PADDING);
}

JsonVerdict JsonJudge::judge(std::string_view text) {
  if (text.empty()) return JsonVerdict::invalid;
  reserve(text.size());
  std::memcpy(simdjson_->padded.data(), text.data(), text.size());
  std::memset(simdjson_->padded.data() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
  switch (simdjson_->parser.parse(simdjson_->padded.data(), text.size(), false).error()) {
    case simdjson::SUCCESS:
      return JsonVerdict::valid;
    case simdjson::DEPTH_ERROR:
      return JsonVerdict::too_deep;
    default:
      return JsonVerdict::invalid;
  }
}

}  // namespace ringcast::proto
