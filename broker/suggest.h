// "did you mean …?" for names that people type: options, keys, commands.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ringcast::broker {

// `; did you mean "CANDIDATE"?` for the nearest candidate within a third of its length in typing slips (a letter wrong,
// missing, added, or two swapped), or that `word` begins. "" when nothing is near.
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string> candidates);

// Typing slips between two words (optimal string alignment distance).
[[nodiscard]] std::size_t slips(std::string_view a, std::string_view b);

}  // namespace ringcast::broker
