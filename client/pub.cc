#include "client/pub.h"

#include <cstdio>

namespace ringcast::client {

Error not_text_error(std::uint64_t line) {
  return {.failure = Failure::input,
          .text = line == 0 ? "the payload is not UTF-8" : "line " + std::to_string(line) + " is not UTF-8",
          .remedy = "use --binary"};
}

int run_pub(const PubOptions& options) {
  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "ringcast pub: %s\n", to_line(error).c_str());
    return to_int(exit_code_of(error.failure));
  };
  auto place = open_place(options.url, options.tls);
  if (!place) return fail(place.error());
  place->url.token = options.token;
  if (options.acks == Acks::none && options.json) {
    return fail({.failure = Failure::usage, .text = "--acks none has no results for --json", .remedy = {}});
  }
  const auto code = options.acks == Acks::each ? publish_acked(options) : publish_raw(place->url, options);
  return code ? to_int(*code) : fail(code.error());
}

}  // namespace ringcast::client
