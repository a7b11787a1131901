#include "client/message_line.h"

#include "client/base64.h"
#include "frame/http_response.h"

namespace ringcast::client {
namespace {

void append_payload(std::string& out, const Message& message) {
  switch (message.format) {
    case Format::binary:
      out += ",\"base64\":\"";
      append_base64(out, frame::as_bytes(message.payload));
      out += '"';
      return;
    case Format::text:
      frame::append_json_string(out += ",\"text\":", message.payload);
      return;
    case Format::json:
      out += ",\"json\":";
      // The broker has checked it. Line breaks can only stand between its tokens: it stays one line without them.
      for (const char c : message.payload) out += c == '\n' || c == '\r' ? ' ' : c;
      return;
  }
}

}  // namespace

void append_plain(std::string& out, const Message& message, ShowTopic topic) {
  if (topic == ShowTopic::yes) (out += message.topic) += '\t';
  if (message.op == Op::remove) {
    out += "(removed)";
  } else if (message.format == Format::binary) {
    append_base64(out += "base64:", frame::as_bytes(message.payload));
  } else {
    out += message.payload;
  }
  out += '\n';
}

void append_json(std::string& out, const Message& message) {
  frame::append_json_string(out += "{\"topic\":", message.topic);
  (out += ",\"seq\":") += std::to_string(message.seq);
  (out += ",\"time_us\":") += std::to_string(message.time_us);
  if (message.mark != Mark::live)
    out += message.mark == Mark::snapshot ? ",\"mark\":\"snapshot\"" : ",\"mark\":\"replay\"";
  if (message.op != Op::set) out += message.op == Op::remove ? ",\"op\":\"remove\"" : ",\"op\":\"event\"";
  if (!message.content_type.empty()) frame::append_json_string(out += ",\"content_type\":", message.content_type);
  for (std::size_t i = 0; i < message.headers.size(); ++i) {
    frame::append_json_string(out += i == 0 ? ",\"headers\":{" : ",", message.headers[i].name);
    frame::append_json_string(out += ':', message.headers[i].value);
    if (i + 1 == message.headers.size()) out += '}';
  }
  if (message.op != Op::remove) append_payload(out, message);
  out += "}\n";
}

}  // namespace ringcast::client
