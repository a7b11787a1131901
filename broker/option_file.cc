// The one file that includes toml++, which is slow to compile: whole and without exceptions, so not Debian's library.
#include "broker/option_file.h"

#include <algorithm>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "broker/suggest.h"

namespace ringcast::broker {
namespace {

// What one walk through the file has found.
struct Found : FileSettings {
  std::string file;

  [[nodiscard]] std::string at(const toml::source_region& source) const {
    return file + ":" + std::to_string(source.begin.line) + ":" + std::to_string(source.begin.column);
  }
  void add_error(const toml::source_region& source, const std::string& what) {
    errors += (errors.empty() ? "" : "\n") + at(source) + ": " + what;
  }
};

std::vector<std::string> file_keys() {
  std::vector<std::string> keys;
  for (const Option& option : option_table()) {
    if (option.in_file) keys.emplace_back(option.name);
  }
  return keys;
}

const Option* find_option(std::string_view name) {
  for (const Option& option : option_table()) {
    if (option.in_file && option.name == name) return &option;
  }
  return nullptr;
}

// One value as the text that a flag would take; nothing for what no flag takes.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* on = node.as_boolean()) return on->get() ? "true" : "false";
  return std::nullopt;
}

// `[[history]]`: filter = "ticker/#", last = 100, bytes = "1MiB", age = "1h", ttl = "24h".
void add_rule(const Option& option, const toml::table& rule, Found& found) {
  const std::vector<std::string> names{"filter", "last", "bytes", "age", "ttl"};
  for (const auto& [key, value] : rule) {
    if (std::ranges::find(names, key.str()) != names.end()) continue;
    found.add_error(key.source(),
                    "unknown key \"" + std::string(key.str()) + "\" in [[history]]" + suggestion(key.str(), names));
    return;
  }
  std::string parts;
  for (const std::string& name : names) {
    const toml::node* const node = rule.get(name);
    if (node == nullptr || name == "filter") continue;
    const auto text = scalar_text(*node);
    if (!text || text->contains(';') || (name == "last" && !node->is_integer())) {
      found.add_error(node->source(), "[[history]] " + name + " wants " +
                                          (name == "last"    ? "N"
                                           : name == "bytes" ? "\"SIZE\""
                                                             : "\"DURATION\""));
      return;
    }
    parts += (parts.empty() ? "" : ";") + (name == "last" ? "" : name + ":") + *text;
  }
  const auto* const filter = rule.get_as<std::string>("filter");
  if (filter == nullptr || parts.empty()) {
    found.add_error(rule.source(), "[[history]] needs filter = \"TEXT\" and one of last, bytes, age and ttl");
    return;
  }
  found.settings.push_back({&option, filter->get() + "=" + parts, found.at(rule.source())});
}

void add_list(const Option& option, const toml::array& list, Found& found) {
  for (const toml::node& element : list) {
    if (const auto* rule = element.as_table(); rule != nullptr && option.name == "history") {
      add_rule(option, *rule, found);
    } else if (const auto text = scalar_text(element)) {
      found.settings.push_back({&option, *text, found.at(element.source())});
    } else {
      found.add_error(element.source(), std::string(option.name) + ": wants a list of texts");
    }
  }
}

void add_entry(const toml::key& key, const toml::node& node, std::span<const std::string> keys, Found& found) {
  const Option* const option = find_option(key.str());
  if (option == nullptr) {
    found.add_error(key.source(), "unknown key \"" + std::string(key.str()) + "\"" + suggestion(key.str(), keys));
    return;
  }
  const auto* const list = node.as_array();
  const auto text = scalar_text(node);
  if (list != nullptr && is_list(*option)) {
    add_list(*option, *list, found);
  } else if (text) {
    found.settings.push_back({option, *text, found.at(node.source())});
  } else {
    found.add_error(node.source(), std::string(option->name) + ": wants " + value_hint(*option) + ", not " +
                                       (list != nullptr ? "a list" : "this type"));
  }
}

}  // namespace

FileSettings parse_file(const std::string& name, std::string_view text) {
  const toml::parse_result parsed = toml::parse(text, name);
  Found found;
  found.file = name;
  if (!parsed) {
    found.add_error(parsed.error().source(), std::string(parsed.error().description()));
    return found;
  }
  const std::vector<std::string> keys = file_keys();
  for (const auto& [key, node] : parsed.table()) add_entry(key, node, keys, found);
  return found;
}

}  // namespace ringcast::broker
