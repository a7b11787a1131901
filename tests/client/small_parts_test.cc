// Backoff, Base64, Lines, ProgressLine, Random: parts too small for a file of tests each.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "client/backoff.h"
#include "client/base64.h"
#include "client/lines.h"
#include "client/progress_line.h"
#include "client/random.h"

using namespace ringcast;
using namespace ringcast::client;

TEST_CASE("Backoff waits at random up to a limit that doubles, never zero, and starts again after a reset") {
  Backoff least;
  Backoff most;
  std::int64_t limit = Backoff::kFirstMaxMs;
  for (int i = 0; i < 12; ++i) {
    CHECK(least.next_ms(0.0) == Backoff::kDelayMinMs);
    const std::int64_t delay = most.next_ms(0.999999);
    CHECK(delay > limit * 99 / 100);
    CHECK(delay <= limit);
    limit = std::min(2 * limit, Backoff::kDelayMaxMs);
  }
  most.reset();
  CHECK(most.next_ms(0.999999) <= Backoff::kFirstMaxMs);
}

TEST_CASE("append_base64 gives RFC 4648 §10's test vectors") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xef\xbe", "/+++"}};
  for (const auto& [plain, encoded] : vectors) {
    std::string out;
    append_base64(out, frame::as_bytes(plain));
    CHECK(out == encoded);
  }
}

TEST_CASE("Lines gives the same lines whole, byte by byte and cut at every place, the last one without a line feed") {
  const std::string text = "one\n\nthree \r\nlast";
  const std::vector<std::string> expected{"one", "", "three \r", "last"};
  const auto run = [&text](std::size_t cut, std::size_t piece) {
    Lines lines;
    std::vector<std::string> out;
    const auto drain = [&] {
      while (const auto line = lines.next()) out.emplace_back(*line);
    };
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = at == 0 && cut > 0 ? cut : piece;
      lines.add(std::string_view(text).substr(at, size));
      at += size;
      drain();
      CHECK_FALSE(lines.done());
    }
    lines.end();
    drain();
    CHECK(lines.done());
    return out;
  };
  CHECK(run(0, text.size()) == expected);
  CHECK(run(0, 1) == expected);
  for (std::size_t cut = 1; cut < text.size(); ++cut) CHECK(run(cut, text.size()) == expected);
}

TEST_CASE("Lines of an input that is empty, or ends with a line feed, has no line more") {
  Lines empty;
  empty.end();
  CHECK_FALSE(empty.next().has_value());
  CHECK(empty.done());
  Lines one;
  one.add("x\n");
  one.end();
  CHECK(one.next() == "x");
  CHECK(one.done());
}

TEST_CASE("count_text and with_commas read as a person writes") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(1234567) == "1,234,567");
  CHECK(count_text(1, 0) == "1 message in 0.0 s");
  CHECK(count_text(2500, 2500) == "2,500 messages in 2.5 s (1,000/s)");
}

TEST_CASE("Random gives other masks and nonces each time, and numbers over all of [0, 1)") {
  Random random;
  std::set<frame::MaskKey> masks;
  std::set<frame::Nonce> nonces;
  double sum = 0;
  for (int i = 0; i < 2000; ++i) {  // through several pools
    masks.insert(random.mask());
    nonces.insert(random.nonce());
    const double number = random.uniform();
    CHECK(number >= 0);
    CHECK(number < 1);
    sum += number;
  }
  CHECK(masks.size() > 1990);
  CHECK(nonces.size() == 2000);
  CHECK(sum > 900);
  CHECK(sum < 1100);
}
