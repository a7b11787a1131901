#include "perf/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

using ringcast::perf::Histogram;

TEST_CASE("Histogram's quantiles are within one percent of the sorted values, whatever their size") {
  std::mt19937_64 random(1);
  for (const int bits : {4, 8, 16, 24, 32, 40}) {
    CAPTURE(bits);
    const auto histogram = std::make_unique<Histogram>();
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 5000; ++i) {
      values.push_back(random() >> (64 - bits));
      histogram->record(values.back());
    }
    std::ranges::sort(values);
    for (const double quantile : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const std::uint64_t exact = values[static_cast<std::size_t>(std::ceil(quantile * 5000)) - 1];
      const std::uint64_t told = histogram->quantile(quantile);
      CHECK(told >= exact);
      CHECK(static_cast<double>(told) <= static_cast<double>(exact) * 1.01);
    }
    CHECK(histogram->max() == values.back());
    CHECK(histogram->count() == 5000);
  }
}

TEST_CASE("Histogram keeps every value at the edges of its buckets in order") {
  for (int bit = 0; bit < 43; ++bit) {
    for (const std::int64_t step : {-1, 0, 1}) {
      const std::uint64_t value = (std::uint64_t{1} << bit) + static_cast<std::uint64_t>(step);
      const auto histogram = std::make_unique<Histogram>();
      histogram->record(value);
      histogram->record(Histogram::kValueMax);
      CHECK(histogram->quantile(0.5) >= value);
      CHECK(static_cast<double>(histogram->quantile(0.5)) <= static_cast<double>(value) * 1.01);
    }
  }
}

TEST_CASE("Histogram is empty at first and after a reset, and counts what is too long as the longest") {
  const auto histogram = std::make_unique<Histogram>();
  CHECK(histogram->quantile(0.99) == 0);
  histogram->record(Histogram::kValueMax + 1);
  CHECK(histogram->max() == Histogram::kValueMax);
  CHECK(histogram->quantile(0.5) == Histogram::kValueMax);
  histogram->reset();
  CHECK(histogram->count() == 0);
  CHECK(histogram->quantile(1) == 0);
}
