#include "broker/desk.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "broker/json_out.h"
#include "proto/json_text.h"

namespace ringcast::broker {

namespace {

using Part = Inquiries::Part;

Now desk_time(std::int64_t ms) {
  return {.monotonic = {ms}, .utc_us = 1'000'000'000 + ms * 1'000};
}

// A desk, and shards that answer when the test says so.
struct DeskBench {
  static constexpr std::uint32_t kShards = 3;
  About about{.shards = kShards, .epoch = "00000000000000ff", .io = "epoll", .started_us = 1'000'000'000};
  std::vector<Inquiries> inquiries{kShards};
  LogLevel level = LogLevel::info;
  ReloadBox box;
  std::uint64_t budget = 1'000;
  int drains = 0;
  Desk::Services services{.exposition = [](const About&, State, std::span<const Sampled>, topics::ShardSet silent,
                                           const ProcessFigures&) { return "silent " + std::to_string(silent); },
                          .process = [] { return ProcessFigures{}; },
                          .log_level = [this] { return level; },
                          .set_log_level = [this](LogLevel wanted) { level = wanted; },
                          .drain = [this] { ++drains; },
                          .stage_left_ms = [] { return 1'234; },
                          .config = [] { return std::string("{}"); },
                          .ask_reload = [this] { return box.ask(); },
                          .reloaded = [this](std::uint64_t wish) { return box.result(wish); },
                          .memory_budget = [this] { return budget; }};
  Desk desk{about, services, inquiries, {.k0 = 1, .k1 = 2}};
  std::uint64_t published = 0;

  topics::ShardSet turn(std::int64_t ms, State state = State::ready) { return desk.turn(state, desk_time(ms)); }
  void answer(std::uint32_t shard, const Sample& sample) {
    REQUIRE(inquiries[shard].asked(Part::sample));
    inquiries[shard].sample = sample;
    inquiries[shard].answer(Part::sample);
  }
  AdminAnswer take_answer() {
    REQUIRE(desk.answered().size() == 1);
    AdminAnswer answer = desk.answered().front().answer;
    desk.answered().clear();
    return answer;
  }
  AdminAnswer ask(AdminRequest request, State state = State::ready) {
    desk.begin(1, std::move(request), state, desk_time(1));
    return take_answer();
  }
  // The stats that some home was given to publish.
  std::string take_stats() {
    for (Inquiries& home : inquiries) {
      if (!home.asked(Part::own_value)) continue;
      CHECK(home.own_value.topic == "$broker/stats");
      home.answer(Part::own_value);
      return home.own_value.payload;
    }
    return "";
  }
};

}  // namespace

TEST_CASE("probes wait for each shard's loop, for a second at most, and name those that did not come round") {
  DeskBench bench;
  CHECK(bench.ask(GetReadyz{}).status == 200);
  CHECK(bench.ask(GetReadyz{}, State::starting).status == 503);
  CHECK(bench.ask(GetReadyz{}, State::draining).status == 503);

  bench.desk.begin(7, GetLivez{}, State::ready, desk_time(5'000));
  CHECK(bench.turn(5'000) == 0b111);
  bench.answer(0, {});
  bench.answer(1, {});
  (void)bench.turn(5'900);
  CHECK(bench.desk.answered().empty());
  bench.answer(2, {});
  (void)bench.turn(5'950);
  CHECK(bench.take_answer().status == 200);

  bench.desk.begin(8, GetLivez{}, State::ready, desk_time(10'000));
  bench.desk.begin(9, GetHealthz{}, State::ready, desk_time(10'000));
  (void)bench.turn(10'000);
  bench.answer(1, {});
  (void)bench.turn(10'000 + Desk::kLivePatienceMs - 1);
  CHECK(bench.desk.answered().empty());
  CHECK(bench.desk.next_deadline() <= Instant{10'000 + Desk::kLivePatienceMs});
  (void)bench.turn(10'000 + Desk::kLivePatienceMs);
  REQUIRE(bench.desk.answered().size() == 2);
  CHECK(bench.desk.answered()[0].answer.status == 503);
  CHECK(bench.desk.answered()[0].answer.body.find("shards 0, 2 did not come round") != std::string::npos);
  CHECK(bench.desk.answered()[1].answer.status == 503);
  CHECK(bench.desk.answered()[1].answer.body.find(R"("silent_shards":[0,2])") != std::string::npos);
  bench.desk.answered().clear();

  // An answer to a question that was asked before is none to this one; a shard that has ended is none to wait for.
  bench.answer(0, {});
  bench.answer(2, {});
  (void)bench.turn(11'100);
  bench.desk.begin(10, GetLivez{}, State::draining, desk_time(11'100));
  (void)bench.turn(11'100 + Desk::kLivePatienceMs, State::draining);
  CHECK(bench.take_answer().status == 200);
}

TEST_CASE("/metrics wait for shards, then tell the last numbers of those that are silent") {
  DeskBench bench;
  bench.desk.begin(7, GetMetrics{}, State::ready, desk_time(5'000));
  (void)bench.turn(5'000);
  bench.answer(0, {});
  (void)bench.turn(5'000 + Desk::kSamplePatienceMs);
  const AdminAnswer answer = bench.take_answer();
  CHECK(answer.body == "silent 6");
  CHECK(answer.content_type == kExpositionType);
  bench.desk.begin(8, GetMetrics{}, State::ready, desk_time(6'000));
  bench.desk.forget(8);
  (void)bench.turn(7'000);
  CHECK(bench.desk.answered().empty());
}

TEST_CASE("draining is asked for as often as one likes, and its stage told with what is left of it") {
  DeskBench bench;
  CHECK(bench.ask(GetDrain{}).body == "{\"stage\":\"none\",\"left_ms\":0}\n");
  CHECK(bench.drains == 0);
  struct Row {
    State state;
    const char* body;
  };
  // What has just been asked for has not begun: it will be this.
  for (const auto& [state, body] : {Row{State::starting, "{\"stage\":\"lame_duck\",\"left_ms\":1234}\n"},
                                    Row{State::ready, "{\"stage\":\"lame_duck\",\"left_ms\":1234}\n"},
                                    Row{State::lame_duck, "{\"stage\":\"lame_duck\",\"left_ms\":1234}\n"},
                                    Row{State::draining, "{\"stage\":\"draining\",\"left_ms\":1234}\n"},
                                    Row{State::closing, "{\"stage\":\"closing\",\"left_ms\":1234}\n"}}) {
    CAPTURE(body);
    const int before = bench.drains;
    const AdminAnswer answer = bench.ask(PostDrain{}, state);
    CHECK(answer.status == 202);
    CHECK(answer.body == body);
    CHECK(bench.drains == before + 1);
    if (drain_stage(state) != "none") CHECK(bench.ask(GetDrain{}, state).body == body);
  }
  for (const State state : {State::lame_duck, State::draining, State::closing}) {
    const AdminAnswer ready = bench.ask(GetReadyz{}, state);
    CHECK(ready.status == 503);
    CHECK(ready.body.find(R"("error":"draining")") != std::string::npos);
  }
}

TEST_CASE("the log's level is read and set") {
  DeskBench bench;
  CHECK(bench.ask(GetLogLevel{}).body == "{\"level\":\"info\"}\n");
  CHECK(bench.ask(PutLogLevel{LogLevel::error}).body == "{\"level\":\"error\"}\n");
  CHECK(bench.level == LogLevel::error);
  CHECK(bench.ask(GetConfig{}).body == "{}");
  CHECK(bench.ask(GetStats{}).status == 503);  // none yet
}

TEST_CASE("a reload is answered when main has ended it, whoever else asked meanwhile") {
  DeskBench bench;
  bench.desk.begin(1, PostReload{}, State::ready, desk_time(1));
  bench.desk.begin(2, PostReload{}, State::ready, desk_time(1));
  bench.desk.begin(3, PostReload{}, State::ready, desk_time(1));
  bench.desk.forget(2);
  (void)bench.turn(2);
  CHECK(bench.desk.answered().empty());
  CHECK(bench.desk.next_deadline() <= Instant{1 + Desk::kReloadPatienceMs});
  const std::uint64_t wishes = bench.box.begin();
  CHECK(wishes == 3);
  bench.desk.begin(4, PostReload{}, State::ready, desk_time(2));
  bench.box.end(wishes, {.applied = true, .json = "{}"});
  (void)bench.turn(3);
  REQUIRE(bench.desk.answered().size() == 2);
  for (const Answered& one : bench.desk.answered()) CHECK((one.call != 4 && one.answer.status == 200));
  bench.desk.answered().clear();
  bench.box.end(bench.box.begin(), {.applied = false, .json = "{}"});
  (void)bench.turn(4);
  CHECK(bench.take_answer().status == 422);
}

TEST_CASE("a reload that does not end, or that the end overtakes, is answered too") {
  DeskBench bench;
  CHECK(bench.ask(PostReload{}, State::draining).status == 503);
  bench.desk.begin(1, PostReload{}, State::ready, desk_time(10));
  (void)bench.turn(9 + Desk::kReloadPatienceMs);
  CHECK(bench.desk.answered().empty());
  (void)bench.turn(10 + Desk::kReloadPatienceMs);
  CHECK(bench.take_answer().status == 503);
  bench.desk.begin(1, PostReload{}, State::ready, desk_time(10));
  (void)bench.turn(11, State::draining);
  CHECK(bench.take_answer().status == 503);
}

TEST_CASE("the stats tell the budget that a reload has set") {
  DeskBench bench;
  (void)bench.turn(5'000);
  for (std::uint32_t shard = 0; shard < DeskBench::kShards; ++shard) bench.answer(shard, {});
  bench.budget = 77;
  (void)bench.turn(5'001);
  CHECK(bench.take_stats().find(R"("memory_budget_bytes":77,)") != std::string::npos);
}

TEST_CASE("each second all shards are asked once, and the stats go to their home when all have answered") {
  DeskBench bench;
  CHECK(bench.turn(5'000) == 0b111);
  CHECK(bench.turn(5'001) == 0);  // the questions are out
  bench.answer(0, {});
  bench.answer(1, {});
  CHECK(bench.turn(5'010) == 0);
  CHECK(bench.take_stats() == "");
  bench.answer(2, {});
  CHECK(bench.turn(5'020) != 0);
  CHECK(bench.take_stats() != "");
  CHECK(bench.turn(5'030) == 0);
  CHECK(bench.desk.next_deadline() > Instant{5'030});
  CHECK(bench.turn(6'100) == 0b111);
}

TEST_CASE("a shard that does not answer is not waited for, and its age says so") {
  DeskBench bench;
  (void)bench.turn(5'000);
  bench.answer(0, {});
  bench.answer(2, {});
  (void)bench.turn(5'000 + Desk::kSamplePatienceMs - 1);
  CHECK(bench.take_stats() == "");
  (void)bench.turn(5'000 + Desk::kSamplePatienceMs);
  const std::string stats = bench.take_stats();
  CHECK(stats.find(R"("shard":0,"age_ms":500)") != std::string::npos);
  CHECK(stats.find(R"("shard":1,"age_ms":null)") != std::string::npos);
  // It is not asked twice, the others are.
  CHECK((bench.turn(6'100) & 0b111) == 0b101);
}

TEST_CASE("rates are the difference of two samples by the time between them") {
  DeskBench bench;
  Sample sample;
  sample.published_messages = 1'000;
  sample.connections = 7;
  sample.latency.add(100, 5);
  (void)bench.turn(5'000);
  for (std::uint32_t shard = 0; shard < 3; ++shard) bench.answer(shard, sample);
  (void)bench.turn(5'001);
  std::string stats = bench.take_stats();
  CHECK(stats.find(R"("published_per_s":0,)") != std::string::npos);  // nothing to compare with
  sample.published_messages = 1'500;
  sample.latency.add(100, 20);
  (void)bench.turn(7'000);
  for (std::uint32_t shard = 0; shard < 3; ++shard) bench.answer(shard, sample);
  (void)bench.turn(7'001);
  stats = bench.take_stats();
  CHECK(stats.find(R"("total":{"connections":21,)") != std::string::npos);
  CHECK(stats.find(R"("published_messages":4500,)") != std::string::npos);
  CHECK(stats.find(R"("published_per_s":750,)") != std::string::npos);  // 3 × 500 in two seconds
  CHECK(stats.find(R"("published_per_s":250,)") != std::string::npos);  // of one shard
  CHECK(stats.find(R"("latency":{"messages":60,"p50_us":112,"p99_us":112,"max_us":112})") != std::string::npos);
}

TEST_CASE("the slowest connections of all shards are told, worst first, ten at most") {
  DeskBench bench;
  (void)bench.turn(5'000);
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    Sample sample;
    sample.slowest_count = 4;
    for (std::uint32_t i = 0; i < 4; ++i) sample.slowest[i] = {.slot = {i, 9}, .owed_bytes = 100 * (4 - i) + shard};
    bench.answer(shard, sample);
  }
  (void)bench.turn(5'001);
  const std::string stats = bench.take_stats();
  const std::string slowest = stats.substr(stats.find(R"("slowest":)"));
  CHECK(slowest.starts_with(R"("slowest":[{"id":"2-0-9","kind":"http","lagging":false,"owed_bytes":402,)"));
  std::size_t entries = 0;
  for (std::size_t at = slowest.find("\"id\""); at != std::string::npos; at = slowest.find("\"id\"", at + 1)) ++entries;
  CHECK(entries == Stats::kSlowestMax);
}

TEST_CASE("the stats are JSON, with every figure's name once in the total") {
  DeskBench bench;
  (void)bench.turn(5'000, State::draining);
  for (std::uint32_t shard = 0; shard < 3; ++shard) bench.answer(shard, {});
  (void)bench.turn(5'001, State::draining);
  const std::string stats = bench.take_stats();
  proto::JsonJudge judge(8);
  CHECK(judge.judge(stats) == proto::JsonVerdict::valid);
  CHECK(stats.find(R"("state":"draining")") != std::string::npos);
  const std::string total = stats.substr(0, stats.find(R"("shards":)"));
  for (const Figure& figure : figures()) {
    const std::string key = "\"" + std::string(figure.name) + "\":";
    const std::size_t at = total.find(key);
    CHECK_MESSAGE(at != std::string::npos, key);
    CHECK_MESSAGE(total.find(key, at + 1) == std::string::npos, key);
  }
}

TEST_CASE("while a home has not published the last stats, newer ones are not given to it") {
  DeskBench bench;
  for (std::int64_t at = 5'000; at < 9'000; at += 1'000) {
    (void)bench.turn(at);
    for (std::uint32_t shard = 0; shard < 3; ++shard) bench.answer(shard, {});
    (void)bench.turn(at + 1);
  }
  const std::string first = bench.take_stats();
  CHECK(first.find(R"("uptime_ms":5001,)") != std::string::npos);
  CHECK(bench.take_stats() == "");
}

TEST_CASE("connection ids are read back, and nothing else is one") {
  const auto id = parse_connection_id(connection_id(3, {.index = 17, .generation = 5}));
  REQUIRE(id.has_value());
  CHECK(id->shard == 3);
  CHECK(id->slot == SlotId{17, 5});
  for (const char* text : {"", "1", "1-2", "1-2-", "1-2-3-", "1-2-3-4", "-1-2-3", "1--2-3", "a-2-3", "1-2-4294967296",
                           "1-4294967295-3", " 1-2-3", "1-2-3 "}) {
    CHECK_MESSAGE(!parse_connection_id(text).has_value(), text);
  }
}

TEST_CASE("JsonOut writes numbers without exponents, and null for what is none") {
  JsonOut out;
  out.begin_object().member("a", 1e21).member("b", 0.1234).member("c", -2.5).member("d", 1.0 / 0.0);
  out.member("e", "x\"y").key("f").begin_array().value(true).value(7).begin_array().end_array().null().end_array();
  out.end_object();
  CHECK(out.text() == R"({"a":1000000000000000000000,"b":0.123,"c":-2.5,"d":null,"e":"x\"y","f":[true,7,[],null]})");
}

}  // namespace ringcast::broker
