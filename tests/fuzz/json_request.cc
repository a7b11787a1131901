#include "tests/fuzz/forms.h"
#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

void check_json_request(Bytes input) {
  static proto::JsonForm form;
  const auto request = form.read_request(input);
  if (!request) return check_fault<proto::JsonForm>(request.error());
  check_rewritten<proto::JsonForm>(*request);
  check_rewritten<proto::ProtoForm>(*request);
}

}  // namespace ringcast::fuzz
