#include "tests/fuzz/forms.h"
#include "tests/fuzz/property.h"
#include "tests/proto/library.h"

namespace ringcast::fuzz {

namespace {

using namespace proto;
using proto::test::library_rewrites_event;
using proto::test::library_shows_event;
using proto::test::show;

// What libprotobuf takes, we take and see the same.
void check_against_library(Bytes input) {
  if (!library_shows_event(input)) return;
  ProtoForm form;
  const auto rewritten = library_rewrites_event(input);  // of several events, one is left
  const auto event = form.read_event(rewritten);
  require(event.has_value());
  require(library_shows_event(rewritten) == show(*event));
}

void check_json(Bytes input) {
  static JsonForm form;
  const auto event = form.read_event(input);
  if (!event) return check_fault<JsonForm>(event.error());
  check_rewritten<ProtoForm>(*event);
  // Writers leave out the payload of a removal, which no broker sends.
  const auto* const message = std::get_if<Message>(&*event);
  if (message == nullptr || message->op != Op::remove) check_rewritten<JsonForm>(*event);
}

void check_wire(Bytes input) {
  static ProtoForm form;
  check_against_library(input);
  const auto event = form.read_event(input);
  if (!event) return check_fault<ProtoForm>(event.error());
  check_rewritten<ProtoForm>(*event);
}

}  // namespace

void check_event(Bytes input) {
  if (!input.empty() && input.front() == '{') {
    check_json(input);
  } else {
    check_wire(input);
  }
}

}  // namespace ringcast::fuzz
