#include "tests/frame/naive_inflate.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace ringcast::frame {

namespace {

constexpr std::size_t kDistanceMax = 32768;

// Reads bits; throws away nothing. Past the end it says so and gives zeros.
class BitReader {
 public:
  explicit BitReader(std::string_view text) : text_(text) {}

  unsigned bit() {
    if (at_ / 8 >= text_.size()) {
      over_ = true;
      return 0;
    }
    const unsigned byte = static_cast<unsigned char>(text_[at_ / 8]);
    const unsigned bit = byte >> (at_ % 8) & 1U;
    ++at_;
    return bit;
  }

  unsigned number(unsigned count) {
    unsigned value = 0;
    for (unsigned i = 0; i < count; ++i) value |= bit() << i;
    return value;
  }

  void align() { at_ = (at_ + 7) / 8 * 8; }
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] bool at_end() const { return at_ == text_.size() * 8; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool over_ = false;
};

// A canonical code from the lengths of its codes (§3.2.2), read by comparing with every code there is.
class Code {
 public:
  enum class Kind { lengths, symbols };

  // Whether the lengths make a code: neither too many nor too few codes. A code of one symbol, or of none, may be there
  // for literals and distances (§3.2.7), but not for code lengths, where zlib wants a whole one.
  [[nodiscard]] bool make(std::vector<unsigned> lengths, Kind kind) {
    lengths_ = std::move(lengths);
    std::array<unsigned, 16> count{};
    for (const unsigned length : lengths_) ++count[length];
    count[0] = 0;
    int left = 1;
    unsigned longest = 0;
    std::array<unsigned, 17> next{};
    for (unsigned length = 1; length < 16; ++length) {
      left = left * 2 - static_cast<int>(count[length]);
      if (left < 0) return false;
      next[length + 1] = (next[length] + count[length]) << 1U;
      if (count[length] > 0) longest = length;
    }
    if (left > 0 && longest > 0 && (kind == Kind::lengths || longest != 1)) return false;
    if (longest == 0 && kind == Kind::lengths) return false;
    codes_.assign(lengths_.size(), 0);
    for (std::size_t symbol = 0; symbol < lengths_.size(); ++symbol) {
      if (lengths_[symbol] > 0) codes_[symbol] = next[lengths_[symbol]]++;
    }
    return true;
  }

  std::optional<unsigned> read(BitReader& in) const {
    unsigned code = 0;
    for (unsigned length = 1; length < 16; ++length) {
      code = code << 1U | in.bit();
      for (std::size_t symbol = 0; symbol < lengths_.size(); ++symbol) {
        if (lengths_[symbol] == length && codes_[symbol] == code) return static_cast<unsigned>(symbol);
      }
    }
    return std::nullopt;
  }

 private:
  std::vector<unsigned> lengths_;
  std::vector<unsigned> codes_;
};

struct Codes {
  Code literals;
  Code distances;
};

Codes fixed_codes() {
  std::vector<unsigned> lengths(288, 8);
  std::fill(lengths.begin() + 144, lengths.begin() + 256, 9U);
  std::fill(lengths.begin() + 256, lengths.begin() + 280, 7U);
  Codes codes;
  (void)codes.literals.make(lengths, Code::Kind::symbols);
  (void)codes.distances.make(std::vector<unsigned>(32, 5), Code::Kind::symbols);
  return codes;
}

// §3.2.7.
std::optional<Codes> read_codes(BitReader& in) {
  const unsigned literals = in.number(5) + 257;
  const unsigned distances = in.number(5) + 1;
  const unsigned sizes = in.number(4) + 4;
  if (literals > 286 || distances > 30) return std::nullopt;
  constexpr std::array<unsigned, 19> kOrder{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  std::vector<unsigned> size_lengths(19, 0);
  for (unsigned i = 0; i < sizes; ++i) size_lengths[kOrder[i]] = in.number(3);
  Code sizes_code;
  if (!sizes_code.make(size_lengths, Code::Kind::lengths)) return std::nullopt;
  std::vector<unsigned> lengths;
  while (lengths.size() < literals + distances) {
    const auto symbol = sizes_code.read(in);
    if (!symbol || in.over()) return std::nullopt;
    if (*symbol < 16) {
      lengths.push_back(*symbol);
      continue;
    }
    if (*symbol == 16 && lengths.empty()) return std::nullopt;
    const unsigned repeated = *symbol == 16 ? lengths.back() : 0;
    const unsigned times = *symbol == 16 ? 3 + in.number(2) : *symbol == 17 ? 3 + in.number(3) : 11 + in.number(7);
    lengths.insert(lengths.end(), times, repeated);
  }
  if (lengths.size() > literals + distances || lengths[256] == 0) return std::nullopt;
  const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(literals);
  Codes codes;
  if (!codes.literals.make({lengths.begin(), middle}, Code::Kind::symbols)) return std::nullopt;
  if (!codes.distances.make({middle, lengths.end()}, Code::Kind::symbols)) return std::nullopt;
  return codes;
}

// §3.2.5.
bool copy_match(BitReader& in, const Codes& codes, unsigned symbol, std::string& out) {
  if (symbol > 285) return false;
  unsigned length = symbol == 285 ? 258 : symbol - 254;
  if (symbol >= 265 && symbol < 285) {
    const unsigned extra = (symbol - 261) / 4;
    length = (((symbol - 265) % 4 + 4) << extra) + 3 + in.number(extra);
  }
  const auto code = codes.distances.read(in);
  if (!code || *code > 29) return false;
  std::size_t distance = *code + 1;
  if (*code >= 4) {
    const unsigned extra = *code / 2 - 1;
    distance = ((2 + *code % 2) << extra) + 1 + in.number(extra);
  }
  if (distance > out.size() || distance > kDistanceMax) return false;
  for (unsigned i = 0; i < length; ++i) out.push_back(out[out.size() - distance]);
  return true;
}

bool read_block(BitReader& in, const Codes& codes, std::string& out) {
  for (;;) {
    const auto symbol = codes.literals.read(in);
    if (!symbol || in.over()) return false;
    if (*symbol == 256) return true;
    if (*symbol < 256) {
      out.push_back(static_cast<char>(*symbol));
    } else if (!copy_match(in, codes, *symbol, out) || in.over()) {
      return false;
    }
  }
}

bool read_stored(BitReader& in, std::string& out) {
  in.align();
  const unsigned size = in.number(16);
  const unsigned check = in.number(16);
  if ((size ^ check) != 0xffff || in.over()) return false;
  for (unsigned i = 0; i < size && !in.over(); ++i) out.push_back(static_cast<char>(in.number(8)));
  return !in.over();
}

// All blocks of `text`, of which the last must end at its end.
bool read_blocks(std::string_view text, std::string& out) {
  BitReader in(text);
  while (!in.at_end()) {
    const unsigned last = in.bit();
    const unsigned type = in.number(2);
    if (in.over()) return false;
    bool read = false;
    if (type == 0) read = read_stored(in, out);
    if (type == 1) read = read_block(in, fixed_codes(), out);
    if (type == 2) {
      const auto codes = read_codes(in);
      read = codes && read_block(in, *codes, out);
    }
    if (!read) return false;
    if (last == 1) in.align();
  }
  return true;
}

}  // namespace

std::optional<std::string> naive_inflate(std::string_view payload, std::string_view window) {
  for (const std::string& whole : {std::string(payload), std::string(payload) + std::string("\0\0\xff\xff", 4)}) {
    std::string out(window);
    if (read_blocks(whole, out)) return out.substr(window.size());
  }
  return std::nullopt;
}

BitWriter& BitWriter::bits(unsigned value, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    if (used_ == 8) {
      text_.push_back('\0');
      used_ = 0;
    }
    text_.back() = static_cast<char>(static_cast<unsigned char>(text_.back()) | (value >> i & 1U) << used_);
    ++used_;
  }
  return *this;
}

BitWriter& BitWriter::code(unsigned value, unsigned count) {
  for (unsigned i = count; i > 0; --i) bits(value >> (i - 1) & 1U, 1);
  return *this;
}

BitWriter& BitWriter::fixed(unsigned symbol) {
  if (symbol < 144) return code(0x30 + symbol, 8);
  if (symbol < 256) return code(0x190 + symbol - 144, 9);
  if (symbol < 280) return code(symbol - 256, 7);
  return code(0xc0 + symbol - 280, 8);
}

BitWriter& BitWriter::align() {
  used_ = 8;
  return *this;
}

BitWriter& BitWriter::raw(std::string_view bytes) {
  align();
  text_ += bytes;
  return *this;
}

BitWriter& BitWriter::stored(std::string_view bytes, unsigned bfinal) {
  header(bfinal, 0).align();
  const auto size = static_cast<unsigned>(bytes.size());
  bits(size, 16).bits(~size & 0xffffU, 16);
  return raw(bytes);
}

}  // namespace ringcast::frame
