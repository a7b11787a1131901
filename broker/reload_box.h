// ReloadBox: how the operators' thread asks main's for a reload, and learns what came of it.
//
// Threads: ask() and take() are the operators' thread's, begin() and end() main's. A short lock; no shard comes here.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace ringcast::broker {

class ReloadBox {
 public:
  struct Result {
    bool applied = false;
    std::string json;  // report_json()
  };

  // The number of the wish; main is to be woken.
  [[nodiscard]] std::uint64_t ask() {
    const std::lock_guard lock(mutex_);
    return ++asked_;
  }
  // What came of that wish; nothing: not yet. One reload may answer several.
  [[nodiscard]] std::optional<Result> result(std::uint64_t wish) {
    const std::lock_guard lock(mutex_);
    if (done_ < wish) return std::nullopt;
    return result_;
  }

  // A reload begins: the wishes that it answers, for end().
  [[nodiscard]] std::uint64_t begin() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  void end(std::uint64_t wishes, Result result) {
    const std::lock_guard lock(mutex_);
    done_ = wishes;
    result_ = std::move(result);
  }

 private:
  std::mutex mutex_;
  std::uint64_t asked_ = 0;
  std::uint64_t done_ = 0;
  Result result_;
};

}  // namespace ringcast::broker
