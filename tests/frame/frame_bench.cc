// frame_bench [ROUNDS]: nanoseconds per message to unmask, to check as UTF-8, to deflate and to inflate, each beside
// the naive loop where there is one: of 30 turns of so many rounds the fastest. 1,000 rounds by default; ctest runs it
// with one, to see that it runs.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "frame/deflate.h"
#include "frame/inflate.h"
#include "frame/mask.h"
#include "frame/utf8.h"

namespace {

using namespace ringcast::frame;

constexpr int kTurns = 30;  // the fastest one counts: what else the machine does only makes it slower
constexpr std::size_t kSizes[] = {16, 128, 1024, 4096, 65536};

std::uint64_t checksum = 0;  // so that nothing is optimised away

template <class Work>
double nanoseconds(int rounds, Work work) {
  double best = 1e300;
  for (int turn = 0; turn < kTurns; ++turn) {
    const auto begin = std::chrono::steady_clock::now();
    for (int round = 0; round < rounds; ++round) checksum += work();
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
    best = std::min(best, taken.count() / rounds);
  }
  return best;
}

std::string repeated(std::string_view unit, std::size_t size) {
  std::string out;
  while (out.size() < size) out += unit;
  return out;
}

std::string json(std::size_t size) {
  std::string out = "[";
  for (std::uint32_t i = 1; out.size() < size; ++i) {
    const std::uint32_t noise = i * 2654435761U;
    out += "{\"symbol\":\"SYM" + std::to_string(noise % 500) + "\",\"price\":" + std::to_string(noise % 99991) +
           ",\"side\":\"buy\"},";
  }
  out.resize(size);
  return out;
}

void mask_naively(std::string& bytes, const MaskKey& key) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(static_cast<std::uint8_t>(bytes[i]) ^ key[i % 4]);
  }
}

void bench_mask(int rounds) {
  constexpr MaskKey kKey{0x37, 0xfa, 0x21, 0x3d};
  for (const std::size_t size : kSizes) {
    std::string bytes(size, 'x');
    const double fast = nanoseconds(rounds, [&] {
      mask({reinterpret_cast<std::uint8_t*>(bytes.data()), size}, kKey, 1);
      return static_cast<std::uint64_t>(bytes[0]);
    });
    const double naive = nanoseconds(rounds, [&] {
      mask_naively(bytes, kKey);
      return static_cast<std::uint64_t>(bytes[0]);
    });
    std::printf("mask           %6zu B %10.1f ns, naive %10.1f ns\n", size, fast, naive);
  }
}

// RFC 3629 §4, a character at a time.
bool is_utf8_naively(Bytes text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::uint8_t lead = text[at];
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || text.size() - at < size) return false;
    for (std::size_t i = 1; i < size; ++i) {
      if ((text[at + i] & 0xc0) != 0x80) return false;
    }
    if ((lead == 0xe0 && text[at + 1] < 0xa0) || (lead == 0xed && text[at + 1] > 0x9f)) return false;
    if ((lead == 0xf0 && text[at + 1] < 0x90) || (lead == 0xf4 && text[at + 1] > 0x8f)) return false;
    at += size;
  }
  return true;
}

void bench_utf8(int rounds) {
  struct Sample {
    const char* name;
    std::string_view unit;
  };
  constexpr Sample kSamples[] = {{"ASCII", "{\"px\":191.25,\"qty\":300},"},
                                 {"German", "Gr\u00fc\u00dfe aus K\u00f6ln, 19,2 \u20ac; "},
                                 {"Japanese", "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8"}};
  for (const Sample& sample : kSamples) {
    for (const std::size_t size : kSizes) {
      const std::string text = repeated(sample.unit, size);
      const double fast = nanoseconds(rounds, [&] { return std::uint64_t{is_utf8(as_bytes(text))}; });
      const double naive = nanoseconds(rounds, [&] { return std::uint64_t{is_utf8_naively(as_bytes(text))}; });
      std::printf("utf8 %-9s %6zu B %10.1f ns, naive %10.1f ns\n", sample.name, text.size(), fast, naive);
    }
  }
}

void bench_deflate(int rounds) {
  for (const std::size_t size : kSizes) {
    const std::string text = json(size);
    Deflater deflater({});
    Inflater inflater({});
    const int fewer = std::max(1, rounds * 100 / static_cast<int>(size + 100));
    const double compress = nanoseconds(fewer, [&] { return deflater.deflate(as_bytes(text)).size(); });
    const std::string deflated(as_text(deflater.deflate(as_bytes(text))));
    const double expand = nanoseconds(fewer, [&] {
      return inflater.inflate(as_bytes(deflated), {.content = Inflater::Content::text, .size_max = size})->size();
    });
    std::printf("deflate        %6zu B %10.1f ns to %zu B, inflate %10.1f ns\n", size, compress, deflated.size(),
                expand);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1000;
  bench_mask(rounds);
  bench_utf8(rounds);
  bench_deflate(rounds);
  std::printf("checksum %llu\n", static_cast<unsigned long long>(checksum));
}
