// show(): requests and events as text, everything in them, for tests that compare and print them. Headers by name.
#pragma once

#include <string>

#include "proto/event.h"
#include "proto/request.h"

namespace ringcast::proto::test {

[[nodiscard]] std::string show(const Request& request);
[[nodiscard]] std::string show(const Event& event);

}  // namespace ringcast::proto::test
