#include "broker/journal.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "broker/journal_ring.h"
#include "broker/reporter.h"

namespace ringcast::broker {
namespace {

using Kind = Journal::Kind;

constexpr SlotId kSomebody{.index = 7, .generation = 3};

// A reporter's lines, as the log would write them.
struct ReportedLines {
  std::vector<std::string> lines;
  Reporter reporter{[this](LogLevel level, std::string_view text, std::span<const LogField> fields) {
    constexpr std::array<const char*, 4> kNames{"debug ", "info ", "warning ", "error "};
    lines.push_back(kNames[static_cast<std::size_t>(level)] + log_line(LogFormat::text, text, fields));
  }};
};

TEST_CASE("of each kind so many entries a second are told, and then how many more there were") {
  Journal journal;
  journal.set_now({5'000});
  for (int i = 0; i < 25; ++i) journal.note({.kind = Kind::degraded, .slot = kSomebody});
  journal.note({.kind = Kind::skipped, .slot = kSomebody});
  CHECK(journal.settle().size() == Journal::kPerSecond + 1);
  journal.settle().clear();
  CHECK(journal.any());  // somebody must come back when the second is over
  journal.set_now({5'999});
  CHECK(journal.settle().empty());
  journal.set_now({6'000});
  REQUIRE(journal.settle().size() == 1);
  CHECK(journal.settle()[0].kind == Kind::degraded);
  CHECK(journal.settle()[0].more == 15);
  journal.settle().clear();
  CHECK_FALSE(journal.any());
  for (std::uint32_t i = 0; i < Journal::kPerSecond; ++i) journal.note({.kind = Kind::degraded});
  CHECK(journal.settle().size() == Journal::kPerSecond);  // a new second, and all of it
}

TEST_CASE("every event is told or counted, whatever their times are") {
  std::uint64_t told = 0;
  std::uint64_t counted = 0;
  std::uint64_t noted = 0;
  Journal journal;
  std::uint32_t random = 20'261'122;
  for (std::int64_t ms = 0; ms < 60'000; ms += random % 300) {
    random = random * 1'664'525 + 1'013'904'223;
    journal.set_now({ms});
    for (std::uint32_t i = random >> 28; i > 0; --i, ++noted) journal.note({.kind = Kind::fault});
    for (const Journal::Entry& entry : journal.settle())
      (entry.more > 0 ? counted : told) += std::max<std::uint64_t>(entry.more, 1);
    journal.settle().clear();
  }
  journal.set_now({100'000});
  for (const Journal::Entry& entry : journal.settle()) counted += entry.more;
  CHECK(told + counted == noted);
  CHECK(told <= 61 * Journal::kPerSecond);
  CHECK(told >= 50 * Journal::kPerSecond);
}

TEST_CASE("a close is a fault by its code and a reason of ours, and told once") {
  struct Row {
    std::uint16_t code;
    const char* reason;
    bool told;
  };
  for (const auto& [code, reason, told] : std::initializer_list<Row>{{1002, "reserved bits", true},
                                                                     {1009, "too big", true},
                                                                     {4409, "fenced", true},
                                                                     {4000, "", false},  // the peer's own code
                                                                     {1000, "done", false},
                                                                     {1001, "the page goes", false},
                                                                     {1012, "the broker restarts", false}}) {
    CAPTURE(code);
    Journal journal;
    journal.close(kSomebody, ConnectionKind::raw, code, reason);
    CHECK(journal.settle().size() == (told ? 1 : 0));
  }
  Journal journal;
  journal.note_end({.kind = Kind::kicked, .slot = kSomebody, .code = 1008});
  journal.close(kSomebody, ConnectionKind::raw, 1008, "enough");
  CHECK(journal.settle().size() == 1);
  journal.close(kSomebody, ConnectionKind::raw, 1008, "in another turn");
  CHECK(journal.settle().size() == 2);
}

TEST_CASE("what comes from outside is cut, and a line names the connection by its id") {
  ReportedLines out;
  Journal journal;
  journal.note({.kind = Kind::fault,
                .slot = kSomebody,
                .protocol = ConnectionKind::json,
                .code = 1007,
                .text = std::string(1000, 'x'),
                .filter = "a b\n"});
  REQUIRE(journal.settle().size() == 1);
  Journal::Entry entry = journal.settle()[0];
  CHECK(entry.text.size() == Journal::kTextBytesMax);
  entry.text = "invalid UTF-8";
  entry.peer = "10.0.0.1:5";
  out.reporter.take(2, entry, {0});
  CHECK(out.lines.at(0) ==
        "warning closed for a fault id=2-7-3 protocol=json address=10.0.0.1:5 filter=\"a b\\n\" "
        "code=1007 why=\"invalid UTF-8\"");
}

TEST_CASE("each kind has its line") {
  ReportedLines out;
  for (std::size_t kind = 0; kind < Journal::kKinds; ++kind) {
    out.reporter.take(1, {.kind = static_cast<Kind>(kind), .slot = {}, .count = 3, .bytes = 5, .ms = 6}, {0});
  }
  REQUIRE(out.lines.size() == Journal::kKinds);
  CHECK(out.lines[static_cast<std::size_t>(Kind::stalled)] ==
        "warning stalled: requests wait for room shard=1 for_shards=\"0, 1\" owed_bytes=5 ms=6");
  CHECK(out.lines[static_cast<std::size_t>(Kind::skipped)].find("skipped=3") != std::string::npos);
  std::map<std::string, int> different;
  for (const std::string& line : out.lines) ++different[line];
  CHECK(different.size() == Journal::kKinds);
}

TEST_CASE("of all shards together so many lines a second, then one that says how many more") {
  ReportedLines out;
  for (std::uint32_t shard = 0; shard < 4; ++shard) {
    for (std::uint32_t i = 0; i < Journal::kPerSecond; ++i) out.reporter.take(shard, {.kind = Kind::slow}, {5'100});
    out.reporter.take(shard, {.kind = Kind::slow, .more = 100}, {5'100});
  }
  CHECK(out.lines.size() == Reporter::kPerSecond);
  out.reporter.settle({6'099});
  CHECK(out.lines.size() == Reporter::kPerSecond);
  out.reporter.settle({6'100});
  REQUIRE(out.lines.size() == Reporter::kPerSecond + 1);
  CHECK(out.lines.back() == "warning 420 more like this: closed for being slow more=420");
  out.reporter.settle({9'000});
  CHECK(out.lines.size() == Reporter::kPerSecond + 1);
}

TEST_CASE("entries cross to another thread whole, in order, and those without room are counted") {
  constexpr std::uint64_t kEntries = 20'000;
  JournalRing ring;
  std::uint64_t lost = 0;
  std::uint64_t heard = 0;
  std::uint64_t last = 0;
  bool whole = true;
  std::jthread shard([&] {
    std::vector<Journal::Entry> entries;
    for (std::uint64_t i = 1; i <= kEntries; ++i) {
      entries.push_back({.count = i, .text = std::string(i % 100, 'x')});
      if (i % 7 == 0 || i == kEntries) (void)ring.file(entries);
    }
  });
  while (heard + lost < kEntries) {
    ring.drain([&](const Journal::Entry& entry) {
      whole = whole && entry.count > last && entry.text.size() == entry.count % 100;
      last = entry.count;
      ++heard;
    });
    lost += ring.take_lost();
    std::this_thread::yield();
  }
  CHECK(whole);
  CHECK(heard + lost == kEntries);
}

TEST_CASE("a ring that nobody reads takes as many as it has room for") {
  JournalRing ring;
  std::vector<Journal::Entry> entries(JournalRing::kCapacity + 5);
  CHECK(ring.file(entries));
  CHECK(entries.empty());
  CHECK(ring.take_lost() == 5);
  CHECK(ring.take_lost() == 0);
  CHECK_FALSE(ring.file(entries));
}

}  // namespace
}  // namespace ringcast::broker
