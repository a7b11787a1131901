// Parser: turns the bytes of one direction of a WebSocket into messages and control frames (RFC 6455 §5).
//
// Called by: a session (Role::server) and the client (Role::client), one Parser per connection, any one thread.
// Pull:      next() takes bytes until it has one event; the caller comes again with the rest. Any split of the stream
//            gives the same events. After a close or a failure it consumes and ignores whatever comes.
// Memory:    an unfragmented frame that lies whole in the input is unmasked there and viewed: no copy, no allocation.
//            Anything else is gathered in one buffer, which grows geometrically with what was received, never with what
//            a header only promises, and is given back after the message when it is over kKeptSizeMax. A compressed
//            message is gathered as it came and inflated when it is complete, into the inflater that the caller lends:
//            a connection that sends none, or is between two, costs nothing for it.
// Invariant: message_size_ + control_size_ <= capacity_; message_size_ <= message_size_max, or, compressed, what that
//            can have come from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include "frame/bytes.h"
#include "frame/close.h"
#include "frame/error.h"
#include "frame/header.h"
#include "frame/inflate.h"
#include "frame/utf8.h"

namespace ringcast::frame {

enum class Role : std::uint8_t {
  server,  // reads what a client sent: every frame must be masked
  client,  // reads what a server sent: no frame may be masked
};

// What next() found. Views are into the input, the parser's buffer or the inflater's output, valid until the next call
// of next(), and for a compressed message of any next() with that inflater.
struct Event {
  enum class Kind : std::uint8_t {
    need_more,  // all input was consumed; nothing is complete
    text,       // a whole message; valid UTF-8
    binary,     // a whole message
    ping,       // to be answered with a pong of the same payload
    pong,
    close,   // the peer's last frame: `code`, or 1005 for none; `payload` is the reason
    failed,  // `error`; the connection is to be closed with close_status(error)
  };

  Kind kind = Kind::need_more;
  bool compressed = false;  // text, binary: it came compressed (RFC 7692 §6); `payload` is inflated
  Error error = Error::truncated;
  std::uint16_t code = kNoStatus;
  Bytes payload{};
};

struct Step {
  std::size_t consumed = 0;  // bytes of the input; the rest is to be offered again
  Event event;
};

class Parser {
 public:
  // A buffer up to this size stays with the connection between messages, so that a small message cut by a receive
  // boundary costs no allocation each time; bytes.
  static constexpr std::size_t kKeptSizeMax = 4096;
  static constexpr std::size_t kMessageSizeLimit = std::size_t{1} << 30;  // bytes; sizes are kept in 32 bits

  struct Options {
    Role role = Role::server;
    std::size_t message_size_max = std::size_t{1} << 20;  // bytes, over all fragments and inflated; 1009 beyond
    bool compression = false;  // permessage-deflate was negotiated: RSV1 is allowed (RFC 7692 §6)
  };

  // The most that may come for a message of `size` bytes, compressed: an eighth more, for what cannot be compressed (by
  // fixed codes 9 bits for 8; in stored blocks less), and a few small blocks. Beyond it is padding.
  [[nodiscard]] static constexpr std::size_t compressed_size_max(std::size_t size) noexcept {
    return size + size / 8 + 64;
  }

  explicit Parser(Options options) noexcept;
  Parser(Parser&&) noexcept = default;
  Parser& operator=(Parser&&) noexcept = default;
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() = default;

  // Messages that begin from now on may have so many bytes; one that is in progress keeps its limit.
  void limit(std::size_t message_size_max) noexcept {
    if (message_size_max != message_size_max_ && !in_progress()) limit_slow(message_size_max);
  }

  // Takes bytes from the front of `in` (unmasking there) up to the end of the next event.
  // To be called until it says need_more, also when no bytes are left: that ends the view and gives a large buffer
  // back. Never says need_more while bytes of `in` are left.
  // `inflater`: needed with Options::compression. One for all connections of a thread whose peers drop their context,
  // or the connection's own, always the same.
  [[nodiscard]] Step next(MutableBytes in, Inflater* inflater = nullptr);

  // Gives back the kept buffer unless a message is in progress. Ends the view of the last event.
  void trim() noexcept;

  // Bytes on the heap now.
  [[nodiscard]] std::size_t heap_size() const noexcept { return capacity_; }

  // True between the first fragment of a message and its last, and inside a frame.
  [[nodiscard]] bool in_progress() const noexcept;

 private:
  enum class State : std::uint8_t { header, payload, ended };
  enum class View : std::uint8_t { none, message, control, inflated };

  void limit_slow(std::size_t message_size_max) noexcept;
  void forget_view() noexcept;
  [[nodiscard]] std::expected<std::size_t, Error> read_header(Bytes in) noexcept;
  [[nodiscard]] std::expected<std::size_t, Error> read_header_slow(Bytes in) noexcept;
  [[nodiscard]] std::expected<void, Error> begin_frame(const Header& header) noexcept;
  [[nodiscard]] std::size_t gathered_size_max(bool compressed) const noexcept;
  [[nodiscard]] std::expected<void, Error> check_sequence(const Header& header) const noexcept;
  [[nodiscard]] std::expected<Event, Error> take_payload(MutableBytes part, Inflater* inflater);
  void turn_mask(std::size_t size) noexcept;
  [[nodiscard]] std::expected<Event, Error> take_data(Bytes part, Inflater* inflater);
  [[nodiscard]] std::expected<Event, Error> take_control(Bytes part);
  [[nodiscard]] std::expected<Event, Error> end_message(Bytes payload, Inflater* inflater);
  [[nodiscard]] std::expected<Event, Error> end_compressed(Event::Kind kind, Bytes payload, Inflater& inflater);
  [[nodiscard]] std::expected<Event, Error> end_control(Bytes payload) noexcept;
  void append(Bytes part);
  void grow_slow(std::size_t size);
  [[nodiscard]] Step fail(std::size_t consumed, Error error) noexcept;
  void check_invariants() const noexcept;

  std::unique_ptr<std::uint8_t[]> buffer_;  // the fragments so far, then the part of a control frame so far
  std::uint32_t capacity_ = 0;
  std::uint32_t message_size_ = 0;  // bytes of the message in buffer_
  std::uint32_t message_size_max_;
  std::uint32_t remaining_ = 0;  // bytes of the frame's payload that are still to come
  MaskKey mask_{};               // turned so that its first byte meets the next byte of the payload
  std::array<std::uint8_t, kHeaderSizeMax> header_{};  // of a header that was cut
  std::uint8_t header_size_ = 0;
  std::uint8_t control_size_ = 0;                 // bytes of a control frame in buffer_, after the message
  Opcode opcode_ = Opcode::continuation;          // of the frame
  Opcode message_opcode_ = Opcode::continuation;  // text or binary; continuation: no message is in progress
  Utf8 utf8_;                                     // over the fragments of a text message
  State state_ = State::header;
  View view_ = View::none;
  Role role_;
  bool fin_ : 1 = false;
  bool compressed_ : 1 = false;  // the message
  bool compression_ : 1;
};

static_assert(sizeof(Parser) <= 64, "thousands of idle connections hold one each");

}  // namespace ringcast::frame
