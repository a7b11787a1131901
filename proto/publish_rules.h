// What holds for a Publish in both forms, once it is read: limits, and what must and must not be there.
#pragma once

#include <optional>
#include <string_view>

#include "proto/fault.h"
#include "proto/request.h"

namespace ringcast::proto {

// True if `text` can be a message's content_type: printable ASCII without spaces at its ends, maybe empty. Others could
// not be told to clients, whose strings are UTF-8, nor served as a header of HTTP, where a line break would begin
// another one (RFC 9110 §5.5, §8.3).
[[nodiscard]] bool is_content_type(std::string_view text) noexcept;

// The first rule that `publish` breaks. Its headers, and its payload against its format, are checked by who reads them.
[[nodiscard]] std::optional<Fault> check_publish(const Publish& publish);

}  // namespace ringcast::proto
