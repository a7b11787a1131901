// HttpExchange: one HTTP request of a connection, from its first byte to its answer.
//
// Exists only while a connection speaks HTTP; one request at a time (RFC 9112 §9.3.2: answers in the order of
// requests).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "broker/batch.h"
#include "broker/instant.h"
#include "broker/sse_notice.h"
#include "frame/http_body.h"
#include "frame/http_request.h"

namespace ringcast::broker {

struct HttpExchange {
  enum class State : std::uint8_t {
    head,      // reading the request's head
    checking,  // its token waits to be checked; nothing more is read until then
    body,      // reading its body, to publish it
    answering  // a home will answer; nothing more is read until then
  };

  explicit HttpExchange(frame::RequestLimits limits) : parser(limits) {}

  frame::RequestParser parser;
  std::optional<frame::BodyReader> body_reader;
  std::string topic;  // decoded
  std::string body;
  std::string content_type;      // of the request, checked
  std::string idempotency_key;   // POST and DELETE; empty: none
  std::unique_ptr<Batch> batch;  // POST of many
  State state = State::head;
  bool keep_alive = true;
  bool must_say_keep_alive = false;               // HTTP/1.0: without the word it is not
  bool head_only = false;                         // HEAD
  bool removes = false;                           // DELETE
  bool body_unread = false;                       // the request has a body, of which not all was read
  std::string granted_origin;                     // a page that may read the answer (broker/cors.h)
  std::string if_match;                           // GET
  std::string if_none_match;                      // GET
  std::uint32_t ticket = 0;                       // of the answer awaited
  bool behind_answers = false;                    // an upgrade: earlier requests' answers were still owed when it came
  bool by_accept = false;                         // what the answer is depends on Accept: caches must know
  const SseNotice* stream_begins_with = nullptr;  // an event stream of who came back; its home may yet say better
};

}  // namespace ringcast::broker
