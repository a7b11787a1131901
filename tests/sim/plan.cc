#include "tests/sim/plan.h"

#include <charconv>

namespace ringcast::sim {

namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What comes before `separator`, which is taken off with it.
std::string_view take(std::string_view& text, char separator) {
  const std::string_view before = text.substr(0, text.find(separator));
  text.remove_prefix(before.size() == text.size() ? before.size() : before.size() + 1);
  return before;
}

// 0-3+9: runs of numbers.
std::string runs(const std::vector<std::size_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (i > 0) text += '+';
    text += std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

std::optional<std::vector<std::size_t>> read_runs(std::string_view text) {
  constexpr std::uint64_t kMost = 1'000'000;
  std::vector<std::size_t> numbers;
  while (!text.empty()) {
    std::string_view run = take(text, '+');
    const auto first = number(take(run, '-'));
    const auto last = run.empty() ? first : number(run);
    if (!first || !last || *last > kMost) return std::nullopt;
    for (std::uint64_t i = *first; i <= *last; ++i) numbers.push_back(i);
  }
  return numbers;
}

}  // namespace

std::string Plan::text() const {
  std::string text = "seed=" + std::to_string(seed);
  if (actions) text += " actions=" + runs(*actions);
  for (const auto& [name, value] : values) text += " " + name + "=" + std::to_string(value);
  return text;
}

std::optional<Plan> Plan::read(std::string_view text) {
  Plan plan;
  while (!text.empty()) {
    std::string_view value = take(text, ' ');
    const std::string name(take(value, '='));
    if (name == "actions") {
      plan.actions = read_runs(value);
      if (!plan.actions) return std::nullopt;
      continue;
    }
    const auto read = number(value);
    if (!read) return std::nullopt;
    if (name == "seed") {
      plan.seed = *read;
    } else {
      plan.values[name] = *read;
    }
  }
  return plan;
}

}  // namespace ringcast::sim
