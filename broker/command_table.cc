#include <array>
#include <cassert>
#include <utility>

#include "broker/option.h"

namespace ringcast::broker {
namespace {

constexpr std::array kCommands{
    CommandInfo{.command = Command::serve,
                .name = "serve",
                .arguments = "",
                .arguments_max = 0,
                .summary = "run the broker",
                .examples = "ringcast serve\n"
                            "ringcast serve --listen 0.0.0.0:8080 --shards 4 --max-message 16MiB --max-outbox 32MiB\n"
                            "ringcast serve --config /etc/ringcast.toml --log-format json\n"},
    CommandInfo{.command = Command::pub,
                .name = "pub",
                .arguments = "TOPIC [PAYLOAD|-]",
                .arguments_min = 1,
                .arguments_max = 2,
                .summary = "publish one message, or each line of standard input",
                .examples = "ringcast pub chat/room1 'hello'\n"
                            "ringcast pub ticker/AAPL '{\"px\":191.2}' --rate 10 --count 100\n"
                            "tail -f app.log | ringcast pub logs/app\n"
                            "seq 100000 | ringcast pub numbers --json > results.jsonl\n"
                            "cat frames.txt | ringcast pub camera/1 --acks none\n"},
    CommandInfo{.command = Command::sub,
                .name = "sub",
                .arguments = "FILTER…",
                .arguments_min = 1,
                .arguments_max = 1'000,
                .summary = "print what is published, one message a line",
                .examples = "ringcast sub 'ticker/#' --start last\n"
                            "ringcast sub chat/room1 'iot/+/memory' --json --count 10 --timeout 30s\n"
                            "ringcast sub 'orders/#' --start last:5 --latency\n"
                            "ringcast sub 'ticker/#' --latest --rate 2\n"
                            "ringcast sub 'orders/#' --since 10m --resume-file orders.resume\n"},
    CommandInfo{.command = Command::demo,
                .name = "demo",
                .arguments = "",
                .arguments_max = 0,
                .summary = "publish this machine's telemetry and a simulated ticker",
                .examples = "ringcast demo --symbols 50 --rate 500\n"},
    CommandInfo{.command = Command::top,
                .name = "top",
                .arguments = "",
                .arguments_max = 0,
                .summary = "show what a broker does: shards, busiest topics, slowest connections",
                .examples = "ringcast top\n"
                            "ringcast top --admin-url http://broker:9090 --once\n"},
    CommandInfo{.command = Command::healthcheck,
                .name = "healthcheck",
                .arguments = "",
                .arguments_max = 0,
                .summary = "ask a broker whether it lives, or is ready: exit code 0 if so, else 1",
                .examples = "ringcast healthcheck\n"
                            "ringcast healthcheck --ready --admin-url http://broker:9090 --timeout 2s\n"},
    CommandInfo{.command = Command::prestop,
                .name = "prestop",
                .arguments = "",
                .arguments_max = 0,
                .summary = "have a broker drain, and wait until its lame-duck time is over: a pod's preStop",
                .examples = "ringcast prestop\n"
                            "ringcast prestop --admin-url http://broker:9090\n"},
    CommandInfo{.command = Command::token,
                .name = "token",
                .arguments = "make|inspect [TOKEN|-]",
                .arguments_min = 1,
                .arguments_max = 2,
                .summary = "make a token, or say what one says",
                .examples = "head -c 32 /dev/urandom | base64 > secret\n"
                            "ringcast token make --key secret --sub ann --publish 'chat/%u' --subscribe 'chat/#'\n"
                            "ringcast token inspect \"$RINGCAST_TOKEN\" --key secret\n"},
    CommandInfo{.command = Command::bench,
                .name = "bench",
                .arguments = "[OPTION…]",
                .arguments_max = 0,
                .summary = "load a broker and check what arrives; --help has its options",
                .examples = "ringcast bench --subscribers 1000 --rate 2000 --seconds 10 --pid $(pidof ringcast)\n"
                            "ringcast bench --protocol proto --publishers 4 --window 64\n"
                            "ringcast bench --help\n"},
    CommandInfo{.command = Command::check_config,
                .name = "check-config",
                .arguments = "FILE",
                .arguments_min = 1,
                .arguments_max = 1,
                .summary = "say whether a configuration file is right, and what it changes",
                .examples = "ringcast check-config /etc/ringcast.toml\n"},
    CommandInfo{.command = Command::completion,
                .name = "completion",
                .arguments = "bash|zsh|fish",
                .arguments_min = 1,
                .arguments_max = 1,
                .summary = "print a script that completes this command line in a shell",
                .examples = "source <(ringcast completion bash)\n"
                            "ringcast completion fish > ~/.config/fish/completions/ringcast.fish\n"},
    CommandInfo{.command = Command::version,
                .name = "version",
                .arguments = "",
                .arguments_max = 0,
                .summary = "print the version",
                .examples = ""},
    CommandInfo{.command = Command::help,
                .name = "help",
                .arguments = "[COMMAND]",
                .arguments_max = 1,
                .summary = "print this, or a command's options with examples",
                .examples = "ringcast help serve\n"},
    CommandInfo{.command = Command::options,
                .name = "options",
                .arguments = "",
                .arguments_max = 0,
                .summary = "print the README's table of options",
                .examples = "",
                .hidden = true},
    CommandInfo{.command = Command::man,
                .name = "man",
                .arguments = "",
                .arguments_max = 0,
                .summary = "print the manual page",
                .examples = "",
                .hidden = true},
};

}  // namespace

std::span<const CommandInfo> command_table() {
  return kCommands;
}

const CommandInfo& command_info(Command command) {
  for (const CommandInfo& info : kCommands) {
    if (info.command == command) return info;
  }
  assert(false && "every Command has a row");
  std::unreachable();
}

}  // namespace ringcast::broker
