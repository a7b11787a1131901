#include "broker/option_sources.h"

#include <span>
#include <vector>

#include "broker/json_out.h"
#include "broker/option_file.h"

namespace ringcast::broker {

namespace {

// Where the option's value comes from: the first that says something, of those that are given first.
std::string source_of(const Option& option, std::span<const std::vector<Setting>* const> sources) {
  for (const std::vector<Setting>* settings : sources) {
    for (const Setting& setting : *settings) {
      if (setting.option == &option) return setting.where;
    }
  }
  return "default";
}

}  // namespace

std::string options_json(const Invocation& invocation, const std::optional<File>& file, const Options& options) {
  std::vector<Setting> in_file;
  if (file) in_file = parse_file(file->name, file->text).settings;
  const std::vector<Setting>* const sources[] = {&invocation.flags, &invocation.environment, &in_file};
  const Options defaults;
  JsonOut out;
  out.begin_object().key("options").begin_array();
  for (const Option& option : option_table()) {
    if (!belongs_to(option, Command::serve)) continue;
    out.begin_object().member("name", option.name).member("value", value_text(option, options));
    out.member("default", value_text(option, defaults)).member("source", source_of(option, sources));
    out.member("reloads", option.reloads).end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

}  // namespace ringcast::broker
