#include "frame/parser.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "frame/mask.h"

namespace ringcast::frame {

namespace {

constexpr std::size_t kCapacityMin = 256;  // bytes: the first allocation, so that a byte at a time is not one each

}  // namespace

Parser::Parser(Options options) noexcept
    : message_size_max_(static_cast<std::uint32_t>(options.message_size_max)),
      role_(options.role),
      compression_(options.compression) {
  assert(options.message_size_max <= kMessageSizeLimit);
}

void Parser::limit_slow(std::size_t message_size_max) noexcept {
  assert(message_size_max <= kMessageSizeLimit);
  message_size_max_ = static_cast<std::uint32_t>(message_size_max);
}

Step Parser::next(MutableBytes in, Inflater* inflater) {
  if (view_ == View::inflated && inflater != nullptr) inflater->forget();
  forget_view();
  std::size_t at = 0;
  while (state_ != State::ended) {
    if (state_ == State::header) {
      const auto taken = read_header(in.subspan(at));
      if (!taken) return fail(at, taken.error());
      at += *taken;
      if (state_ == State::header) return {.consumed = at, .event = {}};
    }
    const std::size_t size = std::min<std::size_t>(remaining_, in.size() - at);
    auto event = take_payload(in.subspan(at, size), inflater);
    at += size;
    if (!event) return fail(at, event.error());
    if (event->kind != Event::Kind::need_more) return {.consumed = at, .event = *event};
    if (remaining_ > 0) return {.consumed = at, .event = {}};
  }
  return {.consumed = in.size(), .event = {}};
}

// Drops what the last event viewed, which its caller is done with.
void Parser::forget_view() noexcept {
  if (view_ == View::none) return;
  if (view_ == View::message) message_size_ = 0;
  control_size_ = 0;
  view_ = View::none;
  if (message_size_ == 0 && capacity_ > kKeptSizeMax) {
    buffer_.reset();
    capacity_ = 0;
  }
}

void Parser::trim() noexcept {
  forget_view();
  if (in_progress()) return;
  buffer_.reset();
  capacity_ = 0;
}

bool Parser::in_progress() const noexcept {
  return state_ == State::payload || header_size_ > 0 || message_opcode_ != Opcode::continuation;
}

// Takes a header, or what there is of it, from the front of `in`; returns the bytes taken.
std::expected<std::size_t, Error> Parser::read_header(Bytes in) noexcept {
  if (header_size_ > 0) return read_header_slow(in);
  const auto header = decode_header(in);
  if (!header) return header.error() == Error::truncated ? read_header_slow(in) : std::unexpected(header.error());
  if (const auto begun = begin_frame(*header); !begun) return std::unexpected(begun.error());
  return header->size;
}

// The header was cut: it is put together in header_.
std::expected<std::size_t, Error> Parser::read_header_slow(Bytes in) noexcept {
  const std::size_t before = header_size_;
  const std::size_t added = std::min(in.size(), header_.size() - before);
  std::ranges::copy(in.first(added), header_.begin() + static_cast<std::ptrdiff_t>(before));
  const auto header = decode_header(Bytes(header_).first(before + added));
  if (!header && header.error() == Error::truncated) {
    header_size_ = static_cast<std::uint8_t>(before + added);
    return added;
  }
  if (!header) return std::unexpected(header.error());
  header_size_ = 0;
  if (const auto begun = begin_frame(*header); !begun) return std::unexpected(begun.error());
  return header->size - before;
}

// What a header that is right by itself may be at this point of the stream.
std::expected<void, Error> Parser::check_sequence(const Header& header) const noexcept {
  if (header.masked && role_ == Role::client) return std::unexpected(Error::masked);
  if (!header.masked && role_ == Role::server) return std::unexpected(Error::not_masked);
  if (header.rsv1 && !compression_) return std::unexpected(Error::reserved_bits);
  const bool first = header.opcode == Opcode::text || header.opcode == Opcode::binary;
  if (header.rsv1 && !first) return std::unexpected(Error::rsv1_not_first);
  if (is_control(header.opcode)) {
    return header.opcode == Opcode::close && header.payload_size == 1
               ? std::expected<void, Error>(std::unexpected(Error::close_size))
               : std::expected<void, Error>();
  }
  const bool inside = message_opcode_ != Opcode::continuation;
  if (first && inside) return std::unexpected(Error::expected_continuation);
  if (!first && !inside) return std::unexpected(Error::unexpected_continuation);
  // Before a byte of it is buffered: the promise alone is refused (§7.4.1, 1009).
  const std::size_t size_max = gathered_size_max(first ? header.rsv1 : compressed_);
  if (header.payload_size > size_max - message_size_) return std::unexpected(Error::message_too_big);
  return {};
}

// How many bytes of a message may be gathered in buffer_.
std::size_t Parser::gathered_size_max(bool compressed) const noexcept {
  return compressed ? compressed_size_max(message_size_max_) : message_size_max_;
}

std::expected<void, Error> Parser::begin_frame(const Header& header) noexcept {
  if (const auto checked = check_sequence(header); !checked) return checked;
  state_ = State::payload;
  opcode_ = header.opcode;
  fin_ = header.fin;
  mask_ = header.mask;
  remaining_ = static_cast<std::uint32_t>(header.payload_size);
  if (opcode_ == Opcode::text || opcode_ == Opcode::binary) {
    message_opcode_ = opcode_;
    compressed_ = header.rsv1;
    utf8_ = {};
  }
  return {};
}

// Takes the next bytes of the frame's payload, perhaps none of them; need_more when no event ends with them.
std::expected<Event, Error> Parser::take_payload(MutableBytes part, Inflater* inflater) {
  if (role_ == Role::server) {
    mask(part, mask_);
    if (part.size() < remaining_) turn_mask(part.size());
  }
  remaining_ -= static_cast<std::uint32_t>(part.size());
  if (remaining_ == 0) state_ = State::header;
  auto event = is_control(opcode_) ? take_control(part) : take_data(part, inflater);
  check_invariants();
  return event;
}

// Lets the mask begin with the byte that meets the next one of the payload, after `size` others.
void Parser::turn_mask(std::size_t size) noexcept {
  std::ranges::rotate(mask_, mask_.begin() + static_cast<std::ptrdiff_t>(size % mask_.size()));
}

std::expected<Event, Error> Parser::take_data(Bytes part, Inflater* inflater) {
  if (message_opcode_ == Opcode::text && !compressed_ && !utf8_.feed(part)) {
    return std::unexpected(Error::invalid_utf8);
  }
  const bool last = fin_ && remaining_ == 0;
  if (last && message_size_ == 0) return end_message(part, inflater);
  append(part);
  message_size_ += static_cast<std::uint32_t>(part.size());
  if (!last) return Event{};
  view_ = View::message;
  return end_message({buffer_.get(), message_size_}, inflater);
}

std::expected<Event, Error> Parser::end_message(Bytes payload, Inflater* inflater) {
  const Event::Kind kind = message_opcode_ == Opcode::text ? Event::Kind::text : Event::Kind::binary;
  message_opcode_ = Opcode::continuation;
  if (compressed_) {
    assert(inflater != nullptr);
    return end_compressed(kind, payload, *inflater);
  }
  if (kind == Event::Kind::text && !utf8_.complete()) return std::unexpected(Error::invalid_utf8);
  return Event{.kind = kind, .payload = payload};
}

// Not while it arrives: the window and the output of a message half there would be the connection's to keep, 40 KiB and
// more of memory for a byte that a peer sends.
std::expected<Event, Error> Parser::end_compressed(Event::Kind kind, Bytes payload, Inflater& inflater) {
  using Content = Inflater::Content;
  const auto inflated = inflater.inflate(
      payload, {.content = kind == Event::Kind::text ? Content::text : Content::binary, .size_max = message_size_max_});
  forget_view();  // what was gathered
  if (!inflated) return std::unexpected(inflated.error());
  view_ = View::inflated;
  return Event{.kind = kind, .compressed = true, .payload = *inflated};
}

std::expected<Event, Error> Parser::take_control(Bytes part) {
  Bytes payload = part;
  if (control_size_ > 0 || remaining_ > 0) {
    append(part);
    control_size_ = static_cast<std::uint8_t>(control_size_ + part.size());
    payload = {buffer_.get() + message_size_, control_size_};
  }
  if (remaining_ == 0) return end_control(payload);
  if (opcode_ != Opcode::close) return Event{};
  // At most 125 bytes: checking them anew at each arrival is bounded work.
  if (const auto checked = check_close_prefix(payload); !checked) return std::unexpected(checked.error());
  return Event{};
}

std::expected<Event, Error> Parser::end_control(Bytes payload) noexcept {
  if (control_size_ > 0) view_ = View::control;
  if (opcode_ == Opcode::ping) return Event{.kind = Event::Kind::ping, .payload = payload};
  if (opcode_ == Opcode::pong) return Event{.kind = Event::Kind::pong, .payload = payload};
  const auto close = decode_close(payload);
  if (!close) return std::unexpected(close.error());
  state_ = State::ended;
  return Event{.kind = Event::Kind::close, .code = close->code, .payload = as_bytes(close->reason)};
}

// Puts `part` behind what the buffer holds.
void Parser::append(Bytes part) {
  if (part.empty()) return;
  const std::size_t used = std::size_t{message_size_} + control_size_;
  if (used + part.size() > capacity_) grow_slow(used + part.size());
  std::memcpy(buffer_.get() + used, part.data(), part.size());
}

// Makes room for `size` bytes; doubles, so that all the copying of a message stays below twice its size.
void Parser::grow_slow(std::size_t size) {
  const std::size_t used = std::size_t{message_size_} + control_size_;
  const std::size_t doubled = std::max(size, std::size_t{capacity_} * 2);
  // The last frame of a message says how much is still to come: no more than that is taken. Not for a control frame: it
  // may come again after the next byte of the message, and each time a whole message would be copied.
  const bool last = fin_ && !is_control(opcode_);
  const std::size_t capacity = std::max(last ? std::min(doubled, size + remaining_) : doubled, kCapacityMin);
  auto buffer = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
  if (used > 0) std::memcpy(buffer.get(), buffer_.get(), used);
  buffer_ = std::move(buffer);
  capacity_ = static_cast<std::uint32_t>(capacity);
}

Step Parser::fail(std::size_t consumed, Error error) noexcept {
  state_ = State::ended;
  view_ = View::none;
  buffer_.reset();
  capacity_ = message_size_ = 0;
  control_size_ = 0;
  return {.consumed = consumed, .event = {.kind = Event::Kind::failed, .error = error}};
}

void Parser::check_invariants() const noexcept {
  assert(message_size_ + control_size_ <= capacity_);
  assert(message_size_ <= gathered_size_max(compressed_));
  assert(state_ != State::header || remaining_ == 0);
}

}  // namespace ringcast::frame
