// ExtensionList: the elements of Sec-WebSocket-Extensions, offered or accepted (RFC 6455 §9.1).
//
//    list  := extension *("," extension)     extension := token *(";" param)
//    param := token ["=" (token / quoted)]   quoted, once unescaped, is a token too
//
// Spaces and tabs may stand around each separator. Cold: once per handshake that names an extension.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frame/http_error.h"

namespace ringcast::frame {

struct ExtensionParameter {
  std::string_view name;
  std::optional<std::string> value;  // unquoted; nothing for a name alone
};

struct Extension {
  std::string_view name;
  std::vector<ExtensionParameter> parameters;  // in their order, repeated ones too
};

// Reads a whole field value; the views are into it. Fails with websocket_extensions where it breaks the grammar: §9.1
// has the handshake fail then.
[[nodiscard]] std::expected<std::vector<Extension>, HttpError> parse_extensions(std::string_view value);

}  // namespace ringcast::frame
