#include "client/top.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>
#include <expected>
#include <optional>
#include <string>

#include "client/deadline.h"
#include "client/exit_code.h"
#include "client/interrupt.h"
#include "client/operators_port.h"
#include "client/output.h"
#include "client/top_view.h"
#include "client/url.h"

namespace ringcast::client {

namespace {

constexpr std::int64_t kAnswerMs = 10'000;   // more than the broker itself waits for a shard
constexpr std::int64_t kIntervalMs = 1'000;  // as often as the broker counts
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";
constexpr std::string_view kEnterScreen = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeaveScreen = "\x1b[?25h\x1b[?1049l";

std::expected<TopAnswers, Error> fetch(const Url& url) {
  TopAnswers answers;
  struct Part {
    std::string TopAnswers::* where;
    std::string_view path;
  };
  for (const auto& [where, path] :
       {Part{&TopAnswers::stats, "/api/v1/stats"}, Part{&TopAnswers::topics, "/api/v1/topics?sort=rate&limit=50"},
        Part{&TopAnswers::connections, "/api/v1/connections?sort=lag&limit=50"},
        Part{&TopAnswers::slow, "/api/v1/slow?limit=10"}}) {
    auto body = ask_operators_port(url, "GET", path, kAnswerMs);
    if (!body) return std::unexpected(body.error());
    answers.*where = *std::move(body);
    while (answers.*where != "" && (answers.*where).back() == '\n') (answers.*where).pop_back();
  }
  return answers;
}

int fail(const Error& error) {
  std::fprintf(stderr, "ringcast: %s\n", to_line(error).c_str());
  return to_int(exit_code_of(error.failure));
}

int print_once(const Url& url, const TopOptions& options) {
  auto answers = fetch(url);
  if (answers && !options.json) {
    // Rates of topics are known the second time.
    (void)::poll(nullptr, 0, kIntervalMs);
    answers = fetch(url);
  }
  if (!answers) return fail(answers.error());
  if (options.json) {
    const bool written = write_out("{\"stats\":" + answers->stats + ",\"topics\":" + answers->topics +
                                   ",\"connections\":" + answers->connections + ",\"slow\":" + answers->slow + "}\n");
    return to_int(written ? ExitCode::done : ExitCode::failed);
  }
  const auto picture = draw_top(*answers, TopFirst::shards, {.columns = 160, .rows = 200});
  if (!picture) return fail({Failure::protocol, picture.error(), ""});
  return to_int(write_out(*picture) ? ExitCode::done : ExitCode::failed);
}

// The terminal's own screen, without echo, while it lives.
class Screen {
 public:
  Screen() : raw_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (raw_) {
      termios quiet = before_;
      quiet.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
      quiet.c_cc[VSUSP] = _POSIX_VDISABLE;  // stopped, it would leave the shell on this screen
      ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    }
    (void)write_out(kEnterScreen);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() {
    (void)write_out(kLeaveScreen);
    if (raw_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

  [[nodiscard]] static TopSize size() {
    winsize window{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) < 0 || window.ws_row < 2 || window.ws_col == 0) {
      return {.rows = 23, .style = TopStyle::terminal};
    }
    return {.columns = window.ws_col, .rows = static_cast<std::size_t>(window.ws_row - 1), .style = TopStyle::terminal};
  }
  // Over what was there, line by line: nothing flickers. The status stands in the last line.
  static void show(std::string_view picture, std::string_view status, const TopSize& size) {
    std::string out(kHome);
    for (const char c : picture) {
      if (c == '\n') out += kClearLine;
      out += c;
    }
    for (auto lines = std::ranges::count(picture, '\n'); lines < static_cast<std::ptrdiff_t>(size.rows); ++lines) {
      out += kClearLine;
      out += '\n';
    }
    out += status.substr(0, size.columns);
    out += kClearLine;
    out += kClearBelow;
    (void)write_out(out);
  }

 private:
  termios before_{};
  bool raw_;
};

struct Keys {
  TopFirst first = TopFirst::shards;
  bool paused = false;
  bool ended = false;

  void press(char key) {
    if (key == 'q' || key == '\x03') ended = true;
    if (key == 'p' || key == ' ') paused = !paused;
    if (key == 's') first = TopFirst::shards;
    if (key == 't') first = TopFirst::topics;
    if (key == 'c') first = TopFirst::connections;
  }
};

// Waits for keys until the next picture is due; true when one of them changes the picture.
bool wait(const Interrupt& interrupt, Keys& keys, Deadline until) {
  for (;;) {
    std::array<pollfd, 2> polled{{{STDIN_FILENO, POLLIN, 0}, {interrupt.fd(), POLLIN, 0}}};
    const int ready = ::poll(polled.data(), polled.size(), until.left_ms());
    if (polled[1].revents != 0) keys.ended = true;
    if (keys.ended || ready <= 0) return false;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1) {
      keys.ended = true;  // the terminal is gone
      return false;
    }
    keys.press(key);
    return !keys.ended;
  }
}

int watch(const Url& url) {
  const Interrupt interrupt;
  Keys keys;
  std::optional<TopAnswers> answers;
  Error error;
  {
    const Screen screen;
    Deadline next = Deadline::in_ms(0);
    bool first_time = true;
    while (!keys.ended) {
      if (next.passed()) {
        next = Deadline::in_ms(kIntervalMs);
        auto fetched = keys.paused ? std::unexpected(Error{}) : fetch(url);
        error = {};
        if (fetched) {
          answers = *std::move(fetched);
        } else if (!keys.paused) {
          error = fetched.error();
          if (first_time) break;  // it never worked: say so on the usual screen
        }
        first_time = false;
      }
      std::string status =
          keys.paused ? "held: p goes on, q ends" : "q ends, p holds, s t c: shards, topics, connections first";
      if (!error.text.empty()) status = to_line(error);
      const TopSize size = Screen::size();
      assert(answers);  // the first time it is not held
      if (const auto picture = draw_top(*answers, keys.first, size)) {
        Screen::show(*picture, status, size);
      } else {
        error = {Failure::protocol, picture.error(), ""};
        break;
      }
      (void)wait(interrupt, keys, next);
    }
  }
  if (!keys.ended) return fail(error);
  return to_int(ExitCode::done);
}

}  // namespace

int run_top(const TopOptions& options) {
  auto place = open_place(options.url, options.tls);
  if (!place) return fail(place.error());
  place->url.token = options.token;
  if (options.once || options.json || ::isatty(STDOUT_FILENO) == 0) return print_once(place->url, options);
  return watch(place->url);
}

}  // namespace ringcast::client
