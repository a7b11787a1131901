#include "tests/frame/wire.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "frame/mask.h"

namespace ringcast::frame {

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  out << "{kind " << static_cast<int>(seen.kind) << ", " << seen.payload.size() << " bytes \""
      << seen.payload.substr(0, 40) << "\", code " << seen.code;
  if (seen.kind == Event::Kind::failed) out << ", " << text(seen.error);
  return out << (seen.compressed ? ", compressed}" : "}");
}

std::ostream& operator<<(std::ostream& out, const std::vector<Seen>& events) {
  for (const Seen& seen : events) out << seen << ' ';
  return out;
}

Seen text_event(std::string_view payload) {
  return {.kind = Event::Kind::text, .payload = std::string(payload)};
}

Seen binary_event(std::string_view payload) {
  return {.kind = Event::Kind::binary, .payload = std::string(payload)};
}

Seen failed_event(Error error) {
  return {.kind = Event::Kind::failed, .error = error};
}

std::string bytes(std::initializer_list<unsigned> values) {
  std::string out;
  for (const unsigned value : values) out.push_back(static_cast<char>(value));
  return out;
}

std::string frame(Header header, std::string_view payload) {
  header.payload_size = payload.size();
  std::array<std::uint8_t, kHeaderSizeMax> head{};
  std::string out(as_text(Bytes(head).first(encode_header(header, head))));
  const std::size_t at = out.size();
  out.append(payload);
  if (header.masked) {
    for (std::size_t i = 0; i < payload.size(); ++i) {
      out[at + i] = static_cast<char>(static_cast<std::uint8_t>(out[at + i]) ^ header.mask[i % 4]);
    }
  }
  return out;
}

std::string client_frame(Opcode opcode, std::string_view payload, Fin fin) {
  return frame({.opcode = opcode, .fin = fin == Fin::yes, .masked = true, .mask = kTestMask}, payload);
}

std::string server_frame(Opcode opcode, std::string_view payload, Fin fin) {
  return frame({.opcode = opcode, .fin = fin == Fin::yes}, payload);
}

std::vector<std::size_t> pieces_of(std::size_t size, std::size_t piece) {
  std::vector<std::size_t> pieces(size / piece, piece);
  if (size % piece != 0) pieces.push_back(size % piece);
  return pieces;
}

std::vector<std::size_t> cut_at(std::size_t size, std::size_t place) {
  return {place, size - place};
}

std::vector<Seen> see(Parser& parser, std::string_view input, const std::vector<std::size_t>& pieces,
                      Inflater* inflater) {
  std::vector<Seen> events;
  for (const std::size_t size : pieces) {
    // Exactly as large as the piece, so that the address sanitizer sees a read or write past it.
    const auto memory = std::make_unique<std::uint8_t[]>(size);
    if (size > 0) std::memcpy(memory.get(), input.data(), size);
    input.remove_prefix(size);
    MutableBytes rest(memory.get(), size);
    for (;;) {
      const Step step = parser.next(rest, inflater);
      REQUIRE(step.consumed <= rest.size());
      rest = rest.subspan(step.consumed);
      const Event& event = step.event;
      if (event.kind == Event::Kind::need_more) break;
      events.push_back({.kind = event.kind,
                        .payload = std::string(as_text(event.payload)),
                        .compressed = event.compressed,
                        .code = event.code,
                        .error = event.error});
    }
    REQUIRE(rest.empty());
  }
  REQUIRE(input.empty());
  return events;
}

std::vector<Seen> see_all_ways(Parser::Options options, std::string_view input) {
  Inflater inflater({});
  Parser whole(options);
  const std::vector<Seen> events = see(whole, input, {input.size()}, &inflater);
  Parser by_bytes(options);
  CHECK(see(by_bytes, input, pieces_of(input.size(), 1), &inflater) == events);
  for (std::size_t place = 0; place <= input.size(); ++place) {
    CAPTURE(place);
    Parser cut(options);
    CHECK(see(cut, input, cut_at(input.size(), place), &inflater) == events);
  }
  return events;
}

}  // namespace ringcast::frame
