// TopView: what `ringcast top` shows, from the answers of the operators' port to lines of text. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace ringcast::client {

// The answers that a picture is made of, as the operators' port gave them.
struct TopAnswers {
  std::string stats;        // /api/v1/stats
  std::string topics;       // /api/v1/topics?sort=rate
  std::string connections;  // /api/v1/connections?sort=lag
  std::string slow;         // /api/v1/slow
};

// Which part comes first, and so has room before the others.
enum class TopFirst : std::uint8_t { shards, topics, connections };

// terminal: the heads of tables stand out.
enum class TopStyle : std::uint8_t { plain, terminal };

struct TopSize {
  std::size_t columns = 80;
  std::size_t rows = 24;  // lines at most
  TopStyle style = TopStyle::plain;
};

// The picture, each line with its end and none longer than size.columns characters. What comes from the broker cannot
// move the cursor. Fails where an answer is not what this version reads.
[[nodiscard]] std::expected<std::string, std::string> draw_top(const TopAnswers& answers, TopFirst first,
                                                               const TopSize& size);

// "1.2M", "340", "12.5K": four characters or so.
[[nodiscard]] std::string short_number(double number);

}  // namespace ringcast::client
