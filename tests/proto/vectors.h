// The golden vectors of proto/vectors, as its README says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/error_code.h"

namespace ringcast::proto::test {

using Encoding = std::vector<std::uint8_t>;

struct Vector {
  std::string name;  // with its file's
  bool from_client = false;
  std::optional<Encoding> wire;
  std::optional<Encoding> json;
  std::vector<Encoding> wire_also;
  std::vector<Encoding> json_also;
  struct Reject {
    std::string code;
    std::string field;
    std::uint64_t id = 0;
  };
  std::optional<Reject> reject;
};

// All of them, in the order of the files' names.
[[nodiscard]] const std::vector<Vector>& vectors();

}  // namespace ringcast::proto::test
