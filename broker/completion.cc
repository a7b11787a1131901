#include "broker/completion.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "broker/option.h"

namespace ringcast::broker {
namespace {

// What can stand for a value or an argument, by the hint in front of people: "FILE", "auto|uring|epoll", "[COMMAND]".
struct Values {
  bool files = false;
  std::vector<std::string> words;  // those that can be typed as they are: "last" of "now|last|last:N"
};

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const CommandInfo& command : command_table()) {
    if (!command.hidden) names.emplace_back(command.name);
  }
  return names;
}

Values values_of(std::string_view hint) {
  if (hint == "FILE") return {.files = true, .words = {}};
  if (hint == "[COMMAND]") return {.files = false, .words = command_names()};
  Values values;
  while (!hint.empty()) {
    const std::size_t end = std::min(hint.find('|'), hint.size());
    if (is_word(hint.substr(0, end))) values.words.emplace_back(hint.substr(0, end));
    hint.remove_prefix(std::min(end + 1, hint.size()));
  }
  return values;
}

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
  std::string out;
  for (const std::string& word : words) (out += out.empty() ? "" : between) += word;
  return out;
}

// `text` with `before` in front of each character of `special`.
std::string escaped(std::string_view text, std::string_view special, std::string_view before = "\\") {
  std::string out;
  for (const char c : text) {
    if (special.contains(c)) out += before;
    out += c;
  }
  return out;
}

std::string flag(const Option& option) {
  return "--" + std::string(option.name);
}

std::vector<const Option*> options_of(const CommandInfo& command) {
  std::vector<const Option*> found;
  for (const Option& option : option_table()) {
    if (belongs_to(option, command.command)) found.push_back(&option);
  }
  return found;
}

// Each command that people know, through `part`.
template <typename Part>
std::string each_command(Part&& part) {
  std::string out;
  for (const CommandInfo& command : command_table()) {
    if (!command.hidden) out += part(command);
  }
  return out;
}

// ---- bash ----

std::string bash_values(const CommandInfo& command) {
  std::string out;
  std::vector<std::string> free;  // nobody can guess what stands there
  for (const Option* option : options_of(command)) {
    if (is_switch(*option)) continue;
    const Values values = values_of(value_hint(*option));
    const std::string pattern = std::string(command.name) + ":" + flag(*option);
    if (values.files) {
      out += "    " + pattern + ") files=yes words= ;;\n";
    } else if (!values.words.empty()) {
      out += "    " + pattern + ") words='" + joined(values.words) + "' ;;\n";
    } else {
      free.push_back(pattern);
    }
  }
  return out + (free.empty() ? "" : "    " + joined(free, " | ") + ") words= ;;\n");
}

std::string bash_words(const CommandInfo& command) {
  std::vector<std::string> words;
  for (const Option* option : options_of(command)) words.push_back(flag(*option));
  words.emplace_back("--help");
  const Values arguments = values_of(command.arguments);
  words.insert(words.end(), arguments.words.begin(), arguments.words.end());
  return "    " + std::string(command.name) + ") words='" + joined(words) + "'" +
         (arguments.files ? " files=yes" : "") + " ;;\n";
}

std::string bash() {
  return R"(# Completes ringcast's command line in bash. Made by: ringcast completion bash
_ringcast() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} words='' files=no
  # --io=uring comes as three words.
  if [ "$word" = = ]; then
    word=
  elif [ "$before" = = ]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W ')" +
         joined(command_names()) + R"(' -- "$word")
    return
  fi
  case $command in
)" + each_command(bash_words) +
         R"(  esac
  case $command:$before in
)" + each_command(bash_values) +
         R"(  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  if [ "$files" = yes ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _ringcast ringcast
)";
}

// ---- zsh ----

// Within '…'.
std::string zsh_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out;
}

// ":message:action" of _arguments.
std::string zsh_action(std::string_view hint) {
  const Values values = values_of(hint);
  const std::string message = escaped(hint, "\\:");
  if (values.files) return ":" + message + ":_files";
  return ":" + message + ":" + (values.words.empty() ? " " : "(" + joined(values.words) + ")");
}

std::string zsh_command(const CommandInfo& command) {
  std::string out = "    " + std::string(command.name) + ")\n      _arguments";
  const auto add = [&](const std::string& specification) { out += " \\\n        '" + zsh_quoted(specification) + "'"; };
  for (const Option* option : options_of(command)) {
    const std::string help = "[" + escaped(option->help, "[]\\") + "]";
    if (is_switch(*option)) {
      add(flag(*option) + help);
    } else {
      add((is_list(*option) ? "*" : "") + flag(*option) + "=" + help + zsh_action(value_hint(*option)));
    }
  }
  add("--help[print the options, with examples]");
  if (!command.arguments.empty()) add("*" + zsh_action(command.arguments));
  return out + "\n      ;;\n";
}

std::string zsh() {
  return R"(#compdef ringcast
# Completes ringcast's command line in zsh. Made by: ringcast completion zsh
_ringcast() {
  local -a commands
  commands=(
)" + each_command([](const CommandInfo& command) {
           return "    '" + zsh_quoted(std::string(command.name) + ":" + escaped(command.summary, "\\:")) + "'\n";
         }) +
         R"(  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
)" + each_command(zsh_command) +
         R"(  esac
}
if [ "$funcstack[1]" = _ringcast ]; then _ringcast "$@"; else compdef _ringcast ringcast; fi
)";
}

// ---- fish ----

std::string fish_quoted(std::string_view text) {
  return "'" + escaped(text, "\\'") + "'";
}

std::string fish_values(std::string_view hint) {
  const Values values = values_of(hint);
  if (values.files) return " -r -F";
  return " -x" + (values.words.empty() ? "" : " -a " + fish_quoted(joined(values.words)));
}

std::string fish_command(const CommandInfo& command) {
  const std::string seen = "complete -c ringcast -n '__fish_seen_subcommand_from " + std::string(command.name) + "'";
  std::string out = "complete -c ringcast -n __fish_use_subcommand -a " + std::string(command.name) + " -d " +
                    fish_quoted(command.summary) + "\n";
  for (const Option* option : options_of(command)) {
    const std::string values = is_switch(*option) ? "" : fish_values(value_hint(*option));
    out += seen + " -l " + std::string(option->name) + values + " -d " + fish_quoted(option->help) + "\n";
  }
  out += seen + " -l help -d 'print the options, with examples'\n";
  const Values arguments = values_of(command.arguments);
  if (arguments.files) out += seen + " -F\n";
  if (!arguments.words.empty()) out += seen + " -a " + fish_quoted(joined(arguments.words)) + "\n";
  return out;
}

std::string fish() {
  return "# Completes ringcast's command line in fish. Made by: ringcast completion fish\ncomplete -c ringcast -f\n" +
         each_command(fish_command);
}

}  // namespace

std::expected<std::string, std::string> completion(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return std::unexpected("\"" + std::string(shell) + "\" is none of bash, zsh, fish");
}

}  // namespace ringcast::broker
