#include "broker/option_help.h"

#include <algorithm>
#include <vector>

namespace ringcast::broker {
namespace {

// `text` and at least two spaces, up to `width` columns; UTF-8's continuation bytes take none.
std::string padded(std::string text, std::size_t width) {
  const auto continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  const std::size_t columns = text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continuation));
  return text.append(std::max<std::size_t>(columns + 2, width) - columns, ' ');
}

std::string indented(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    out += "  " + std::string(lines.substr(0, end)) + "\n";
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

std::string flag_text(const Option& option) {
  const std::string hint = value_hint(option);
  return "--" + std::string(option.name) + (hint.empty() ? "" : " " + hint);
}

// "[default; range] RINGCAST_NAME", whatever of it there is.
std::string facts(const Option& option) {
  const std::string standard = value_text(option, Options{});
  const std::string range = range_text(option);
  const std::string inside = standard + (standard.empty() || range.empty() ? "" : "; ") + range;
  return (inside.empty() ? "" : "[" + inside + "] ") + environment_name(option) + (option.reloads ? " (reload)" : "");
}

std::string usage(const CommandInfo& command) {
  const bool has_options =
      std::ranges::any_of(option_table(), [&](const Option& option) { return belongs_to(option, command.command); });
  std::string line = "ringcast " + std::string(command.name);
  if (has_options) line += " [OPTION…]";
  if (!command.arguments.empty()) line += " " + std::string(command.arguments);
  return line;
}

// A cell of a Markdown table: a bar would end it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

// "pub, sub: " before what is not serve's.
std::string owners(const Option& option) {
  std::string names;
  for (const CommandInfo& command : command_table()) {
    if (belongs_to(option, command.command)) names += (names.empty() ? "" : ", ") + std::string(command.name);
  }
  return belongs_to(option, Command::serve) ? "" : names + ": ";
}

std::string code(const std::string& text) {
  return text.empty() ? "" : "`" + cell(text) + "`";
}

}  // namespace

std::string overview() {
  std::string out =
      "Ringcast, a publish/subscribe broker for live data.\n\nUsage: ringcast COMMAND [OPTION…]\n\nCommands:\n";
  for (const CommandInfo& command : command_table()) {
    if (command.hidden) continue;
    const std::string arguments = command.arguments.empty() ? "" : " " + std::string(command.arguments);
    out += "  " + padded(std::string(command.name) + arguments, 24) + std::string(command.summary) + "\n";
  }
  return out + "\nringcast help COMMAND prints its options with examples.\n";
}

std::string command_help(const CommandInfo& command) {
  std::string out = "Usage: " + usage(command) + "\n\nringcast " + std::string(command.name) + ": " +
                    std::string(command.summary) + ".\n";
  std::string_view group;
  for (const Option& option : option_table()) {
    if (!belongs_to(option, command.command)) continue;
    if (option.group != group) out += "\n" + std::string(option.group) + ":\n";
    group = option.group;
    out += "  " + padded(flag_text(option), 32) + std::string(option.help) + "\n";
    out += padded("", 34) + facts(option) + "\n";
  }
  if (!group.empty()) {
    out +=
        "\nFlags come before environment variables, those before the file (--config), that before the defaults.\n"
        "Sizes: 512, 64KiB, 1MiB. Durations: 500ms, 10s, 2m.\n";
    if (command.command == Command::serve) {
      out += "Those with (reload) take a new value on SIGHUP or POST /api/v1/reload, the others by a restart.\n";
    }
  }
  if (!command.examples.empty()) out += "\nExamples:\n" + indented(command.examples);
  return out;
}

std::string options_markdown() {
  std::string out;
  std::string_view group;
  for (const Option& option : option_table()) {
    if (option.group != group) {
      out += (out.empty() ? "" : "\n") + std::string("**") + std::string(option.group) + "**\n\n" +
             "| flag, key | environment | default | range | example | what | reload |\n| --- | --- | --- | --- | --- | "
             "--- | --- |\n";
      group = option.group;
    }
    out += "| " + code(flag_text(option)) + " | " + code(environment_name(option)) + " | " +
           code(value_text(option, Options{})) + " | " + cell(range_text(option)) + " | " +
           code(std::string(option.example)) + " | " + owners(option) + cell(option.help) + " | " +
           (option.reloads ? "yes" : "") + " |\n";
  }
  return out;
}

std::string changes(const Options& options) {
  const Options defaults;
  std::string out;
  for (const Option& option : option_table()) {
    const std::string value = value_text(option, options);
    const std::string standard = value_text(option, defaults);
    if (value == standard) continue;
    out += std::string(option.name) + " = " + value + (standard.empty() ? "" : " (default: " + standard + ")") + "\n";
  }
  return out;
}

}  // namespace ringcast::broker
