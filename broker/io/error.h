// Error: what the kernel refused, as a value: its errno and one line that says what was being done.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

namespace ringcast::io {

struct Error {
  int code = 0;      // errno, 0 where no system call failed
  std::string text;  // one line for the operator
};

// "doing: strerror(code)".
[[nodiscard]] inline Error system_error(int code, std::string_view doing) {
  return {code, std::string(doing) + ": " + ::strerrordesc_np(code)};
}

}  // namespace ringcast::io
