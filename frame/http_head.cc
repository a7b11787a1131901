#include "frame/http_head.h"

#include <utility>

namespace ringcast::frame {

std::expected<FieldScanner::Mark, HttpError> FieldScanner::take(std::uint8_t byte) noexcept {
  switch (state_) {
    case State::line_start:
      return take_line_start(byte);
    case State::name:
      return take_name(byte);
    case State::value:
      return take_value(byte);
    case State::line_feed:
    case State::last_line_feed:
      if (byte != '\n') return std::unexpected(HttpError::bare_carriage_return);
      return std::exchange(state_, State::line_start) == State::line_feed ? Mark::line_end : Mark::section_end;
  }
  std::unreachable();
}

std::size_t FieldScanner::run_size(Bytes in) const noexcept {
  std::size_t size = 0;
  if (state_ == State::name) {
    while (size < in.size() && is_token_char(static_cast<char>(in[size]))) ++size;
  } else if (state_ == State::value) {
    while (size < in.size() && is_value_char(static_cast<char>(in[size]))) ++size;
  }
  return size;
}

std::expected<FieldScanner::Mark, HttpError> FieldScanner::take_line_start(std::uint8_t byte) noexcept {
  if (byte == '\r') {
    state_ = State::last_line_feed;
    return Mark::inside;
  }
  if (byte == '\n') return std::unexpected(HttpError::bare_line_feed);
  if (byte == ' ' || byte == '\t') return std::unexpected(HttpError::folded_line);
  if (!is_token_char(static_cast<char>(byte))) return std::unexpected(HttpError::bad_field_name);
  state_ = State::name;
  return Mark::name_begin;
}

std::expected<FieldScanner::Mark, HttpError> FieldScanner::take_name(std::uint8_t byte) noexcept {
  if (byte == ':') {
    state_ = State::value;
    return Mark::colon;
  }
  if (is_token_char(static_cast<char>(byte))) return Mark::inside;
  if (byte == ' ' || byte == '\t') return std::unexpected(HttpError::space_before_colon);
  return std::unexpected(HttpError::bad_field_name);
}

std::expected<FieldScanner::Mark, HttpError> FieldScanner::take_value(std::uint8_t byte) noexcept {
  if (byte == '\r') {
    state_ = State::line_feed;
    return Mark::value_end;
  }
  if (byte == '\n') return std::unexpected(HttpError::bare_line_feed);
  if (!is_value_char(static_cast<char>(byte))) return std::unexpected(HttpError::bad_field_value);
  return Mark::inside;
}

std::expected<bool, HttpError> FieldSection::take(std::uint8_t byte, std::uint32_t position) {
  const auto mark = scanner_.take(byte);
  if (!mark) return std::unexpected(mark.error());
  switch (*mark) {
    case FieldScanner::Mark::inside:
    case FieldScanner::Mark::line_end:
      return false;
    case FieldScanner::Mark::name_begin:
      if (lines_.size() == fields_max_) return std::unexpected(HttpError::too_many_fields);
      lines_.push_back({.name = position});
      return false;
    case FieldScanner::Mark::colon:
      lines_.back().colon = position;
      return false;
    case FieldScanner::Mark::value_end:
      lines_.back().end = position;
      return false;
    case FieldScanner::Mark::section_end:
      return true;
  }
  std::unreachable();
}

Fields FieldSection::fields(std::string_view text) const {
  Fields fields;
  fields.reserve(lines_.size());
  for (const Line& line : lines_) {
    fields.add({.name = text.substr(line.name, line.colon - line.name),
                .value = trim_spaces(text.substr(line.colon + 1, line.end - line.colon - 1))});
  }
  return fields;
}

}  // namespace ringcast::frame
