// Identity: who a connection is, and what it may do. Every decision about a topic asks here.
//
// Today there is one identity, the anonymous one, which may do what the broker's own names allow. Tokens and
// certificates will give others; nothing else changes then.
#pragma once

#include <string>
#include <string_view>

#include "topics/name.h"

namespace ringcast::broker {

struct Identity {
  std::string subject;  // empty: anonymous

  // The broker's own topics are published by the broker alone.
  [[nodiscard]] bool may_publish(std::string_view topic) const noexcept { return !topics::is_reserved(topic); }
  [[nodiscard]] bool may_subscribe(std::string_view) const noexcept { return true; }
};

}  // namespace ringcast::broker
