// micro: what each step of a message costs alone: parse, unmask, match, route, encode, queue.
//
//   build/release/micro [--benchmark_filter=match] [--benchmark_format=json]
//
// Google Benchmark's; a message has 128 bytes unless its argument says otherwise. ctest runs each for a moment.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "broker/queue.h"
#include "frame/header.h"
#include "frame/mask.h"
#include "frame/parser.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"
#include "topics/filter_trie.h"
#include "topics/home.h"
#include "topics/name.h"
#include "topics/subscriptions.h"

namespace {

using namespace ringcast;

constexpr topics::HashKey kKey{.k0 = 13, .k1 = 14};
constexpr std::string_view kTopic = "iot/site7/device104/temperature";

std::vector<std::uint8_t> masked_frame(std::size_t payload_size) {
  frame::Header header{.opcode = frame::Opcode::binary, .masked = true, .payload_size = payload_size};
  header.mask = {1, 2, 3, 4};
  std::array<std::uint8_t, frame::kHeaderSizeMax> head;
  const std::size_t head_size = frame::encode_header(header, head);
  std::vector<std::uint8_t> out(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
  out.resize(head_size + payload_size, 0x55);
  return out;
}

std::size_t payload_of(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

// ---- parse, unmask ----

void parse(benchmark::State& state) {
  std::vector<std::uint8_t> in = masked_frame(payload_of(state));
  frame::Parser parser({});
  for (auto _ : state) {
    const frame::Step step = parser.next(in);
    if (step.event.kind != frame::Event::Kind::binary) state.SkipWithError("not parsed");
    benchmark::DoNotOptimize(step.event.payload.data());
  }
}
BENCHMARK(parse)->Arg(32)->Arg(128)->Arg(4096);

void unmask(benchmark::State& state) {
  std::vector<std::uint8_t> payload(payload_of(state), 0x55);
  for (auto _ : state) {
    frame::mask(payload, {1, 2, 3, 4});
    benchmark::ClobberMemory();
  }
}
BENCHMARK(unmask)->Arg(32)->Arg(128)->Arg(4096)->Arg(65536);

// ---- match ----

// So many wildcard filters, of which 1 in 10,000 or so matches kTopic.
std::vector<std::string> wildcards(std::int64_t count) {
  std::vector<std::string> filters;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string site = "iot/site" + std::to_string(i % 97);
    filters.push_back(i % 2 == 0 ? site + "/+/value" + std::to_string(i)
                                 : site + "/device" + std::to_string(i - 1) + "/#");
  }
  return filters;
}

void match(benchmark::State& state) {
  topics::FilterTrie<std::uint32_t> trie(kKey);
  std::uint32_t number = 0;
  for (const std::string& filter : wildcards(state.range(0))) trie.insert(filter).value = ++number;
  for (auto _ : state) {
    std::uint64_t sum = 0;
    trie.match(kTopic, [&](std::uint32_t value) { sum += value; });
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(match)->RangeMultiplier(10)->Range(1, 10'000);

// What match is compared with: each filter is asked.
void match_naively(benchmark::State& state) {
  const std::vector<std::string> filters = wildcards(state.range(0));
  for (auto _ : state) {
    std::int64_t count =
        std::ranges::count_if(filters, [](const std::string& f) { return topics::matches(f, kTopic); });
    benchmark::DoNotOptimize(count);
  }
}
BENCHMARK(match_naively)->RangeMultiplier(10)->Range(1, 10'000);

// ---- route: at the topic's home, then at its subscribers ----

void route_home(benchmark::State& state) {
  topics::MessagePool pool;
  topics::Home home({.key = kKey}, pool);
  home.announce(1, "iot/#");
  const std::vector<std::uint8_t> payload(128, 1);
  std::vector<std::string> names;
  std::vector<std::uint64_t> hashes;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    names.push_back("iot/device" + std::to_string(i));
    hashes.push_back(topics::hash_name(kKey, names.back()));
  }
  std::size_t t = 0;
  for (auto _ : state) {
    const topics::TopicHandle topic = home.find_or_make(names[t], hashes[t]).value();
    topics::Message* const message = pool.make({.topic = names[t], .topic_hash = hashes[t], .payload = payload});
    benchmark::DoNotOptimize(home.sequence(topic, message, 1).interested);
    pool.release(message);
    t = (t + 7919) % names.size();  // a prime: not in the order of memory
  }
}
BENCHMARK(route_home)->RangeMultiplier(10)->Range(1, 100'000);

void route_subscribers(benchmark::State& state) {
  topics::Subscriptions subscriptions({.shards = 1, .key = kKey});
  std::uint32_t slot = 0;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    const auto joined = subscriptions.join(kTopic, {}, {.slot = slot++}).value();
    subscriptions.marker(joined.place, 0);
  }
  const std::uint64_t hash = topics::hash_name(kKey, kTopic);
  const auto members = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (const topics::GroupId group : subscriptions.match(0, {.index = 0}, kTopic, hash)) {
      subscriptions.fan_out(group, 0, 2 * members, [&](topics::Member member) { sum += member.slot; });
    }
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(route_subscribers)->Arg(1)->Arg(1'000);

// ---- encode ----

template <typename Form>
void encode(benchmark::State& state) {
  const std::vector<std::uint8_t> payload(payload_of(state), 'x');
  const proto::Message message{.seq = 1234567,
                               .topic = kTopic,
                               .format = proto::Format::text,
                               .payload = payload,
                               .origin = 3,
                               .position = 7654321,
                               .time_us = 1763720000000000};
  std::vector<std::uint8_t> out;
  for (auto _ : state) {
    Form::write(message, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode<proto::ProtoForm>)->Arg(128)->Arg(4096);
BENCHMARK(encode<proto::JsonForm>)->Arg(128)->Arg(4096);

// ---- queue: a hand-over to another shard, in batches ----

void queue(benchmark::State& state) {
  struct Entry {
    std::array<std::uint64_t, 8> words{};
  };
  broker::Queue<Entry> queue(1024);
  const Entry entry;
  const std::int64_t batch = state.range(0);
  for (auto _ : state) {
    for (std::int64_t i = 0; i < batch; ++i) {
      if (!queue.push(entry)) state.SkipWithError("full");
    }
    queue.flush();
    while (Entry* const front = queue.front()) {
      benchmark::DoNotOptimize(front->words[0]);
      queue.pop();
    }
    benchmark::DoNotOptimize(queue.release());
    queue.reclaim([](const Entry&) {});
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(queue)->Arg(1)->Arg(64);

}  // namespace

BENCHMARK_MAIN();
