#include "client/top_view.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

namespace ringcast::client {

namespace {

// Answers as the operators' port gives them, cut down to what is shown.
TopAnswers top_answers() {
  return {
      .stats =
          R"({"version":1,"broker_version":"0.1.0","state":"ready","io":"epoll","uptime_ms":3723000,)"
          R"("memory_budget_bytes":1000000,"total":{"connections":1500,"waiting_connections":1,"subscriptions":2000,)"
          R"("topics":7,"history_bytes":12345,"owed_bytes":999,"lag_events":3,"closed_slow":1,)"
          R"("rates":{"published_per_s":2000,"delivered_per_s":1500000,"sent_bytes_per_s":1e6},)"
          R"("latency":{"p50_us":320,"p99_us":1280}},)"
          R"("shards":[{"shard":0,"connections":700,"subscriptions":5,"topics":3,"owed_bytes":0,)"
          R"("rates":{"published_per_s":10,"turns_per_s":50},"latency":{"p99_us":64}},)"
          R"({"shard":1,"connections":800,"rates":{},"latency":{}}]})",
      .topics = R"({"topics":[{"topic":"ticker/AAPL","seq":17,"shard":0,"rate_per_s":12.5,"subscribers":3,)"
                R"("last":{"op":"set","payload_bytes":90}},)"
                R"({"topic":"evil\u001b[2J\u0085","seq":1,"shard":0,"rate_per_s":null,"subscribers":0,"last":null}],)"
                R"("more":false})",
      .connections = R"({"connections":[{"id":"0-1-2","kind":"raw","owed_bytes":70000,"pinned_bytes":131072,)"
                     R"("oldest_ms":1200,"address":"192.0.2.7:5","filter":"a/#"}]})",
      .slow = R"({"slow":[{"id":"0-9-9","kind":"json","why":"age","owed_bytes":5,"pinned_bytes":6,"oldest_ms":41000,)"
              R"("address":"192.0.2.8:6","filter":"b"}]})",
  };
}

std::size_t lines_of(const std::string& picture) {
  return static_cast<std::size_t>(std::ranges::count(picture, '\n'));
}

}  // namespace

TEST_CASE("the picture tells the broker, its shards, topics, slow connections and those that were closed") {
  const auto picture = draw_top(top_answers(), TopFirst::shards, {.columns = 120, .rows = 60});
  REQUIRE(picture.has_value());
  for (const char* part : {"ringcast 0.1.0  ready  epoll  up 1h2m3s", "connections 1.5K (1 wait)", "delivered 1.5M/s",
                           "p50 0.3 ms  p99 1.3 ms", "12.5      17      3      90 ticker/AAPL", "192.0.2.7:5", "a/#",
                           "CLOSED FOR BEING SLOW", "age             192.0.2.8:6"}) {
    CHECK_MESSAGE(picture->find(part) != std::string::npos, part << "\n" << *picture);
  }
}

TEST_CASE("room that one table does not need the others have") {
  TopAnswers answers = top_answers();
  answers.topics = R"({"topics":[)";
  for (int i = 0; i < 30; ++i) {
    answers.topics += (i > 0 ? "," : "") + std::string(R"({"topic":"t/)") + std::to_string(i) + R"(","seq":1})";
  }
  answers.topics += "]}";
  for (const TopFirst first : {TopFirst::shards, TopFirst::topics, TopFirst::connections}) {
    const auto picture = draw_top(answers, first, {.columns = 100, .rows = 24});
    REQUIRE(picture.has_value());
    CHECK(lines_of(*picture) == 24);  // none stays empty while there is more to show
    if (first == TopFirst::shards) CHECK(picture->find("CLOSED FOR BEING SLOW") != std::string::npos);
  }
}

TEST_CASE("in a terminal the heads of tables stand out over the whole width; signs as in °C are shown") {
  TopAnswers answers = top_answers();
  answers.topics = R"({"topics":[{"topic":"temp/\u00b0C","seq":1}]})";
  const auto picture = draw_top(answers, TopFirst::shards, {.columns = 90, .rows = 60, .style = TopStyle::terminal});
  REQUIRE(picture.has_value());
  CHECK(picture->find("\x1b[7mSHARD  CONNS") != std::string::npos);
  CHECK(picture->find("temp/\u00b0C") != std::string::npos);
}

TEST_CASE("what comes from publishers cannot move a terminal's cursor") {
  const auto picture = draw_top(top_answers(), TopFirst::topics, {.columns = 120, .rows = 60});
  REQUIRE(picture.has_value());
  CHECK(picture->find('\x1b') == std::string::npos);
  CHECK(picture->find("\xc2\x85") == std::string::npos);
  CHECK(picture->find("evil?[2J?") != std::string::npos);
}

TEST_CASE("the picture fits, however small the terminal is") {
  for (std::size_t rows = 1; rows < 40; ++rows) {
    for (const TopFirst first : {TopFirst::shards, TopFirst::topics, TopFirst::connections}) {
      const auto picture = draw_top(top_answers(), first, {.columns = 33, .rows = rows});
      REQUIRE(picture.has_value());
      CHECK(lines_of(*picture) <= std::max<std::size_t>(4, rows));
      std::size_t column = 0;
      for (const char c : *picture) {
        column = c == '\n' ? 0 : column + 1;
        CHECK(column <= 33);
      }
    }
  }
}

TEST_CASE("answers that are none are told, not shown") {
  TopAnswers broken = top_answers();
  broken.topics = "<html>";
  CHECK_FALSE(draw_top(broken, TopFirst::shards, {}).has_value());
  broken = top_answers();
  broken.stats = "{}";
  CHECK_FALSE(draw_top(broken, TopFirst::shards, {}).has_value());
}

TEST_CASE("numbers are short") {
  for (const auto& [number, text] : {std::pair{0.0, "0"},
                                     {7.0, "7"},
                                     {12.5, "12.5"},
                                     {999.0, "999"},
                                     {1'000.0, "1.0K"},
                                     {12'345.0, "12.3K"},
                                     {123'456.0, "123K"},
                                     {999'999.0, "1.0M"},
                                     {5e9, "5.0G"},
                                     {2.5e12, "2.5T"},
                                     {9.9e15, "9900T"}}) {
    CHECK(short_number(number) == text);
  }
}

}  // namespace ringcast::client
