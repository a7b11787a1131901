#include "broker/man_page.h"

#include <doctest/doctest.h>

#include <string>

#include "broker/option.h"

namespace ringcast::broker {
namespace {

// As roff has it: hyphens that can be copied.
std::string with_hyphens(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '-' ? "\\-" : std::string(1, c);
  return out;
}

TEST_CASE("every option is in the manual page, with its environment, and every command") {
  const std::string page = man_page();
  for (const Option& option : option_table()) {
    CAPTURE(option.name);
    CHECK(page.contains(".TP\n\\fB" + with_hyphens("--" + std::string(option.name)) + "\\fR"));
    CHECK(page.contains("\\fB" + environment_name(option) + "\\fR"));
  }
  for (const CommandInfo& command : command_table()) {
    CAPTURE(command.name);
    CHECK(page.contains(".TP\n\\fB" + with_hyphens(command.name) + "\\fR") == !command.hidden);
  }
}

TEST_CASE("no text of the manual page is taken for a request or an escape") {
  const std::string page = man_page();
  for (std::size_t at = page.find('\n'); at + 1 < page.size(); at = page.find('\n', at + 1)) {
    const std::string line = page.substr(at + 1, page.find('\n', at + 1) - at - 1);
    CAPTURE(line);
    CHECK_FALSE(line.empty());
    CHECK_FALSE(line.starts_with('\''));
    if (!line.starts_with('.')) continue;
    const std::string request = line.substr(0, line.find(' '));
    CHECK((request == ".SH" || request == ".SS" || request == ".TP" || request == ".PP" || request == ".nf" ||
           request == ".fi" || request == ".br"));
  }
}

}  // namespace
}  // namespace ringcast::broker
