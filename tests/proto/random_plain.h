// RandomPlain: requests and events from a seed, for tests of what must hold for all of them.
//
// Small numbers, empty texts and the largest of each are as likely as what is between. Results borrow from the object
// until its next call.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "proto/event.h"
#include "proto/request.h"

namespace ringcast::proto::test {

class RandomPlain {
 public:
  // `integer_max`: JSON has no larger ones than kJsonIntegerMax.
  RandomPlain(std::uint32_t seed, std::uint64_t integer_max) : random_(seed), integer_max_(integer_max) {}

  // Of any kind; valid.
  [[nodiscard]] Request request();
  [[nodiscard]] Event event();

  [[nodiscard]] std::uint64_t below(std::uint64_t end) { return random_() % end; }

 private:
  [[nodiscard]] bool coin() { return below(2) == 0; }
  [[nodiscard]] std::uint64_t integer(std::uint64_t max);
  [[nodiscard]] std::uint64_t integer() { return integer(integer_max_); }
  [[nodiscard]] std::uint32_t integer32() { return static_cast<std::uint32_t>(integer(UINT32_MAX)); }
  [[nodiscard]] std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }
  [[nodiscard]] std::string_view text(std::uint64_t characters_max);
  [[nodiscard]] std::string_view json();
  [[nodiscard]] std::string_view headers();
  [[nodiscard]] std::span<const std::string_view> texts();
  template <class PublishOrMessage>
  void fill_content(PublishOrMessage& message);
  [[nodiscard]] Publish publish();
  template <class SubscribeOrChange>
  void fill_delivery(SubscribeOrChange& request);
  [[nodiscard]] std::span<const OriginPosition> positions();
  [[nodiscard]] Subscribe subscribe();
  [[nodiscard]] Change change();
  [[nodiscard]] Lag lag();
  [[nodiscard]] Message message();
  [[nodiscard]] Welcome welcome();

  std::mt19937_64 random_;
  std::uint64_t integer_max_;
  std::deque<std::string> kept_;
  std::vector<std::string_view> texts_;
  std::vector<std::uint64_t> numbers_;
  std::vector<OriginPosition> positions_;
  std::vector<LagRange> ranges_;
  std::vector<Publish> batch_;
};

}  // namespace ringcast::proto::test
