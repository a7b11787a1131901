// The golden vectors of proto/vectors, as its README says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/error_code.h"

namespace ringcast::proto::test {

using Encoding = std::vector<std::uint8_t>;

struct Vector {
  struct Reject {
    std::string code;
    std::string field;
    std::uint64_t id = 0;
  };

  std::string name;  // with its file's
  bool from_client = false;
  // Encodings; the first of each is the one that is written. A bad one may have none in one form.
  std::vector<Encoding> wire;
  std::vector<Encoding> json;
  bool is_bad = false;
  Reject reject;  // why, if it is bad
};

// All of them, in the order of the files' names.
[[nodiscard]] const std::vector<Vector>& vectors();

}  // namespace ringcast::proto::test
