#include <span>
#include <vector>

#include "broker/option_rows.h"

namespace ringcast::broker {

std::span<const Option> option_table() {
  static const std::vector<Option> rows = [] {
    std::vector<Option> all;
    for (const std::span<const Option> some : {serve_options(), auth_options(), connection_options(), limit_options(),
                                               message_options(), log_options(), client_options()}) {
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace ringcast::broker
