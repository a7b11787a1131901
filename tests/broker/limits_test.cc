#include "broker/limits.h"

#include <doctest/doctest.h>

#include <vector>

#include "frame/http_fields.h"

using namespace ringcast;
using namespace ringcast::broker;

namespace {

constexpr Instant kNoon{1'000'000};

struct LimitsBench {
  explicit LimitsBench(const Config& given) : config(given) {}

  Config config;
  Accounts accounts{{1, 2}};
  SessionTable sessions{config};
  Limits limits{&accounts, config, sessions};

  SlotId open() { return sessions.open(kNoon); }
  void release(SlotId slot) {
    sessions.abort(slot);
    limits.released(slot);
    sessions.doomed().clear();
    sessions.release(slot);
  }
  bool stopped(SlotId slot) { return at(slot).stopped; }
  Session& at(SlotId slot) { return sessions.at(slot.index); }
  // A WebSocket of this subject.
  SlotId open_as(std::string_view subject) {
    const SlotId slot = open();
    Identity identity{.subject = std::string(subject), .by = Identity::By::token};
    identity.account = accounts.open("subject: " + std::string(subject));
    at(slot).identity = IdentityRef(std::move(identity));
    sessions.enter(at(slot), Phase::websocket);
    return slot;
  }
};

NetAddress address(std::string_view text) {
  return parse_net_address(text).value();
}

frame::Fields forwarded_for(std::string_view text) {
  frame::Fields fields;
  if (!text.empty()) fields.add({"X-Forwarded-For", text});
  return fields;
}

}  // namespace

TEST_CASE("without limits nothing is asked, counted or refused") {
  LimitsBench bench({});
  CHECK_FALSE(bench.limits.wants_addresses());
  for (int i = 0; i < 100; ++i) CHECK(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon));
  const SlotId slot = bench.open_as("ann");
  CHECK(bench.limits.joined(slot, bench.at(slot), kNoon));
  bench.limits.charge(slot, bench.at(slot), 1'000'000, 1'000'000, kNoon);
  CHECK(bench.limits.may_publish(slot, bench.at(slot), kNoon));
  CHECK(bench.limits.next_deadline() == Instant::never());
}

TEST_CASE("an address has as many connections as it may, and not one more") {
  LimitsBench bench({.address_max_connections = 2});
  std::vector<SlotId> open{bench.open(), bench.open(), bench.open(), bench.open()};
  CHECK(bench.limits.opened(open[0], address("192.0.2.1"), kNoon));
  CHECK(bench.limits.opened(open[1], address("192.0.2.1"), kNoon));
  const auto third = bench.limits.opened(open[2], address("192.0.2.1"), kNoon);
  REQUIRE_FALSE(third);
  CHECK(third.error().name == "too_many_connections");
  CHECK(third.error().wait_s() == 5);
  CHECK(bench.limits.opened(open[3], address("192.0.2.2"), kNoon));
  bench.release(open[2]);  // the refused one was never counted
  CHECK_FALSE(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon));
  bench.release(open[0]);
  CHECK(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon));
  CHECK_FALSE(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon));
}

TEST_CASE("an address begins as many connections a second as it may") {
  LimitsBench bench({.address_max_accepts = 3});
  const auto begins = [&](Instant now) {
    const SlotId slot = bench.open();
    const bool begun = bench.limits.opened(slot, address("192.0.2.1"), now).has_value();
    bench.release(slot);
    return begun;
  };
  for (int i = 0; i < 3; ++i) CHECK(begins(kNoon));
  CHECK_FALSE(begins(kNoon));
  CHECK_FALSE(begins(kNoon + 300));
  CHECK(begins(kNoon + 350));
  CHECK_FALSE(begins(kNoon + 350));
}

TEST_CASE("of many who are refused some are told why") {
  LimitsBench bench({.address_max_connections = 1});
  CHECK(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon));
  std::vector<SlotId> refused;
  for (std::size_t i = 0; i < Limits::kRefusedAtOnceMax; ++i) {
    refused.push_back(bench.open());
    CHECK_FALSE(bench.limits.opened(refused.back(), address("192.0.2.1"), kNoon).error().untold);
  }
  CHECK(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon).error().untold);
  bench.release(refused.front());
  CHECK_FALSE(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon).error().untold);
}

TEST_CASE("a trusted proxy's connection is that of whom it speaks for, request by request") {
  LimitsBench bench({.address_max_connections = 1, .trusted_proxies = {"10.0.0.0/8"}});
  const SlotId one = bench.open();
  const SlotId two = bench.open();
  const SlotId liar = bench.open();
  CHECK(bench.limits.opened(one, address("10.0.0.1"), kNoon));
  CHECK(bench.limits.opened(two, address("10.0.0.1"), kNoon));
  CHECK(bench.limits.opened(liar, address("192.0.2.1"), kNoon));
  const auto speaks = [&](SlotId slot, std::string_view text) {
    return bench.limits.forwarded(slot, forwarded_for(text), false, kNoon).has_value();
  };
  CHECK(speaks(liar, "192.0.2.2"));  // not looked at: 192.0.2.2 has none yet
  CHECK(speaks(one, "192.0.2.2"));
  CHECK(speaks(one, "192.0.2.2"));  // the same one's next request
  CHECK_FALSE(speaks(two, "192.0.2.2"));
  CHECK_FALSE(speaks(two, "192.0.2.1"));  // the liar's own
  CHECK(speaks(one, ""));                 // the proxy itself
  CHECK(speaks(two, "6.6.6.6, 192.0.2.2"));
  bench.release(two);
  CHECK(speaks(one, "192.0.2.2"));
}

TEST_CASE("a subject has as many connections as it may, over all shards") {
  LimitsBench bench({.subject_max_connections = 2});
  Limits other_shard{&bench.accounts, bench.config, bench.sessions};
  const SlotId one = bench.open_as("ann");
  const SlotId two = bench.open_as("ann");
  const SlotId three = bench.open_as("ann");
  const SlotId bob = bench.open_as("bob");
  CHECK(bench.limits.joined(one, bench.at(one), kNoon));
  CHECK(bench.limits.joined(one, bench.at(one), kNoon));  // its token was refreshed
  CHECK(other_shard.joined(two, bench.at(two), kNoon));
  CHECK_FALSE(bench.limits.joined(three, bench.at(three), kNoon));
  CHECK(bench.limits.joined(bob, bench.at(bob), kNoon));
  other_shard.released(two);
  CHECK(bench.limits.joined(three, bench.at(three), kNoon));
  CHECK(bench.limits.counters().refused_connections == 1);
}

TEST_CASE("who publishes more than he may is not read until his time has come") {
  LimitsBench bench({.subject_max_messages = 10});
  const SlotId slot = bench.open_as("ann");
  const SlotId other = bench.open_as("ann");
  for (int i = 0; i < 9; ++i) bench.limits.charge(slot, bench.at(slot), 1, 5, kNoon);
  bench.limits.throttle(slot, bench.at(slot), kNoon);
  CHECK_FALSE(bench.stopped(slot));
  CHECK(bench.limits.may_publish(other, bench.at(other), kNoon));
  bench.limits.charge(slot, bench.at(slot), 1, 5, kNoon);
  bench.limits.throttle(slot, bench.at(slot), kNoon);
  CHECK(bench.stopped(slot));
  CHECK_FALSE(bench.at(slot).may_read());
  const auto refused = bench.limits.may_publish(other, bench.at(other), kNoon);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().name == "too_fast");
  CHECK(refused.error().wait_s() == 1);
  const Instant due = bench.limits.next_deadline();
  CHECK(due > kNoon);
  bench.limits.turn(due + -1);
  CHECK(bench.stopped(slot));
  bench.limits.turn(due);
  CHECK(bench.at(slot).may_read());
  CHECK_FALSE(bench.stopped(slot));
  CHECK(bench.sessions.resumed().size() == 1);
  CHECK(bench.limits.next_deadline() == Instant::never());
}

TEST_CASE("what others of its subject have used up meanwhile makes it wait again") {
  LimitsBench bench({.subject_max_bytes = 100});
  const SlotId slot = bench.open_as("ann");
  bench.limits.charge(slot, bench.at(slot), 1, 100, kNoon);
  bench.limits.throttle(slot, bench.at(slot), kNoon);
  const SlotId other = bench.open_as("ann");
  bench.limits.charge(other, bench.at(other), 1, 100, kNoon);
  const Instant due = bench.limits.next_deadline();
  bench.limits.turn(due);
  CHECK_FALSE(bench.at(slot).may_read());
  CHECK(bench.limits.next_deadline() > due);
  bench.limits.turn(kNoon + 1'100);
  CHECK(bench.at(slot).may_read());
}

TEST_CASE("new limits hold for connections that come from then on, and old ones are still counted") {
  LimitsBench bench({.address_max_connections = 1});
  const SlotId slot = bench.open();
  CHECK(bench.limits.opened(slot, address("192.0.2.1"), kNoon));
  bench.config.address_max_connections = 2;
  bench.limits.configured();
  CHECK(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon));
  CHECK_FALSE(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon));
  bench.config.address_max_connections = 0;
  bench.limits.configured();
  CHECK(bench.limits.opened(bench.open(), address("192.0.2.1"), kNoon));
  bench.release(slot);  // what it held is given back all the same
  CHECK(bench.accounts.open(account_name(address("192.0.2.1")))->connections == 1);
}
