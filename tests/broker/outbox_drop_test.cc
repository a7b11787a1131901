#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/broker/outbox_bench.h"
#include "tests/sim/random.h"

using namespace ringcast::broker;
using ringcast::Instant;
using ringcast::broker::test::NaiveFrames;
using ringcast::broker::test::OutboxBench;
using ringcast::broker::test::text;
using ringcast::sim::Random;

namespace {

// What a frame of the tests is.
enum class Sort : std::uint8_t { live, opening, answer, checkpoint };

struct DropBench : OutboxBench {
  // One message, in as many frames as texts.
  Span write(Sort sort, const std::vector<std::string>& frames) {
    SegmentWriter& writer = sort == Sort::live ? messages : own;
    std::size_t size = 0;
    for (const std::string& frame : frames) size += frame.size();
    writer.begin(static_cast<std::uint32_t>(size));
    FrameRecord record{.opening = sort == Sort::opening, .checkpoint = sort == Sort::checkpoint};
    if (sort == Sort::live || sort == Sort::opening) record.seq = next_seq++;
    for (const std::string& frame : frames) {
      std::ranges::copy(frame, writer.frame(static_cast<std::uint32_t>(frame.size()), record).begin());
      record.continues = true;
    }
    return writer.finish();
  }
  void owe(Sort sort, const std::vector<std::string>& frames) { outbox.append(write(sort, frames), pool); }
  void answer(const std::string& frame) { owe(Sort::answer, {frame}); }
  void message(const std::string& frame) { owe(Sort::live, {frame}); }

  // Drops, and gives back what: the bytes of it.
  std::string drop(const Outbox::Keep& keep = {}) {
    std::string bytes;
    for (const Span& span : outbox.drop_messages(keep, pool)) {
      bytes += text(span.segment->bytes(span.offset, span.length));
      segments.release(span.segment);
    }
    outbox.check_invariants();
    return bytes;
  }
};

}  // namespace

TEST_CASE("what is dropped are live messages that are not begun; all else stays in its order") {
  struct Row {
    std::size_t sent;
    std::string dropped;
    std::string left;
    const char* why;
  };
  const std::vector<Row> rows{
      {0, "one,two,three,", "101,ack,last value,end,", "nothing is begun"},
      {2, "one,two,three,", "1,ack,last value,end,", "an answer is begun"},
      {4, "one,two,three,", "ack,last value,end,", "between an answer and a message"},
      {5, "two,three,", "ne,ack,last value,end,", "a message is begun"},
      {8, "two,three,", "ack,last value,end,", "between a message and an answer"},
      {13, "three,", "wo,last value,end,", "the second message is begun"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    DropBench bench;
    bench.answer("101,");
    bench.message("one,");
    bench.answer("ack,");
    bench.message("two,");
    bench.owe(Sort::opening, {"last value,"});
    bench.answer("end,");
    bench.message("three,");
    (void)bench.send(row.sent);
    CHECK(bench.drop() == row.dropped);
    CHECK(bench.outbox.owed_bytes() == row.left.size());
    CHECK(bench.send() == row.left);
  }
}

TEST_CASE("of a message in several frames all are dropped or none, wherever the socket stopped") {
  const std::string whole = "first 1,first 2,first 3,second 1,second 2,";
  for (std::size_t sent = 0; sent < whole.size(); ++sent) {
    CAPTURE(sent);
    DropBench bench;
    bench.owe(Sort::live, {"first 1,", "first 2,", "first 3,"});
    bench.owe(Sort::live, {"second 1,", "second 2,"});
    CHECK(bench.send(sent) == whole.substr(0, sent));
    const std::size_t first_end = 24;
    const std::size_t goes_from = sent == 0 ? 0 : sent <= first_end ? first_end : whole.size();
    CHECK(bench.drop() == whole.substr(goes_from));
    CHECK(bench.send() == whole.substr(sent, goes_from - sent));
  }
}

TEST_CASE("a checkpoint goes with what was dropped before it, and stays where nothing was") {
  DropBench bench;
  bench.owe(Sort::checkpoint, {"c1,"});
  bench.message("one,");
  bench.owe(Sort::checkpoint, {"c2,"});
  bench.answer("ack,");
  bench.owe(Sort::checkpoint, {"c3,"});
  CHECK(bench.drop() == "one,");
  CHECK(bench.send() == "c1,ack,");
  bench.owe(Sort::checkpoint, {"c4,"});
  CHECK(bench.drop().empty());
  CHECK(bench.send() == "c4,");
}

TEST_CASE("bytes of an armed send stay where they are when messages are dropped behind them") {
  DropBench bench;
  bench.message(std::string(20'000, 'a'));
  bench.message("b");
  (void)bench.send(5);
  const Bytes armed = bench.outbox.begun_frame(bench.pool);
  REQUIRE(armed.size() == 19'995);
  CHECK(bench.drop() == "b");
  CHECK(bench.outbox.begun_frame(bench.pool).data() == armed.data());
  CHECK(std::ranges::all_of(armed, [](std::uint8_t byte) { return byte == 'a'; }));
}

TEST_CASE("no more is dropped than the limit asks for, oldest first, and the last span stays") {
  constexpr std::size_t kMessage = 20'000;  // three to a segment
  for (std::size_t limit : {std::size_t{0}, std::size_t{65'536}, std::size_t{150'000}, std::size_t{1'000'000}}) {
    CAPTURE(limit);
    DropBench bench;
    std::string all;
    for (char c = 'a'; c < 'm'; ++c) {
      all += std::string(kMessage, c);
      bench.message(std::string(kMessage, c));
    }
    const std::size_t segments = 4;
    REQUIRE(bench.outbox.pinned_bytes() == segments * Segment::kSizeUsual);
    const std::size_t stay = std::clamp<std::size_t>(limit / Segment::kSizeUsual, 1, segments);
    const std::size_t gone = (segments - stay) * 3 * kMessage;
    CHECK(bench.drop({.pinned_max = limit, .since = {}}) == all.substr(0, gone));
    CHECK(bench.outbox.pinned_bytes() == stay * Segment::kSizeUsual);
    CHECK(bench.send() == all.substr(gone));
  }
}

TEST_CASE("what was written before a moment is dropped, though an answer before it is new") {
  DropBench bench;
  bench.segments.set_now(Instant{10'000});
  bench.message("old,");
  bench.segments.set_now(Instant{12'000});
  bench.message("newer,");
  bench.segments.set_now(Instant{14'000});
  bench.message("new,");
  CHECK(bench.outbox.oldest_message() == Instant{10'000});
  bench.outbox.append_urgent(bench.write(Sort::answer, {"pong,"}), bench.pool);
  CHECK(bench.outbox.oldest_message() == Instant{10'000});
  CHECK(bench.drop({.pinned_max = SIZE_MAX, .since = Instant{12'000}}) == "old,");
  CHECK(bench.outbox.oldest_message() == Instant{12'000});
  CHECK(bench.drop({.pinned_max = SIZE_MAX, .since = Instant{14'001}}) == "newer,new,");
  CHECK(bench.outbox.oldest_message() == Instant::never());
  CHECK(bench.send() == "pong,");
}

TEST_CASE("a message that is copied out of its segment is as old as it was") {
  DropBench bench;
  bench.segments.set_now(Instant{10'000});
  bench.message("old,");
  bench.messages.retire();
  bench.segments.set_now(Instant{99'000});
  bench.outbox.unpin({}, bench.pool);
  REQUIRE(bench.outbox.pinned_bytes() == 4);
  CHECK(bench.outbox.oldest_message() == Instant{10'000});
}

TEST_CASE("what is told of a gap stands where it is: behind the message that is begun, before the first that is left") {
  struct Row {
    std::size_t sent;
    std::string left;
  };
  const std::vector<Row> rows{{0, "101,pong,lag,one 1,one 2,two,"},
                              {3, ",pong,lag,one 1,one 2,two,"},
                              {4, "pong,lag,one 1,one 2,two,"},
                              {5, "ne 1,pong,one 2,lag,two,"},
                              {10, "pong,one 2,lag,two,"},
                              {11, "ne 2,pong,lag,two,"},
                              {16, "pong,lag,two,"}};
  for (const Row& row : rows) {
    CAPTURE(row.sent);
    DropBench bench;
    bench.answer("101,");
    bench.owe(Sort::live, {"one 1,", "one 2,"});
    bench.message("two,");
    (void)bench.send(row.sent);
    bench.outbox.append_urgent(bench.write(Sort::answer, {"pong,"}), bench.pool);
    bench.outbox.append_before_messages(bench.write(Sort::answer, {"lag,"}), bench.pool);
    CHECK(bench.send() == row.left);
  }
}

namespace {

struct SortedFrame {
  std::string bytes;
  Sort sort;
  int message;  // its number
  bool first;   // of its message
};

// The naive outbox.
struct DropModel : NaiveFrames<SortedFrame> {
  [[nodiscard]] bool begun(int message) const {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (frames[i].message == message && frames[i].first) return i == 0 && sent > 0;
    }
    return true;  // its first frame is gone
  }
  // Drops the first `messages` live ones that are not begun, and the checkpoints behind them; their bytes.
  std::string drop(std::size_t messages) {
    std::string dropped;
    std::vector<SortedFrame> left;
    int last = -1;
    for (const SortedFrame& frame : frames) {
      const bool may = frame.sort == Sort::live && !begun(frame.message);
      const bool goes = may && (frame.message == last || messages > 0);
      if (goes && frame.message != last) --messages;
      if (goes) last = frame.message;
      if (goes) dropped += frame.bytes;
      const bool partly = &frame == frames.data() && sent > 0;
      if (!goes && !(frame.sort == Sort::checkpoint && !dropped.empty() && !partly)) left.push_back(frame);
    }
    frames = left;
    return dropped;
  }
};

class DropWalk {
 public:
  explicit DropWalk(std::uint64_t seed) : random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      bench_.outbox.check_invariants();
      REQUIRE(bench_.outbox.owed_bytes() == model_.all().size());
    }
    REQUIRE(bench_.send() == model_.all());
    bench_.messages.retire();
    bench_.own.retire();
    REQUIRE(bench_.segments.live() == 0);
  }

 private:
  void step() {
    const std::size_t dice = random_.below(100);
    if (dice < 60) return owe();
    if (dice < 64) return bench_.outbox.unpin(std::array<Segment*, 1>{bench_.messages.current()}, bench_.pool);
    if (dice < 66 && bench_.outbox.frame_begun()) return (void)bench_.outbox.begun_frame(bench_.pool);
    if (dice < 70) return drop_all();
    if (dice < 76) return drop_some();
    if (dice < 80) return now_later();
    send();
  }

  void owe() {
    const std::size_t dice = random_.below(10);
    const Sort sort = dice < 6 ? Sort::live : dice < 8 ? Sort::answer : dice < 9 ? Sort::opening : Sort::checkpoint;
    const bool message = sort == Sort::live || sort == Sort::opening;
    std::vector<std::string> frames;
    ++messages_;
    for (std::size_t i = message && random_.percent(20) ? random_.between(2, 4) : 1; i > 0; --i) {
      std::string bytes(random_.percent(80) ? random_.between(1, 50) : random_.between(1'000, 9'000), '\0');
      for (char& c : bytes) c = static_cast<char>('a' + random_.below(26));
      model_.frames.push_back({bytes, sort, messages_, frames.empty()});
      frames.push_back(std::move(bytes));
    }
    bench_.owe(sort, frames);
  }

  void drop_all() { REQUIRE(bench_.drop() == model_.drop(SIZE_MAX)); }

  // How many go is the outbox's to say; that they are the oldest, and that what is left is little, is held.
  void drop_some() {
    const std::size_t limit = random_.below(400'000);
    const std::string dropped = bench_.drop({.pinned_max = limit, .since = {}});
    DropModel copy = model_;
    std::size_t messages = 0;
    while (copy.drop(messages).size() < dropped.size()) {
      ++messages;
      copy = model_;
    }
    REQUIRE(model_.drop(messages) == dropped);
  }

  void now_later() { bench_.segments.set_now(bench_.segments.now() + static_cast<std::int64_t>(random_.below(1'500))); }

  void send() {
    const Bytes next = bench_.outbox.gather(bench_.scratch, random_.between(1, 12'000));
    REQUIRE(next.empty() == model_.frames.empty());
    const std::string bytes = text(next);
    REQUIRE(model_.all().starts_with(bytes));
    bench_.outbox.consume(bytes.size(), bench_.pool);
    model_.consume(bytes.size());
  }

  Random random_;
  DropBench bench_;
  DropModel model_;
  int messages_ = 0;
};

}  // namespace

TEST_CASE("an outbox drops what a naive list of frames drops, whatever was done to it") {
  const char* given = std::getenv("RINGCAST_SEED");
  const std::uint64_t first = given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
  const std::uint64_t last = given == nullptr ? 24 : first;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    CAPTURE(seed);
    DropWalk(seed).run(300);
  }
}
