#include <vector>

#include "broker/option_rows.h"

namespace ringcast::broker {

std::span<const Option> option_table() {
  static const std::vector<Option> rows = [] {
    std::vector<Option> all(serve_options().begin(), serve_options().end());
    all.insert(all.end(), client_options().begin(), client_options().end());
    return all;
  }();
  return rows;
}

}  // namespace ringcast::broker
