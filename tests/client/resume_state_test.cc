// What a subscription remembers for its next connection: ResumePoint, TopicMemory, ResumeState and ResumeFile.
#include "client/resume_state.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "client/resume_file.h"

using namespace ringcast;
using client::ResumeFile;
using client::ResumeState;
using client::TopicMemory;

namespace {

constexpr std::string_view kEpoch = "00000000000000e1";

Message message_at(std::uint64_t seq, std::uint64_t position, Mark mark = Mark::live, std::string_view topic = "a") {
  return {.topic = topic, .mark = mark, .seq = seq, .origin = 2, .position = position};
}

SubscriptionEvent checkpoint(std::string token, std::string_view epoch = kEpoch) {
  return {.kind = SubscriptionEvent::Kind::checkpoint, .epoch = std::string(epoch), .token = std::move(token)};
}

bool told(ResumeState& state, Message message) {
  return state.take(message);
}

bool resumable(ResumeState& state, Message message) {
  REQUIRE(state.take(message));
  return message.resumable;
}

}  // namespace

TEST_CASE("TopicMemory has what was noted and what came before it, of its topic alone") {
  TopicMemory memory;
  CHECK(!memory.has("a", 1));
  memory.note("a", 5);
  memory.note("a", 3);
  CHECK(memory.has("a", 5));
  CHECK(memory.has("a", 1));
  CHECK(!memory.has("a", 6));
  CHECK(!memory.has("b", 1));
  memory.clear();
  CHECK(!memory.has("a", 1));
  CHECK(memory.empty());
}

TEST_CASE("TopicMemory keeps the latest topics up to its limit, and forgets older ones a generation at a time") {
  TopicMemory memory;
  const auto name = [](std::size_t i) { return "topic/" + std::to_string(i); };
  for (std::size_t i = 0; i < 2 * TopicMemory::kTopicsMax; ++i) memory.note(name(i), i + 1);
  CHECK(memory.has(name(0), 1));  // on the limit
  memory.note(name(0), 7);        // noted again, it is among the young ones
  CHECK(memory.has(name(0), 7));
  CHECK(!memory.has(name(1), 1));
  CHECK(memory.has(name(TopicMemory::kTopicsMax), 1));
}

TEST_CASE("ResumePoint as text is itself again, and what is none is refused") {
  const ResumePoint points[] = {
      {.epoch = "e", .token = "AQID-_"},
      {.epoch = "e", .token = "t", .received = {{.origin = 0, .position = 1}}},
      {.epoch = "e", .token = "t", .received = {{.origin = 63, .position = UINT64_MAX}, {.origin = 0, .position = 0}}},
  };
  for (const ResumePoint& point : points) CHECK(ResumePoint::from_text(point.to_text()) == point);
  CHECK(ResumePoint{}.to_text().empty());
  for (const char* text : {"", " ", "e", "e ", "e t 1", "e t 1:", "e t 1:2,", "e t 64:1", "e t 1:2 3", "e t 1:x",
                           "e t -1:2", "e t 1:99999999999999999999999", "e t :1"}) {
    CHECK_MESSAGE(!ResumePoint::from_text(text), text);
  }
}

TEST_CASE("ResumePoint counts what it is told of its epoch, and the highest of each origin") {
  ResumePoint point;
  point.add(checkpoint("t1"));
  Message message = message_at(1, 10);
  point.add(message);
  CHECK(point.received.empty());  // not resumable
  message.resumable = true;
  point.add(message);
  point.add(checkpoint("t2"));
  CHECK(point.received == std::vector<OriginPosition>{{.origin = 2, .position = 10}});
  CHECK(point.token == "t2");
  point.add(checkpoint("t3", "other"));
  CHECK(point == ResumePoint{.epoch = "other", .token = "t3"});
}

TEST_CASE("ResumeState of every message: live ones count by position once there is a token of this epoch") {
  ResumeState state(SubscribeOptions{});
  state.begin(kEpoch);
  CHECK(!resumable(state, message_at(1, 10)));
  CHECK(!state.has_token());
  state.checkpoint(checkpoint("t"), true);
  CHECK(state.has_token());
  CHECK(resumable(state, message_at(2, 11)));
  CHECK(!resumable(state, message_at(3, 12, Mark::replay)));
  CHECK(state.point().received == std::vector<OriginPosition>{{.origin = 2, .position = 11}});
  state.lose();
  state.begin("other");
  CHECK(state.foreign());
  CHECK(!resumable(state, message_at(1, 1)));
}

TEST_CASE("ResumeState drops what a subscription begins with if it was told, until a token covers it") {
  ResumeState state(SubscribeOptions{});
  state.begin(kEpoch);
  CHECK(told(state, message_at(5, 10, Mark::replay)));
  CHECK(told(state, message_at(6, 11, Mark::replay)));
  state.lose();
  state.begin(kEpoch);
  CHECK(!told(state, message_at(5, 10, Mark::replay)));
  CHECK(!told(state, message_at(6, 11, Mark::replay)));
  CHECK(told(state, message_at(7, 12, Mark::replay)));
  CHECK(told(state, message_at(6, 13, Mark::replay, "b")));
  state.lose();
  state.begin("other");
  CHECK(told(state, message_at(5, 10, Mark::replay)));  // another count
}

TEST_CASE("ResumeState of the latest values remembers each topic, whatever the tokens say") {
  ResumeState state({.delivery = Delivery::latest});
  state.begin(kEpoch);
  state.checkpoint(checkpoint("t"), true);
  CHECK(!resumable(state, message_at(5, 10)));
  state.checkpoint(checkpoint("t2"), true);
  CHECK(state.point().received.empty());
  CHECK(!told(state, message_at(5, 10, Mark::snapshot)));
  CHECK(told(state, message_at(6, 12, Mark::snapshot)));
}

TEST_CASE("ResumeState counts no positions while values come in place of messages") {
  ResumeState state(SubscribeOptions{});
  state.begin(kEpoch);
  state.checkpoint(checkpoint("t"), true);
  state.set_lagging(true);
  CHECK(!resumable(state, message_at(9, 20)));
  state.checkpoint(checkpoint("t2"), true);
  CHECK(!told(state, message_at(7, 18, Mark::replay)));  // merged: told to be missing
  state.set_lagging(false);
  CHECK(resumable(state, message_at(10, 21)));
}

TEST_CASE("ResumeFile holds a line for each filter, and nothing else") {
  const ResumeFile::Points points{{"a/#", {.epoch = "e", .token = "t", .received = {{.origin = 1, .position = 2}}}},
                                  {"b c", {.epoch = "e", .token = "u"}}};
  const std::string text = ResumeFile::to_text(points);
  CHECK(text == "a/#\te t 1:2\nb c\te u\n");
  CHECK(ResumeFile::parse(text) == points);
  CHECK(ResumeFile::parse("") == ResumeFile::Points{});
  for (const char* wrong : {"a/#\te t", "\te t\n", "a/# e t\n", "a\t\n", "hello\n", "\n"}) {
    CHECK_MESSAGE(!ResumeFile::parse(wrong), wrong);
  }
}
