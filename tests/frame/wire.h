// What the tests of frame share: frames built by hand, input in pieces of any size, and what a Parser makes of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "frame/error.h"
#include "frame/header.h"
#include "frame/parser.h"

namespace ringcast::frame {

inline constexpr MaskKey kTestMask{0x37, 0xfa, 0x21, 0x3d};  // the one of RFC 6455 §5.7

// An Event that outlives the input.
struct Seen {
  Event::Kind kind = Event::Kind::need_more;
  std::string payload{};
  bool compressed = false;
  std::uint16_t code = kNoStatus;
  Error error = Error::truncated;

  friend bool operator==(const Seen&, const Seen&) = default;
};
std::ostream& operator<<(std::ostream& out, const Seen& seen);
std::ostream& operator<<(std::ostream& out, const std::vector<Seen>& events);

// What decode and fail the same way, short to write.
[[nodiscard]] Seen text_event(std::string_view payload);
[[nodiscard]] Seen binary_event(std::string_view payload);
[[nodiscard]] Seen failed_event(Error error);

// The bytes of a list of numbers: bytes({0x81, 0x05}).
[[nodiscard]] std::string bytes(std::initializer_list<unsigned> values);

// A whole frame: header, with the right size, and payload, masked if the header says so.
[[nodiscard]] std::string frame(Header header, std::string_view payload);

enum class Fin : bool { no, yes };

// A frame as a client sends it, masked with kTestMask.
[[nodiscard]] std::string client_frame(Opcode opcode, std::string_view payload, Fin fin = Fin::yes);

// A frame as a server sends it.
[[nodiscard]] std::string server_frame(Opcode opcode, std::string_view payload, Fin fin = Fin::yes);

// The sizes of pieces to cut `size` bytes into.
[[nodiscard]] std::vector<std::size_t> pieces_of(std::size_t size, std::size_t piece);  // all alike, the last shorter
[[nodiscard]] std::vector<std::size_t> cut_at(std::size_t size, std::size_t place);     // two

// All events that `parser` finds in `input`, given in pieces. Each piece has memory of its own, which ends with it.
[[nodiscard]] std::vector<Seen> see(Parser& parser, std::string_view input, const std::vector<std::size_t>& pieces,
                                    Inflater* inflater = nullptr);

// All events of `input` in a new parser, with a new inflater; requires that they are the same whole, byte by byte and
// cut at every place.
[[nodiscard]] std::vector<Seen> see_all_ways(Parser::Options options, std::string_view input);

}  // namespace ringcast::frame
