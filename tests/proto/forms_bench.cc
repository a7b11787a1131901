// forms_bench [ROUNDS]: nanoseconds per request read and per event written, in both forms: of 200 turns of so many
// rounds the fastest. 1,000 rounds by default; ctest runs it with one, to see that it runs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "proto/headers.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"
#include "proto/wire_reader.h"

namespace {

using namespace ringcast::proto;

constexpr int kTurns = 200;  // the fastest one counts: what else the machine does only makes it slower

// What is published and delivered, by what is hard about it.
struct Sample {
  const char* name;
  Format format;
  std::string payload;
  std::string headers;
};

std::string json_payload() {
  return R"({"symbol":"AAPL","price":191.2,"size":300,"bid":191.19,"ask":191.21,"time":1763720000000,"venue":"Q"})";
}

std::vector<Sample> samples() {
  std::string headers;
  append_header({"trace", "00-4bf92f3577b34da6a3ce929d0e0e4736-01"}, headers);
  append_header({"source", "desk-7"}, headers);
  std::string lines;
  for (int i = 0; i < 12; ++i) lines += "a line of text\n";
  return {{"JSON, 100 B", Format::json, json_payload(), ""},
          {"JSON, 100 B, two headers", Format::json, json_payload(), headers},
          {"text, 180 B, 12 escapes", Format::text, lines, ""},
          {"text, 4 KiB", Format::text, std::string(4096, 'x'), ""},
          {"binary, 100 B", Format::binary, std::string(100, '\xa5'), ""},
          {"binary, 4 KiB", Format::binary, std::string(4096, '\xa5'), ""}};
}

template <class Work>
double nanoseconds(int rounds, Work work) {
  double best = 1e300;
  for (int turn = 0; turn < kTurns; ++turn) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i) work();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count() / rounds);
  }
  return best;
}

struct Figures {
  double read = 0;
  double write = 0;
};

std::uint64_t checksum = 0;  // of what was done, so that it is done

template <class Form>
Figures measure(const Sample& sample, int rounds) {
  const Publish publish{.id = 7,
                        .topic = "ticker/nasdaq/AAPL",
                        .format = sample.format,
                        .headers = sample.headers,
                        .payload = as_bytes(sample.payload),
                        .producer_seq = 100'007};
  const Message message{.seq = 812'345,
                        .topic = "ticker/nasdaq/AAPL",
                        .format = sample.format,
                        .headers = sample.headers,
                        .payload = as_bytes(sample.payload),
                        .origin = 3,
                        .position = 31'415'926,
                        .time_us = 1'763'720'000'000'000};
  std::vector<std::uint8_t> in;
  std::vector<std::uint8_t> out;
  Form::write(publish, in);
  Form form;
  return {.read = nanoseconds(rounds,
                              [&] {
                                const auto request = form.read_request(in);
                                checksum += std::get<Publish>(*request).payload.size();
                              }),
          .write = nanoseconds(rounds, [&] {
            Form::write(message, out);
            checksum += out.size();
          })};
}

template <class Form>
Figures measure_ack(int rounds) {
  const Ack ack{.id = 7, .seq = 812'345, .origin = 3, .position = 31'415'926, .time_us = 1'763'720'000'000'000};
  std::vector<std::uint8_t> in;
  std::vector<std::uint8_t> out;
  Form::write(ack, in);
  Form form;
  return {.read = nanoseconds(rounds,
                              [&] {
                                const auto event = form.read_event(in);
                                checksum += std::get<Ack>(*event).seq;
                              }),
          .write = nanoseconds(rounds, [&] {
            Form::write(ack, out);
            checksum += out.size();
          })};
}

void print(const char* name, const Figures& wire, const Figures& json) {
  std::printf("%-26s %10.0f %10.0f %10.0f %10.0f\n", name, wire.read, wire.write, json.read, json.write);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1'000;
  std::printf("%-26s %10s %10s %10s %10s\n", "ns: read publish, write", "proto read", "write", "JSON read", "write");
  for (const Sample& sample : samples()) {
    print(sample.name, measure<ProtoForm>(sample, rounds), measure<JsonForm>(sample, rounds));
  }
  print("ack, read by a client", measure_ack<ProtoForm>(rounds), measure_ack<JsonForm>(rounds));
  return checksum == 0 ? 1 : 0;
}
