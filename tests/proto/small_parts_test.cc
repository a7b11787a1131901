#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <string>

#include "proto/base64.h"
#include "proto/fault.h"
#include "proto/headers.h"
#include "proto/json_text.h"
#include "proto/wire_reader.h"

using namespace ringcast::proto;

namespace {

std::string base64_of(std::string_view bytes) {
  std::string out(base64_size(bytes.size()), '?');
  encode_base64(as_bytes(bytes), out.data());
  return out;
}

// OpenSSL's, which is not ours.
std::string openssl_base64(std::string_view bytes) {
  std::string out(base64_size(bytes.size()) + 1, '?');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), as_bytes(bytes).data(), static_cast<int>(bytes.size()));
  out.pop_back();
  return out;
}

}  // namespace

TEST_CASE("base64 of every length is OpenSSL's, and reads back") {
  std::string bytes;
  for (int size = 0; size < 300; ++size) {
    REQUIRE(base64_of(bytes) == openssl_base64(bytes));
    std::string decoded = "before";
    REQUIRE(append_decoded_base64(base64_of(bytes), decoded));
    REQUIRE(decoded == "before" + bytes);
    bytes += static_cast<char>(size * 37);
  }
}

TEST_CASE("base64 stands for bytes in one way only: of all texts of four characters, those that read write the same") {
  constexpr std::string_view kSome = "AZaz09+/=BQg_- \n";
  std::string text(4, ' ');
  for (const char a : kSome) {
    for (const char b : kSome) {
      for (const char c : kSome) {
        for (const char d : kSome) {
          text = {a, b, c, d};
          std::string decoded;
          if (append_decoded_base64(text, decoded)) REQUIRE(base64_of(decoded) == text);
        }
      }
    }
  }
}

TEST_CASE("headers read back as they were appended, in order") {
  const HeaderEntry entries[]{{"a", "1"}, {"", ""}, {"name", ""}, {"", "value"}, {"long", std::string_view()}};
  const std::string name(200, 'n');
  const std::string value(20'000, 'v');
  std::string encoded;
  std::size_t size = 0;
  for (const HeaderEntry& entry : entries) {
    append_header(entry, encoded);
    size += encoded_size(entry);
  }
  append_header({name, value}, encoded);
  CHECK(encoded.size() == size + encoded_size({name, value}));
  HeaderReader reader(encoded);
  HeaderEntry read;
  for (const HeaderEntry& entry : entries) {
    REQUIRE(reader.next(read));
    CHECK(read.name == entry.name);
    CHECK(read.value == entry.value);
  }
  REQUIRE(reader.next(read));
  CHECK(read.name == name);
  CHECK(read.value == value);
  CHECK_FALSE(reader.next(read));
  CHECK_FALSE(HeaderReader("").next(read));
}

TEST_CASE("is_utf8 refuses each kind of what is not, short and long") {
  for (const std::size_t before : {0U, 3U, 64U, 100U}) {
    const std::string ascii(before, 'a');
    for (const char* const good : {"", "\x7f", "é", "€", "🦙", "\U0010ffff", "\xef\xbf\xbf"}) {
      CHECK(is_utf8(ascii + good));
    }
    for (const char* const bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                  "\xf0\x9f\xa6", "\xff", "\xf8\x88\x80\x80\x80"}) {
      CHECK_FALSE(is_utf8(ascii + bad));
      CHECK_FALSE(is_utf8(bad + ascii));
    }
  }
}

TEST_CASE("JsonJudge keeps its limit of depth, at every size of text") {
  JsonJudge judge(3);
  for (const std::size_t spaces : {0U, 5000U, 100U, 100'000U}) {
    const std::string room(spaces, ' ');
    CHECK(judge.judge("[[[1" + room + "]]]") == JsonVerdict::valid);
    CHECK(judge.judge("[[[[1" + room + "]]]]") == JsonVerdict::too_deep);
    CHECK(judge.judge("[[[1" + room + "]]") == JsonVerdict::invalid);
    CHECK(judge.judge(room) == JsonVerdict::invalid);
  }
}

TEST_CASE("a name that a peer chose is shortened to whole characters") {
  CHECK(shortened("short") == "short");
  CHECK(shortened(std::string(64, 'x')) == std::string(64, 'x'));
  CHECK(shortened(std::string(65, 'x')) == std::string(64, 'x'));
  std::string text = "x";
  for (int i = 0; i < 40; ++i) text += "é";
  CHECK(shortened(text) == text.substr(0, 63));
}

TEST_CASE("a fault's field grows from the inside to a sentence") {
  Fault inner = inside("messages[2]", fault(ErrorCode::missing_field, "topic", "is needed"));
  const Fault whole = sentence(inside("publish_batch", std::move(inner)));
  CHECK(whole.field == "publish_batch.messages[2].topic");
  CHECK(whole.text == "publish_batch.messages[2].topic is needed");
  CHECK(sentence(fault(ErrorCode::malformed, "", "the message is cut")).text == "the message is cut");
}
