#include "broker/accept_encoding.h"

#include <algorithm>
#include <optional>

#include "frame/http_weight.h"

namespace ringcast::broker {

namespace {

struct Weighted {
  std::string_view coding;
  int weight = frame::kWeightMax;
};

// "gzip;q=0.8"; nothing if the weight is none: an element that nobody can read says nothing.
std::optional<Weighted> read_element(std::string_view element) {
  const std::size_t end = element.find(';');
  Weighted weighted{.coding = frame::trim_spaces(element.substr(0, end))};
  if (end == std::string_view::npos) return weighted;
  const std::string_view parameter = frame::trim_spaces(element.substr(end + 1));
  if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) return std::nullopt;
  const auto weight = frame::read_weight(parameter.substr(2));
  if (!weight) return std::nullopt;
  weighted.weight = *weight;
  return weighted;
}

bool is_same(std::string_view asked, std::string_view coding) {
  return frame::equals_ignoring_case(asked, coding) ||
         (coding == "gzip" && frame::equals_ignoring_case(asked, "x-gzip"));  // §8.4.1.3
}

// What the list says of `coding`: by its name, else by the star, else nothing.
std::optional<int> weight_of(std::span<const std::string_view> list, std::string_view coding) {
  std::optional<int> by_star;
  for (const std::string_view element : list) {
    const auto weighted = read_element(element);
    if (!weighted) continue;
    if (is_same(weighted->coding, coding)) return weighted->weight;
    if (weighted->coding == "*") by_star = weighted->weight;
  }
  return by_star;
}

}  // namespace

int choose_coding(const frame::Fields& fields, std::span<const std::string_view> codings) {
  const auto list = fields.list("Accept-Encoding");
  // Who does not speak of `identity` takes it, but only if nothing that it asks for is there.
  int identity = 0;
  for (const std::string_view element : list) {
    const auto weighted = read_element(element);
    if (weighted && frame::equals_ignoring_case(weighted->coding, "identity")) identity = weighted->weight;
  }
  int chosen = -1;
  int best = 0;
  for (std::size_t i = 0; i < codings.size(); ++i) {
    const int weight = weight_of(list, codings[i]).value_or(0);
    if (weight < identity || weight <= best) continue;
    best = weight;
    chosen = static_cast<int>(i);
  }
  return chosen;
}

}  // namespace ringcast::broker
