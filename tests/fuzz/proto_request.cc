#include "tests/fuzz/forms.h"
#include "tests/fuzz/property.h"
#include "tests/proto/library.h"

namespace ringcast::fuzz {

namespace {

using namespace proto;
using proto::test::library_rewrites_request;
using proto::test::library_shows_request;
using proto::test::show;

// libprotobuf sees the same in what we take; what it takes, we understand, even if a rule of ours is broken.
void check_against_library(Bytes input, const std::expected<Request, Fault>& request) {
  const auto expected = library_shows_request(input);
  if (request) require(expected == show(*request));
  if (!expected) return;
  ProtoForm form;
  const auto rewritten = library_rewrites_request(input);  // without what only we refuse: values that occur twice
  const auto again = form.read_request(rewritten);
  if (again) return;
  require(again.error().code != ErrorCode::malformed);
  require(again.error().code != ErrorCode::unknown_field);
}

}  // namespace

void check_proto_request(Bytes input) {
  static ProtoForm form;
  const auto request = form.read_request(input);
  check_against_library(input, request);
  if (!request) return check_fault<ProtoForm>(request.error());
  check_rewritten<ProtoForm>(*request);
  if (has_json_integers(*request)) check_rewritten<JsonForm>(without_space(*request));
}

}  // namespace ringcast::fuzz
