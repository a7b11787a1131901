// JsonText: builds one compact JSON object, member by member, in a string that the caller keeps and reuses.
//
// For what the client commands write; nothing here reads JSON. Thread: any, one object one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::client {

// Appends `value` with `decimals` digits after the point; a number that JSON cannot say (NaN, infinity) becomes null.
void append_json_number(std::string& out, double value, int decimals);

class JsonText {
 public:
  // Begins an object at the end of `out`, which must outlive this.
  explicit JsonText(std::string& out) : out_(out) { out_ += '{'; }

  // Members: a string, an integer, a number with so many digits after the point, true.
  JsonText& add(std::string_view name, std::string_view text);
  JsonText& add(std::string_view name, std::uint64_t value);
  JsonText& add(std::string_view name, double value, int decimals);
  JsonText& add_true(std::string_view name);
  void end() { out_ += '}'; }

 private:
  void add_name(std::string_view name);

  std::string& out_;
  bool empty_ = true;
};

}  // namespace ringcast::client
