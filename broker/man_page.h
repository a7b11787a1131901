// ManPage: ringcast(1), made from the option and command tables.
#pragma once

#include <string>

namespace ringcast::broker {

// The page in man(7)'s language, UTF-8.
[[nodiscard]] std::string man_page();

}  // namespace ringcast::broker
