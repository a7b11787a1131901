#include "frame/utf8_bulk.h"

#include <simdjson.h>

namespace ringcast::frame {

bool is_utf8_bulk(Bytes text) noexcept {
  return simdjson::validate_utf8(as_text(text).data(), text.size());
}

}  // namespace ringcast::frame
