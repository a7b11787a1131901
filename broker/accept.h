// Accept: whether a client wants an event stream or one value (RFC 9110 §12.5.1). Pure.
#pragma once

#include "frame/http_fields.h"

namespace ringcast::broker {

// True if Accept names `text/event-stream` itself and prefers nothing else to it. A range that only includes it
// (`text/*`, `*/*`: what curl and fetch send) does not ask for a stream that never ends.
[[nodiscard]] bool wants_event_stream(const frame::Fields& fields);

}  // namespace ringcast::broker
