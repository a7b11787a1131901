#include "broker/accept.h"

#include <doctest/doctest.h>

namespace ringcast::broker {

TEST_CASE("accept: an event stream is for who names it and prefers nothing else") {
  struct Row {
    const char* accept;
    bool stream;
  };
  const Row rows[] = {
      {"text/event-stream", true},
      {"Text/Event-Stream", true},
      {"text/event-stream;charset=utf-8", true},
      {"text/event-stream, */*", true},  // equal: the one that is named
      {"text/event-stream, application/json;q=0.9", true},
      {"text/event-stream;q=0.5, */*;q=0.1", true},
      {"text/event-stream ; q=1.000", true},
      {"text/event-stream;q=0.001", true},
      {"text/html;q=0, text/event-stream;q=0.2", true},
      {"application/json;v=\"a;q=0.1,b\";q=0.3, text/event-stream;q=0.4", true},
      {"text/event-stream;q=0.1, text/event-stream", true},
      {"", false},
      {"*/*", false},
      {"text/*", false},
      {"application/json", false},
      {"text/event-stream;q=0", false},
      {"text/event-stream;q=0.000", false},
      {"text/event-stream;q=0.5, application/json", false},
      {"text/event-stream;q=0.5, */*;q=0.501", false},
      {"application/json, text/event-stream;Q=0.9", false},
      {"text/event-streams", false},
      {"xtext/event-stream", false},
      // A weight that is none speaks for nothing.
      {"text/event-stream;q=2", false},
      {"text/event-stream;q=", false},
      {"text/event-stream;q=0.0001", false},
      {"text/event-stream;q=1.001", false},
      {"text/event-stream;q=.5", false},
      {"text/event-stream;q=-1", false},
      {"*/*;q=nonsense, text/event-stream;q=0.1", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.accept);
    frame::Fields fields;
    fields.add({.name = "Accept", .value = row.accept});
    CHECK(wants_event_stream(fields) == row.stream);
  }
}

TEST_CASE("accept: several fields are one list, and none asks for nothing") {
  frame::Fields fields;
  CHECK(!wants_event_stream(fields));
  fields.add({.name = "Accept", .value = "application/json;q=0.2"});
  fields.add({.name = "Accept-Encoding", .value = "gzip"});
  CHECK(!wants_event_stream(fields));
  fields.add({.name = "accept", .value = "text/event-stream;q=0.3"});
  CHECK(wants_event_stream(fields));
}

}  // namespace ringcast::broker
