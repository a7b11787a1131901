// Under ThreadSanitizer: forms of different threads share nothing, though libprotobuf's descriptors are made lazily.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "proto/json_form.h"
#include "proto/proto_form.h"

using namespace ringcast::proto;

namespace {

using Encoding = std::vector<std::uint8_t>;

// Reads and writes what the library does, in both forms; how much of it was as it should be.
int run() {
  const Subscribe subscribe{.id = 1, .filter = "ticker/#", .start = Start::last_values};
  const std::array<std::string_view, 1> features{"credit"};
  const Welcome welcome{.id = 2, .epoch = "0123456789abcdef", .features = features};
  ProtoForm proto;
  JsonForm json;
  Encoding out;
  int good = 0;
  for (int i = 0; i < 200; ++i) {
    ProtoForm::write(Request(subscribe), out);
    const auto request = proto.read_request(out);
    good += request && std::get<Subscribe>(*request).filter == "ticker/#" ? 1 : 0;
    JsonForm::write(Request(subscribe), out);
    good += json.read_request(out) ? 1 : 0;
    ProtoForm::write(Event(welcome), out);
    good += proto.read_event(out) ? 1 : 0;
    JsonForm::write(Event(welcome), out);
    const auto event = json.read_event(out);
    good += event && std::get<Welcome>(*event).features.size() == 1 ? 1 : 0;
    out.resize(out.size() / 2);
    good += json.read_event(out) ? 0 : 1;
  }
  return good;
}

}  // namespace

TEST_CASE("forms of different threads work side by side from the first call on") {
  std::array<int, 4> good{};
  {
    std::array<std::jthread, 4> threads;
    for (std::size_t i = 0; i < threads.size(); ++i) {
      threads[i] = std::jthread([&one = good[i]] { one = run(); });
    }
  }
  for (const int one : good) CHECK(one == 1000);
}
