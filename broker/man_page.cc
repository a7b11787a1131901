#include "broker/man_page.h"

#include <string_view>

#include "broker/option.h"

namespace ringcast::broker {
namespace {

// Text as it is meant: a backslash, a hyphen that can be copied, quotes that stay straight, and no line that begins
// like a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool begins = out.empty() || out.back() == '\n';
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string bold(std::string_view text) {
  return "\\fB" + roff(text) + "\\fR";
}
std::string italic(std::string_view text) {
  return "\\fI" + roff(text) + "\\fR";
}

std::string section(std::string_view name) {
  return ".SH " + std::string(name) + "\n";
}

// A paragraph with `head` on a line of its own; both are roff already.
std::string item(const std::string& head, const std::string& body) {
  return ".TP\n" + head + "\n" + body + "\n";
}

std::string literal(std::string_view lines) {
  return ".PP\n.nf\n" + roff(lines) + (lines.ends_with('\n') ? "" : "\n") + ".fi\n";
}

std::string commands() {
  std::string out = section("COMMANDS");
  for (const CommandInfo& command : command_table()) {
    if (command.hidden) continue;
    const std::string arguments = command.arguments.empty() ? "" : " " + italic(command.arguments);
    out += item(bold(command.name) + arguments, roff(command.summary) + ".");
  }
  return out;
}

// "serve", "pub, sub": whose an option is.
std::string whose(const Option& option) {
  std::string names;
  for (const CommandInfo& command : command_table()) {
    if (belongs_to(option, command.command)) names += (names.empty() ? "" : ", ") + std::string(command.name);
  }
  return names;
}

std::string option_item(const Option& option) {
  const std::string hint = value_hint(option);
  const std::string standard = value_text(option, Options{});
  const std::string range = range_text(option);
  std::string body = roff(option.help) + ".";
  if (!standard.empty()) body += " Default: " + roff(standard) + ".";
  if (!range.empty()) body += " Range: " + roff(range) + ".";
  if (!is_switch(option)) body += " Example: " + roff(option.example) + ".";
  std::string file = option.in_file ? "" : " Not in the file.";
  if (option.reloads) file += " A reload changes it.";
  body += "\n.br\nOf " + bold(whose(option)) + "; in the environment " + bold(environment_name(option)) + "." + file;
  return item(bold("--" + std::string(option.name)) + (hint.empty() ? "" : " " + italic(hint)), body);
}

std::string all_options() {
  std::string out = section("OPTIONS");
  out += "Flags come before environment variables, those before the file (" + bold("--config") +
         "), that before the defaults. Sizes are 512, 64KiB, 1MiB; durations 500ms, 10s, 2m. " + bold("bench") +
         " has options of its own: " + bold("ringcast bench --help") + ".\n";
  std::string_view group;
  for (const Option& option : option_table()) {
    if (option.group != group) out += ".SS " + roff(option.group) + "\n";
    group = option.group;
    out += option_item(option);
  }
  return out;
}

std::string examples() {
  std::string lines;
  for (const CommandInfo& command : command_table()) {
    if (!command.hidden) lines += command.examples;
  }
  return section("EXAMPLES") + literal(lines);
}

std::string ends() {
  std::string out = section("SIGNALS");
  out += item(
      bold("SIGTERM") + ", " + bold("SIGINT"),
      "The broker is not ready any more, serves on for " + bold("--lame-duck") +
          ", then refuses publishes, delivers what was acknowledged, tells its clients one after the other, closes "
          "them with 1012 and ends, within " +
          bold("--drain-deadline") +
          ". A second one closes all that are left at once, and ends it within a second; a third ends it at once.");
  out +=
      item(bold("SIGHUP"),
           "The broker reads its configuration file again, checks all of it, and puts in place what can change while "
           "it runs; the log says what changed and what needs a restart. With a mistake in it nothing changes.");
  out += section("EXIT STATUS");
  out += item("0", "All that was asked for happened.");
  out += item("1", "It failed; the last line on standard error says why.");
  out += item("2", "A mistake in options, environment or configuration: the same command can never work.");
  out += item("130", bold("pub") + " was interrupted before the end of its input.");
  out += section("FILES");
  out += item("/etc/ringcast/ringcast.toml",
              "The configuration of the systemd unit. " + bold("ringcast check-config") + " says whether it is right.");
  return out;
}

}  // namespace

std::string man_page() {
  return ".TH RINGCAST 1 \"\" \"Ringcast " RINGCAST_VERSION "\" \"User Commands\"\n" + section("NAME") +
         "ringcast \\- publish/subscribe broker for live data\n" + section("SYNOPSIS") + bold("ringcast") + " " +
         italic("COMMAND") + " [" + italic("OPTION") + "]...\n" + section("DESCRIPTION") +
         "Ringcast takes messages from publishers and hands them to subscribers, over WebSockets, HTTP and "
         "server\\-sent "
         "events. Every topic is a URL. One process is the broker: values live in its memory and end with it.\n" +
         commands() + all_options() + ends() + examples();
}

}  // namespace ringcast::broker
