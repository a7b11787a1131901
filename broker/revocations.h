// Revocations: tokens and subjects that are let in no more though their tokens are valid. Pure.
//
// Text form, one a line: `sub:NAME` or `jti:ID`; empty lines and those that begin with # say nothing.
#pragma once

#include <cstddef>
#include <expected>
#include <set>
#include <string>
#include <string_view>

namespace ringcast::broker {

inline constexpr std::size_t kRevocationsMax = 100'000;  // in all; longer lists want shorter-lived tokens

class Revocations {
 public:
  // Adds what a line's text says. The error is a sentence.
  [[nodiscard]] std::expected<void, std::string> add(std::string_view entry);
  // Whether it was there.
  bool remove(std::string_view entry);
  // Adds all lines of a file's text; the error names the line.
  [[nodiscard]] std::expected<void, std::string> add_lines(std::string_view text);
  // Adds what `other` has, up to the limit.
  void add_all(const Revocations& other);

  [[nodiscard]] bool has(std::string_view subject, std::string_view token_id) const;
  [[nodiscard]] const std::set<std::string, std::less<>>& entries() const noexcept { return entries_; }

 private:
  std::set<std::string, std::less<>> entries_;  // as they are written: "sub:ann"
};

}  // namespace ringcast::broker
