#include "frame/http_request.h"

#include <optional>
#include <string>

#include "frame/http_body.h"
#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

namespace {

using namespace frame;

constexpr std::uint64_t kBodySizeMax = 1000;  // bytes

struct Result {
  RequestParser parser;
  RequestParser::Step::Kind kind = RequestParser::Step::Kind::need_more;
  std::optional<HttpError> error{};
  std::size_t consumed = 0;
};

template <typename PieceSize>
Result parse(RequestLimits limits, Bytes in, PieceSize piece_size) {
  Result result{.parser = RequestParser(limits)};
  while (!in.empty() && result.kind == RequestParser::Step::Kind::need_more) {
    const Bytes piece = in.first(piece_size(in.size()));
    const auto step = result.parser.next(piece);
    require(step.consumed <= piece.size());
    require(step.kind != RequestParser::Step::Kind::need_more || step.consumed == piece.size());
    result.kind = step.kind;
    result.consumed += step.consumed;
    if (step.kind == RequestParser::Step::Kind::failed) result.error = step.error;
    in = in.subspan(step.consumed);
  }
  return result;
}

// The head as its own text: what two parsers must agree on, and what reads as the same request again.
std::string written(const Request& request) {
  std::string out;
  out.append(request.method).append(" ").append(request.target);
  out.append(request.version_minor == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  for (const Field& field : request.fields.all())
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  return out.append("\r\n");
}

struct Body {
  BodyReader::Step::Kind kind = BodyReader::Step::Kind::need_more;
  std::optional<HttpError> error;
  std::string data;
  std::size_t consumed = 0;

  friend bool operator==(const Body&, const Body&) = default;
};

template <typename PieceSize>
Body read_body(Framing framing, Bytes in, PieceSize piece_size) {
  BodyReader reader(framing, kBodySizeMax);
  Body body;
  Bytes piece;
  for (;;) {
    const auto step = reader.next(piece);
    require(step.consumed <= piece.size());
    body.kind = step.kind;
    body.consumed += step.consumed;
    body.data.append(as_text(step.data));
    piece = piece.subspan(step.consumed);
    if (step.kind == BodyReader::Step::Kind::failed) body.error = step.error;
    if (step.kind == BodyReader::Step::Kind::failed || step.kind == BodyReader::Step::Kind::done) return body;
    if (step.kind == BodyReader::Step::Kind::data) continue;
    require(piece.empty());
    if (in.empty()) return body;
    piece = in.first(piece_size(in.size()));
    in = in.subspan(piece.size());
  }
}

void require_same_request(const Request& a, const Request& b) {
  require(written(a) == written(b));
  require(a.host == b.host);
  require(a.parts.path == b.parts.path);
  require(a.parts.query == b.parts.query);
  require(a.framing == b.framing);
  require(a.keep_alive == b.keep_alive);
  require(a.expect_continue == b.expect_continue);
}

constexpr auto kWhole = [](std::size_t left) { return left; };
constexpr auto kByBytes = [](std::size_t) { return std::size_t{1}; };

}  // namespace

void check_http_request(Bytes input) {
  const RequestLimits limits = take_byte(input) % 2 == 0
                                   ? RequestLimits{}
                                   : RequestLimits{.head_size_max = 120, .line_size_max = 40, .fields_max = 4};
  const std::uint8_t seed = take_byte(input);
  Cuts cuts(seed);
  const auto cut = [&](std::size_t left) { return cuts.next(left); };

  const Result whole = parse(limits, input, kWhole);
  for (const Result& other : {parse(limits, input, kByBytes), parse(limits, input, cut)}) {
    require(other.kind == whole.kind);
    require(other.error == whole.error);
    require(other.consumed == whole.consumed);
    if (whole.kind == RequestParser::Step::Kind::done) {
      require_same_request(other.parser.request(), whole.parser.request());
    }
  }
  require(whole.consumed <= limits.head_size_max);
  if (whole.kind != RequestParser::Step::Kind::done) return;

  const Request& request = whole.parser.request();
  require(request.fields.all().size() <= limits.fields_max);
  const std::string text = written(request);
  const Result again = parse({.head_size_max = 1U << 20}, as_bytes(text), kWhole);
  require(again.kind == RequestParser::Step::Kind::done);
  require(again.consumed == text.size());
  require_same_request(again.parser.request(), request);

  const Bytes rest = input.subspan(whole.consumed);
  const Body body = read_body(request.framing, rest, kWhole);
  require(body.data.size() <= kBodySizeMax);
  require(body == read_body(request.framing, rest, kByBytes));
  require(body == read_body(request.framing, rest, cut));
}

}  // namespace ringcast::fuzz
