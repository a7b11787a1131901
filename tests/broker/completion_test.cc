#include "broker/completion.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

#include "broker/option.h"

namespace ringcast::broker {
namespace {

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_CASE("every option is completed for each of its commands, in every shell") {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const auto script = completion(shell);
    REQUIRE(script.has_value());
    for (const Option& option : option_table()) {
      CAPTURE(shell);
      CAPTURE(option.name);
      std::size_t commands = 0;
      for (const CommandInfo& command : command_table()) commands += belongs_to(option, command.command) ? 1 : 0;
      const std::string written = shell == "fish"  ? " -l " + std::string(option.name) + " "
                                  : shell == "zsh" ? "--" + std::string(option.name) + (is_switch(option) ? "[" : "=[")
                                                   : "--" + std::string(option.name) + " ";
      CHECK(occurrences(*script, written) >= commands);
    }
  }
}

TEST_CASE("commands that are hidden stay so, and all others are completed") {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const auto script = completion(shell);
    REQUIRE(script.has_value());
    for (const CommandInfo& command : command_table()) {
      CAPTURE(shell);
      CAPTURE(command.name);
      const std::string written =
          shell == "fish" ? "-a " + std::string(command.name) + " -d" : "    " + std::string(command.name) + ")";
      CHECK(occurrences(*script, written) == (command.hidden ? 0 : 1));
    }
  }
}

TEST_CASE("the values of an enumeration are completed, those that are numbers are not") {
  const auto script = completion("bash");
  REQUIRE(script.has_value());
  CHECK(script->contains("    serve:--io) words='auto uring epoll' ;;\n"));
  CHECK(script->contains("    serve:--shards) words='auto' ;;\n"));   // N|auto
  CHECK(script->contains("    sub:--start) words='now last' ;;\n"));  // now|last|last:N
  CHECK(script->contains("    serve:--config) files=yes words= ;;\n"));
  CHECK(script->contains("    check-config) words='--help' files=yes ;;\n"));
}

TEST_CASE("a shell that is not known is refused with those that are") {
  const auto script = completion("tcsh");
  REQUIRE_FALSE(script.has_value());
  CHECK(script.error() == "\"tcsh\" is none of bash, zsh, fish");
}

}  // namespace
}  // namespace ringcast::broker
