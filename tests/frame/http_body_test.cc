#include "frame/http_body.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace ringcast::frame;
using Kind = BodyReader::Step::Kind;

namespace {

struct Outcome {
  Kind kind = Kind::need_more;
  std::string data{};
  std::size_t consumed = 0;
  std::optional<HttpError> error{};

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(Framing framing, std::uint64_t size_max, std::string_view input, std::size_t piece) {
  BodyReader reader(framing, size_max);
  Outcome outcome;
  for (;;) {
    const std::vector<std::uint8_t> in(input.begin(), input.begin() + static_cast<long>(std::min(piece, input.size())));
    const auto step = reader.next(in);
    REQUIRE(step.consumed <= in.size());
    REQUIRE((step.kind == Kind::data) == !step.data.empty());
    outcome.kind = step.kind;
    outcome.consumed += step.consumed;
    outcome.data.append(as_text(step.data));
    input.remove_prefix(step.consumed);
    if (step.kind == Kind::failed) outcome.error = step.error;
    if (step.kind == Kind::done || step.kind == Kind::failed) {
      CHECK(reader.next(as_bytes("more")).kind == step.kind);  // and stays so
      return outcome;
    }
    if (step.kind == Kind::need_more && input.empty()) return outcome;
  }
}

Outcome read_all_ways(Framing framing, std::uint64_t size_max, std::string_view input) {
  const Outcome outcome = read(framing, size_max, input, input.size() + 1);
  for (std::size_t piece = 1; piece < input.size(); piece += 1 + piece / 8) {
    CAPTURE(piece);
    CHECK(read(framing, size_max, input, piece) == outcome);
  }
  return outcome;
}

constexpr Framing kChunked{.kind = Framing::Kind::chunked};
constexpr Framing of_length(std::uint64_t length) {
  return {.kind = Framing::Kind::length, .length = length};
}

}  // namespace

TEST_CASE("a body by length ends after its bytes, and one without a body at once") {
  CHECK(read_all_ways(of_length(5), 5, "helloGET /") == Outcome{.kind = Kind::done, .data = "hello", .consumed = 5});
  CHECK(read_all_ways(of_length(5), 5, "hell") == Outcome{.kind = Kind::need_more, .data = "hell", .consumed = 4});
  CHECK(read_all_ways(of_length(0), 0, "GET /") == Outcome{.kind = Kind::done});
  CHECK(read_all_ways({}, 0, "GET /") == Outcome{.kind = Kind::done});
}

TEST_CASE("a body until the end of the connection has no end of its own, but a limit") {
  constexpr Framing kEndless{.kind = Framing::Kind::until_close};
  CHECK(read_all_ways(kEndless, 5, "hello") == Outcome{.kind = Kind::need_more, .data = "hello", .consumed = 5});
  CHECK(read_all_ways(kEndless, 4, "hello") ==
        Outcome{.kind = Kind::failed, .data = "hell", .consumed = 4, .error = HttpError::body_too_large});
}

TEST_CASE("a chunked body joins its chunks (RFC 9112 §7.1)") {
  struct Row {
    std::string_view input;
    std::string_view data;
  };
  constexpr Row rows[] = {
      {"0\r\n\r\n", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"2\r\nhe\r\n3\r\nllo\r\n000\r\n\r\n", "hello"},
      {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"},
      {"000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5;name=value\r\nhello\r\n0;last\r\n\r\n", "hello"},
      {"5 \t;\"quoted; \\\" \"\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5\r\nhello\r\n0\r\nTrailer: x\r\nOther:\r\n\r\n", "hello"},
      {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.input);
    const std::string input(row.input);
    CHECK(read_all_ways(kChunked, 100, input + "GET /") ==
          Outcome{.kind = Kind::done, .data = std::string(row.data), .consumed = input.size()});
    for (std::size_t cut = 0; cut < input.size(); ++cut) {
      CHECK(read(kChunked, 100, input.substr(0, cut), 1000).kind == Kind::need_more);
    }
  }
}

TEST_CASE("a broken chunked body is refused at the byte that breaks it") {
  struct Row {
    std::string_view why;
    HttpError error;
    std::string input;  // wrong at its last byte
  };
  const Row rows[] = {
      {"no size", HttpError::bad_chunk_size, "\r"},
      {"an extension and no size", HttpError::bad_chunk_size, ";"},
      {"a space before the size", HttpError::bad_chunk_size, " "},
      {"not hexadecimal", HttpError::bad_chunk_size, "g"},
      {"0x", HttpError::bad_chunk_size, "0x"},
      {"a sign", HttpError::bad_chunk_size, "-"},
      {"sixteen digits", HttpError::bad_chunk_size, "0000000000000000"},
      {"a space after the size and no extension", HttpError::bad_chunk_size, "5 \r"},
      {"LF after the size", HttpError::bare_line_feed, "5\n"},
      {"LF after an extension", HttpError::bare_line_feed, "5;a\n"},
      {"CR and no LF after the size", HttpError::bare_carriage_return, "5\rh"},
      {"a control character in an extension", HttpError::bad_chunk_extension, "5;a\x01"},
      {"more data than the size", HttpError::bad_chunk_end, "5\r\nhellox"},
      {"LF after the data", HttpError::bad_chunk_end, "5\r\nhello\n"},
      {"CR and no LF after the data", HttpError::bad_chunk_end, "5\r\nhello\rx"},
      {"a bad trailer", HttpError::bad_field_name, "0\r\n:"},
      {"a folded trailer", HttpError::folded_line, "0\r\nA: b\r\n "},
      {"LF ends the trailers", HttpError::bare_line_feed, "0\r\n\n"},
      {"CR and no LF end the trailers", HttpError::bare_carriage_return, "0\r\n\rx"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const Outcome outcome = read_all_ways(kChunked, 100, row.input + "after");
    CHECK(outcome.error == row.error);
    CHECK(outcome.consumed == row.input.size());
    CHECK(read(kChunked, 100, row.input.substr(0, row.input.size() - 1), 1000).kind == Kind::need_more);
  }
}

TEST_CASE("a body of the largest size is taken and one byte more refused, before it is read where that is known") {
  CHECK(read(of_length(10), 10, "0123456789", 100).kind == Kind::done);
  CHECK(read_all_ways(of_length(11), 10, "") == Outcome{.kind = Kind::failed, .error = HttpError::body_too_large});

  CHECK(read_all_ways(kChunked, 10, "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n").data == "0123456789");
  const Outcome over = read_all_ways(kChunked, 10, "5\r\n01234\r\n6\r\n567890\r\n0\r\n\r\n");
  CHECK(over.error == HttpError::body_too_large);
  CHECK(over.data == "01234");
  CHECK(read_all_ways(kChunked, 10, "fffffffffffffff\r\n").error == HttpError::body_too_large);
}

TEST_CASE("extensions and trailers have limits over the whole body") {
  const auto with_extension = [](std::size_t size) {
    return "1;" + std::string(size - 1, 'x') + "\r\na\r\n0\r\n\r\n";  // the CR counts
  };
  CHECK(read(kChunked, 10, with_extension(BodyReader::kExtensionsSizeMax), 1 << 20).kind == Kind::done);
  CHECK(read(kChunked, 10, with_extension(BodyReader::kExtensionsSizeMax + 1), 1 << 20).error ==
        HttpError::bad_chunk_extension);
  std::string many;
  for (std::size_t i = 0; i < BodyReader::kExtensionsSizeMax; ++i) many += "1;\r\na\r\n";
  CHECK(read(kChunked, 1 << 20, many, 1 << 20).kind == Kind::need_more);
  CHECK(read(kChunked, 1 << 20, many + "1;\r\n", 1 << 20).error == HttpError::bad_chunk_extension);

  const auto with_trailer = [](std::size_t size) { return "0\r\n" + std::string(size - 3, 'A') + ":\r\n\r\n"; };
  CHECK(read(kChunked, 10, with_trailer(BodyReader::kTrailersSizeMax - 1), 1 << 20).kind == Kind::done);
  CHECK(read(kChunked, 10, with_trailer(BodyReader::kTrailersSizeMax), 1 << 20).error == HttpError::trailers_too_large);
  CHECK(http_status(HttpError::trailers_too_large) == 431);
}
