#include "client/machine.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

using namespace ringcast::client;

namespace {

// A /proc of our own, gone with the test.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("ringcast-proc-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_ / "net");
    std::filesystem::create_directories(path_ / "pressure");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }
  [[nodiscard]] std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string payload_of(const std::vector<Reading>& readings, const std::string& topic) {
  const auto found = std::ranges::find(readings, topic, &Reading::topic);
  return found == readings.end() ? std::string() : found->payload;
}

}  // namespace

TEST_CASE("Machine says what changed between two samples") {
  const Folder proc;
  proc.write("stat", "cpu0 0 0 0 100 0 0 0 0\n");
  proc.write("net/dev", " eth0: 1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n");
  proc.write("loadavg", "0.50 0.25 0.10 2/90 1\n");
  Machine machine("host", proc.path());
  const auto first = machine.sample(5'000'000'000, 1000);
  REQUIRE(first.size() == 1);  // no difference to show yet, no memory, no pressure
  CHECK(first[0].topic == "iot/host/load");
  CHECK(
      first[0].payload ==
      R"({"host":"host","sensor":"load","time_ms":1000,"one":0.50,"five":0.25,"fifteen":0.10,"running":2,"threads":90})");

  proc.write("stat", "cpu0 50 0 0 150 0 0 0 0\n");
  proc.write("net/dev", " eth0: 3000 30 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n");
  const auto second = machine.sample(7'000'000'000, 3000);
  CHECK(payload_of(second, "iot/host/cpu/0") == R"({"host":"host","sensor":"cpu/0","time_ms":3000,"load":0.5000})");
  CHECK(payload_of(second, "iot/host/network/eth0") ==
        R"({"host":"host","sensor":"network/eth0","time_ms":3000,"received_bytes_per_second":1000,)"
        R"("sent_bytes_per_second":0,"received_packets_per_second":10,"sent_packets_per_second":0})");
}

TEST_CASE("Machine has nothing to say where there is no /proc") {
  Machine machine("host", "/nonexistent");
  CHECK(machine.sample(1, 1).empty());
  CHECK(machine.sample(2, 2).empty());
}

TEST_CASE("Machine reads the files of the machine it runs on") {
  Machine machine("host");
  static_cast<void>(machine.sample(1'000'000'000, 1));
  const auto readings = machine.sample(2'000'000'000, 2);
  CHECK(payload_of(readings, "iot/host/cpu/0").starts_with(R"({"host":"host","sensor":"cpu/0","time_ms":2,"load":)"));
  CHECK(
      payload_of(readings, "iot/host/memory").starts_with(R"({"host":"host","sensor":"memory","time_ms":2,"total":)"));
}

TEST_CASE("to_topic_level leaves one plain level of any name") {
  CHECK(to_topic_level("web-01.example") == "web-01.example");
  CHECK(to_topic_level("a/b+c#d e\n") == "a_b_c_d_e_");
  CHECK(to_topic_level("$host") == "_host");
  CHECK(to_topic_level("") == "unknown");
  CHECK(to_topic_level(".") == "unknown");
  CHECK(to_topic_level("..") == "unknown");
  CHECK(to_topic_level("...") == "...");
}
