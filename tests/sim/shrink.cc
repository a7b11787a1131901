#include "tests/sim/shrink.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "tests/sim/scenario.h"
#include "tests/sim/trial.h"

namespace ringcast::sim {

namespace {

class Shrinker {
 public:
  Shrinker(const Plan& plan, std::chrono::seconds most)
      : until_(std::chrono::steady_clock::now() + most), best_{.plan = plan, .text = {}} {}

  std::optional<Shrunk> run() {
    if (!fails(best_.plan)) return std::nullopt;
    Scenario scenario = Scenario::of(best_.plan);
    if (!best_.plan.actions) {
      best_.plan.actions.emplace(scenario.actions * scenario.lives);
      std::iota(best_.plan.actions->begin(), best_.plan.actions->end(), std::size_t{0});
    }
    do {
      changed_ = false;
      shrink_actions();
      shrink_values();
    } while (changed_ && has_time());
    best_.actions = best_.plan.actions->size();
    return best_;
  }

 private:
  [[nodiscard]] bool has_time() const { return std::chrono::steady_clock::now() < until_; }

  // Keeps what fails.
  bool fails(const Plan& plan) {
    ++best_.trials;
    auto text = try_plan(plan);
    if (!text) return false;
    best_.plan = plan;
    best_.text = std::move(*text);
    changed_ = true;
    return true;
  }

  // Leaves out runs of them, from the end, shorter and shorter ones.
  void shrink_actions() {
    for (std::size_t size = std::max<std::size_t>(1, best_.plan.actions->size() / 2);; size /= 2) {
      for (std::size_t end = best_.plan.actions->size(); end > 0 && has_time();) {
        const std::size_t begin = end - std::min(end, size);
        Plan smaller = best_.plan;
        smaller.actions->erase(smaller.actions->begin() + static_cast<std::ptrdiff_t>(begin),
                               smaller.actions->begin() + static_cast<std::ptrdiff_t>(end));
        (void)fails(smaller);
        end = begin;
      }
      if (size == 1) return;
    }
  }

  // Each as simple as can be, or else half as far away from that.
  void shrink_values() {
    Scenario scenario = Scenario::of(best_.plan);
    scenario.each_value([&](const char* name, auto& value, auto simplest) {
      const auto now = static_cast<std::uint64_t>(value);
      const auto simple = static_cast<std::uint64_t>(simplest);
      if (now == simple || !has_time() || set(name, simple)) return;
      const std::uint64_t half = now > simple ? simple + (now - simple) / 2 : now + (simple - now) / 2;
      if (half != now && half != simple) (void)set(name, half);
    });
  }

  bool set(const char* name, std::uint64_t value) {
    Plan simpler = best_.plan;
    simpler.values[name] = value;
    return fails(simpler);
  }

  const std::chrono::steady_clock::time_point until_;
  Shrunk best_;
  bool changed_ = false;
};

}  // namespace

std::optional<Shrunk> shrink(const Plan& plan, std::chrono::seconds most) {
  return Shrinker(plan, most).run();
}

}  // namespace ringcast::sim
