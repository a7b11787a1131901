// Option: one row of the option table, which flags, environment, file, --help and the README's table all come from.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/config.h"

namespace ringcast::broker {

enum class Progress : std::uint8_t { automatic, always, never };  // automatic: when stderr is a terminal

// What a command line comes to: serve's Config, what the client commands take, and what only the command line knows.
// The client's own structs (client/commands.h) are filled from this by main.cc: broker and client do not know each
// other.
struct Options : Config {
  std::string config_file;

  std::string url = "http://127.0.0.1:8080";
  std::string ca;           // pub, sub, demo, top; empty: the system's
  std::string certificate;  // and its key; empty: none
  std::string key;
  std::string client_token;       // pub, sub, demo; empty: none
  std::string client_token_file;  // the same, read from there
  std::string token_sign_key;     // token: a file
  std::string token_subject;
  std::vector<std::string> token_publish;
  std::vector<std::string> token_subscribe;
  std::int64_t token_expires_ms = 3'600'000;
  std::string token_key_id;
  std::string token_id;
  std::string token_make_issuer;
  std::string token_make_audience;
  Progress progress = Progress::automatic;
  std::optional<std::uint64_t> count;               // messages; none: no end
  bool binary = false;                              // pub
  std::string acks = "each";                        // pub: each, none
  std::int64_t retry_ms = 60'000;                   // pub, sub
  std::string start = "now";                        // sub: now, last, last:N
  std::int64_t timeout_ms = 0;                      // sub; 0: none
  bool latency = false;                             // sub
  std::uint32_t pub_rate_hz = 0;                    // 0: as fast as the broker takes them
  bool last = false;                                // sub
  std::int64_t since_ms = 0;                        // sub: before now; 0: not given
  bool latest = false;                              // sub
  std::string sub_rate;                             // sub, with latest: Hz; empty: no limit
  std::string on_lag;                               // sub: degrade, skip, close; empty: not given
  std::string resume_file;                          // sub; empty: none
  bool json = false;                                // sub
  std::string admin_url = "http://127.0.0.1:9090";  // top, healthcheck, prestop
  std::int64_t answer_timeout_ms = 5'000;           // healthcheck, prestop
  bool ready = false;                               // healthcheck
  bool once = false;                                // top
  std::uint32_t symbols = 500;                      // demo
  std::uint32_t demo_rate_hz = 2000;
  std::uint32_t seed = 1;
};

// Commands as bits: an option may be several commands'.
enum class Command : std::uint16_t {
  serve = 1,
  pub = 2,
  sub = 4,
  demo = 8,
  check_config = 16,
  version = 32,
  help = 64,
  options = 128,  // hidden: prints the README's table
  bench = 256,    // has options of its own: perf/load's
  completion = 512,
  man = 1024,  // hidden: prints ringcast(1), which is installed
  top = 2048,
  healthcheck = 4096,
  prestop = 8192,
  token = 16384,
};

// Where a value goes. Its type is also its unit, so that no row can mistake one for another:
// std::uint64_t is bytes, std::int64_t milliseconds, std::uint32_t a count; an empty optional of 32 bits means "auto",
// one of 64 bits is a count that nobody gave.
using Field = std::variant<Address Options::*, std::string Options::*, std::vector<std::string> Options::*,
                           std::vector<HistoryRule> Options::*, std::optional<std::uint32_t> Options::*,
                           std::optional<std::uint64_t> Options::*, std::uint32_t Options::*, std::uint64_t Options::*,
                           std::int64_t Options::*, bool Options::*, Progress Options::*, IoBackend Options::*,
                           LogLevel Options::*, LogFormat Options::*, Toggle Options::*, ClientAuth Options::*,
                           TlsVersion Options::*>;

// What the type alone does not refuse.
enum class Check : std::uint8_t { none, power_of_two, base_path, origin };

struct Range {
  std::uint64_t min = 0;
  std::uint64_t max = 0;  // both included, in the field's unit; 0: the type has no range
};

struct Option {
  // The flag is --name, the file's key is name, the environment is RINGCAST_NAME. Unique within each command.
  std::string_view name;
  Field field;
  Range range = {};
  Check check = Check::none;
  std::string_view hint = {};  // what stands for the value in --help, where its type does not say it: "URL"
  std::string_view help;       // one line: what it is, and why one would change it
  std::string_view example;    // a value
  std::string_view group;      // the heading it stands under
  std::uint16_t commands = 0;  // bits of Command
  bool in_file = true;
  bool reloads = false;  // a reload takes a new value; else it needs a restart
};

// One command: what `ringcast help` says of it.
struct CommandInfo {
  Command command;
  std::string_view name;
  std::string_view arguments;  // as in "TOPIC [PAYLOAD|-]"
  std::size_t arguments_min = 0;
  std::size_t arguments_max = 0;
  std::string_view summary;
  std::string_view examples;  // lines, or empty
  bool hidden = false;
};

// All options, in the order of the README's table; all commands, in that of `ringcast help`.
[[nodiscard]] std::span<const Option> option_table();
[[nodiscard]] std::span<const CommandInfo> command_table();
[[nodiscard]] const CommandInfo& command_info(Command command);

// One value from one place. A list takes several settings of one option.
struct Setting {
  const Option* option = nullptr;
  std::string value;
  std::string where;  // "--shards", "RINGCAST_SHARDS", "ringcast.toml:3:10"
};

// "RINGCAST_MAX_MESSAGE" for "max-message".
[[nodiscard]] std::string environment_name(const Option& option);

// Takes several settings; takes no value.
[[nodiscard]] bool is_list(const Option& option);
[[nodiscard]] bool is_switch(const Option& option);
[[nodiscard]] bool belongs_to(const Option& option, Command command);

// "SIZE", "DURATION", "auto|uring|epoll": what stands behind the flag in --help. Empty for a switch.
[[nodiscard]] std::string value_hint(const Option& option);

// The option's value in `options`, as one would write it; "" for an empty text or list.
[[nodiscard]] std::string value_text(const Option& option, const Options& options);

// "1 to 64, or auto"; "" where the type says it all.
[[nodiscard]] std::string range_text(const Option& option);

// Sets the option from text; a list grows by one. The error completes "VALUE …".
[[nodiscard]] std::expected<void, std::string> set_value(const Option& option, std::string_view text, Options& options);

// Gives `to` the value that the option has in `from`.
void copy_value(const Option& option, const Options& from, Options& to);

// Empties a list, before a source of higher precedence fills it anew.
void clear_list(const Option& option, Options& options);

}  // namespace ringcast::broker
