#include "broker/dropped.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

using namespace ringcast::broker;
using ringcast::topics::TopicHandle;

namespace {

constexpr std::array<std::uint8_t, 1'000> kFrame{};

// Messages as they lie in segments, for a Dropped to take.
struct Losses {
  SegmentPool pool;
  SegmentWriter writer{pool};
  std::vector<Span> spans;

  struct What {
    std::uint32_t topic;
    std::uint64_t seq;
    bool event = false;
    std::uint16_t origin = 0;
    std::uint32_t generation = 0;
    std::uint32_t frames = 1;
  };
  void lose(const What& what) {
    writer.begin(100 * what.frames);
    FrameRecord record{.origin = what.origin,
                       .event = what.event,
                       .topic = {.index = what.topic, .generation = what.generation},
                       .position = 1'000 + what.seq,
                       .seq = what.seq};
    for (std::uint32_t i = 0; i < what.frames; ++i) {
      std::ranges::copy(Bytes{kFrame}.first(100), writer.frame(100, record).begin());
      record.continues = true;
    }
    spans.push_back(writer.finish());
    pool.retain(spans.back().segment);
  }
  [[nodiscard]] Dropped take(Dropped::Newest newest) { return {std::move(spans), newest, pool}; }
};

std::string ranges_of(const Dropped& dropped) {
  std::vector<std::string> texts;
  for (const Dropped::Range& range : dropped.ranges()) {
    texts.push_back(std::to_string(dropped.topics()[range.topic].handle.index) + ":" + std::to_string(range.first_seq) +
                    "-" + std::to_string(range.last_seq));
  }
  std::ranges::sort(texts);
  std::string all;
  for (const std::string& text : texts) all += text + " ";
  return all;
}

}  // namespace

TEST_CASE("what is dropped is counted by topic, and named by its seqs") {
  Losses losses;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    losses.lose({.topic = 7, .seq = seq});
    losses.lose({.topic = 8, .seq = 10 * seq});
  }
  const Dropped dropped = losses.take(Dropped::Newest::gone);
  CHECK(dropped.gone() == 10);
  REQUIRE(dropped.topics().size() == 2);
  CHECK(dropped.topics()[0].handle.index == 8);  // the newest came last
  CHECK(dropped.topics()[0].gone == 5);
  CHECK(dropped.topics()[0].newest.seq == 50);
  CHECK(ranges_of(dropped) == "7:1-5 8:10-10 8:20-20 8:30-30 8:40-40 8:50-50 ");
  CHECK_FALSE(dropped.more_ranges());
}

TEST_CASE("topics of other homes, and of other generations, are other topics") {
  Losses losses;
  losses.lose({.topic = 7, .seq = 1});
  losses.lose({.topic = 7, .seq = 2, .origin = 1});
  losses.lose({.topic = 7, .seq = 3, .generation = 1});
  CHECK(losses.take(Dropped::Newest::gone).topics().size() == 3);
}

TEST_CASE("what came from the newest value on is still owed, for that value and the newest event after it") {
  struct Row {
    std::string events;  // of the messages 1, 2, …: 'e' for an EVENT, 'v' for a value
    std::uint64_t value;
    std::uint64_t event;
    std::uint64_t first_owed;
    std::string gone;
  };
  const std::vector<Row> rows{{"v", 1, 0, 1, ""},         {"vvv", 3, 0, 3, "7:1-2 "}, {"e", 0, 1, 1, ""},
                              {"eee", 0, 3, 1, ""},       {"vve", 2, 3, 2, "7:1-1 "}, {"vveee", 2, 5, 2, "7:1-1 "},
                              {"veev", 4, 0, 4, "7:1-3 "}};
  for (const Row& row : rows) {
    CAPTURE(row.events);
    Losses losses;
    std::uint64_t seq = 0;
    for (const char sort : row.events) losses.lose({.topic = 7, .seq = ++seq, .event = sort == 'e'});
    const Dropped dropped = losses.take(Dropped::Newest::owed);
    REQUIRE(dropped.topics().size() == 1);
    const Dropped::Topic& topic = dropped.topics()[0];
    CHECK(topic.value.seq == row.value);
    CHECK(topic.event.seq == row.event);
    CHECK(topic.first_position == 1'001);
    CHECK(topic.first_owed_seq == row.first_owed);
    CHECK(topic.owed == row.events.size() - row.first_owed + 1);
    CHECK(topic.gone == row.first_owed - 1);
    CHECK(ranges_of(dropped) == row.gone);
  }
}

TEST_CASE("a message of several frames counts once, and is found with all of them") {
  Losses losses;
  losses.lose({.topic = 7, .seq = 1, .frames = 3});
  losses.lose({.topic = 7, .seq = 2, .frames = 2});
  const Dropped dropped = losses.take(Dropped::Newest::owed);
  CHECK(dropped.gone() == 1);
  CHECK(dropped.topics()[0].value.frames.length == 200);
  CHECK(dropped.topics()[0].value.position == 1'002);
}

TEST_CASE("256 ranges are kept, those of the newest messages, and that there are more is said") {
  Losses losses;
  for (std::uint32_t topic = 0; topic < 256; ++topic) losses.lose({.topic = topic, .seq = 1});
  SUBCASE("no more") {
    CHECK_FALSE(losses.take(Dropped::Newest::gone).more_ranges());
  }
  SUBCASE("one more") {
    losses.lose({.topic = 256, .seq = 1});
    const Dropped dropped = losses.take(Dropped::Newest::gone);
    CHECK(dropped.more_ranges());
    CHECK(dropped.ranges().size() == 256);
    CHECK(dropped.gone() == 257);
    CHECK(dropped.topics()[dropped.ranges().back().topic].handle.index == 1);
  }
}

TEST_CASE("dropped frames are given back with it") {
  Losses losses;
  losses.lose({.topic = 7, .seq = 1});
  {
    const Dropped dropped = losses.take(Dropped::Newest::gone);
    losses.writer.retire();
    CHECK(losses.pool.live() == 1);
  }
  CHECK(losses.pool.live() == 0);
}
