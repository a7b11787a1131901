// ResumePoint: up to where a subscription's program was told everything. Part of ringcast.h, and installed beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringcast {

struct Message;
struct SubscriptionEvent;

struct OriginPosition {
  std::uint32_t origin = 0;
  std::uint64_t position = 0;

  friend bool operator==(const OriginPosition&, const OriginPosition&) = default;
};

// A client keeps it while it lives, to go on there after a lost connection. A program that is to go on there when it is
// started again hands every message and event of the subscription to add() once it is done with it, keeps to_text(),
// and gives it back as SubscribeOptions::resume_from.
struct ResumePoint {
  std::string epoch = {};                     // in which the positions count
  std::string token = {};                     // the broker's; empty: none yet
  std::vector<OriginPosition> received = {};  // live messages that were told beyond the token, by origin

  void add(const Message& message);
  void add(const SubscriptionEvent& event);

  // One line, without spaces at its ends; empty without a token.
  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] static std::optional<ResumePoint> from_text(std::string_view text);

  friend bool operator==(const ResumePoint&, const ResumePoint&) = default;
};

}  // namespace ringcast
