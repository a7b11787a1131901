// What the properties of requests and events in both forms have in common.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "proto/json_form.h"
#include "proto/json_text.h"
#include "proto/proto_form.h"
#include "tests/fuzz/property.h"
#include "tests/proto/plain.h"

namespace ringcast::fuzz {

template <class Form>
[[nodiscard]] std::expected<proto::Request, proto::Fault> read_as(const proto::Request& /*like*/, Form& form,
                                                                  Bytes in) {
  return form.read_request(in);
}

template <class Form>
[[nodiscard]] std::expected<proto::Event, proto::Fault> read_as(const proto::Event& /*like*/, Form& form, Bytes in) {
  return form.read_event(in);
}

// Written, it is read back the same, and writing that gives the same bytes.
template <class Form, class RequestOrEvent>
void check_rewritten(const RequestOrEvent& plain) {
  static Form form;
  std::vector<std::uint8_t> first;
  std::vector<std::uint8_t> second;
  Form::write(plain, first);
  const auto again = read_as(plain, form, first);
  require(again.has_value());
  require(proto::test::show(*again) == proto::test::show(plain));
  Form::write(*again, second);
  require(first == second);
}

// Whatever is wrong can be told to the peer: a sentence, not long, that both forms carry.
template <class Form>
void check_fault(const proto::Fault& fault) {
  require(!fault.text.empty());
  require(fault.text.size() < 400);
  require(proto::is_utf8(fault.text));
  require(proto::is_utf8(fault.field));
  require(fault.code != proto::ErrorCode::unspecified);
  check_rewritten<Form>(
      proto::Event(proto::Error{.code = fault.code, .text = fault.text, .id = fault.id, .field = fault.field}));
}

// Are its integers within what JSON carries?
[[nodiscard]] bool has_json_integers(const proto::Request& request);

// The request with JSON payloads as the JSON form reads them: without spaces around. Borrows from the request, and
// what it makes is valid until the next call.
[[nodiscard]] proto::Request without_space(const proto::Request& request);

}  // namespace ringcast::fuzz
