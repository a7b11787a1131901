#include "frame/extension_list.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "frame/http_fields.h"

namespace ringcast::frame {

namespace {

constexpr auto kMalformed = std::unexpected(HttpError::websocket_extensions);

// Reads the parts of the grammar off the front of a value; spaces before each part are passed over.
class Cursor {
 public:
  explicit Cursor(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool at_end() noexcept {
    skip_spaces();
    return rest_.empty();
  }

  [[nodiscard]] bool take(char separator) noexcept {
    skip_spaces();
    if (!rest_.starts_with(separator)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Empty if there is none.
  [[nodiscard]] std::string_view token() noexcept {
    skip_spaces();
    const auto end = std::ranges::find_if_not(rest_, is_token_char);
    const auto size = static_cast<std::size_t>(end - rest_.begin());
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

  // A token, bare or between quotes where `\x` is x; nothing if it is neither.
  [[nodiscard]] std::optional<std::string> value() {
    if (!take('"')) {
      const std::string_view bare = token();
      return bare.empty() ? std::nullopt : std::optional<std::string>(bare);
    }
    std::string out;
    for (std::size_t at = 0; at < rest_.size(); ++at) {
      if (rest_[at] == '"') {
        rest_.remove_prefix(at + 1);
        return out.empty() ? std::nullopt : std::optional(std::move(out));
      }
      if (rest_[at] == '\\' && ++at == rest_.size()) break;
      if (!is_token_char(rest_[at])) break;
      out.push_back(rest_[at]);
    }
    return std::nullopt;
  }

 private:
  void skip_spaces() noexcept {
    while (rest_.starts_with(' ') || rest_.starts_with('\t')) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

std::expected<Extension, HttpError> parse_extension(Cursor& cursor) {
  Extension extension{.name = cursor.token(), .parameters = {}};
  if (extension.name.empty()) return kMalformed;
  while (cursor.take(';')) {
    ExtensionParameter parameter{.name = cursor.token(), .value = {}};
    if (parameter.name.empty()) return kMalformed;
    if (cursor.take('=')) {
      parameter.value = cursor.value();
      if (!parameter.value) return kMalformed;
    }
    extension.parameters.push_back(std::move(parameter));
  }
  return extension;
}

}  // namespace

std::expected<std::vector<Extension>, HttpError> parse_extensions(std::string_view value) {
  std::vector<Extension> extensions;
  Cursor cursor(value);
  for (;;) {
    auto extension = parse_extension(cursor);
    if (!extension) return std::unexpected(extension.error());
    extensions.push_back(*std::move(extension));
    if (cursor.at_end()) return extensions;
    if (!cursor.take(',')) return kMalformed;
  }
}

}  // namespace ringcast::frame
