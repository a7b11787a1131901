// HttpSession: what a connection that speaks HTTP/1.1 does with the bytes it gets: one request at a time, each
// answered.
//
// `/topics`: POST publishes many. `/topics/<topic>`: POST publishes, GET reads the last value, DELETE removes it, an
// upgrade subscribes, and so does a GET that accepts an event stream. `/ws`: an upgrade opens the full protocol.
// Everything else is a file of the dashboard or 404. Thread: one shard's. State is in Session and its HttpExchange.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/authenticator.h"
#include "broker/config.h"
#include "broker/http_exchange.h"
#include "broker/http_resource.h"
#include "broker/idempotency_header.h"
#include "broker/limits.h"
#include "broker/mesh.h"
#include "broker/publishing.h"
#include "broker/session_table.h"
#include "broker/static_file.h"
#include "broker/subscribing.h"
#include "broker/topic_request.h"
#include "frame/handshake.h"
#include "frame/http_date.h"
#include "frame/http_response.h"
#include "topics/hash.h"

namespace ringcast::proto {
class JsonForm;
}

namespace ringcast::broker {

class HttpSession {
 public:
  struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t refused = 0;  // answered with 4xx or 5xx
  };

  HttpSession(const Config& config, topics::HashKey hash_key, std::uint64_t epoch, FindFile find_file,
              SessionTable& sessions, Publishing& publishing, Subscribing& subscribing, Authenticator& authenticator,
              Limits& limits);

  // What time it is, for Date. Once a turn: the wall clock may be set meanwhile.
  void begin_turn(const Now& now);

  // Takes bytes; how many. The session stops while its request waits for an answer.
  [[nodiscard]] std::size_t received(SlotId slot, MutableBytes in, Instant now);

  // Goes on with those whose tokens can be checked in this turn.
  void check_waiting(Instant now);

  // A home answers the session's POST or DELETE.
  void acknowledged(SlotId slot, const Delivery& ack, Instant now);
  // A home answers its GET: with the value, if there is one, and then with the end.
  void fetched(SlotId slot, std::uint32_t ticket, const topics::Message& message, Instant now);
  void fetched_all(SlotId slot, std::uint32_t ticket, Instant now);

  // The peer will send no more. What it asked for is still answered.
  void peer_finished(SlotId slot, Instant now);
  // The session's deadline has come.
  void due(SlotId slot, Instant now);
  // The session's subscription did not become live in time.
  void refuse_upgrade(SlotId slot, Instant now);
  // Answers what cannot be served at all: too many connections, shutting down.
  void refuse(SlotId slot, std::uint16_t status, std::string_view name, std::string_view message, Instant now);
  void refuse(SlotId slot, const OverLimit& over, Instant now);

  // The head of an answer, but for its end: all answers of the client port begin so, streams included. It ends the
  // connection if a body was left unread.
  [[nodiscard]] frame::ResponseBuilder begin_response(Session& session, std::uint16_t status, Instant now);

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  // What a turn of the state machine came to.
  enum class Next : std::uint8_t { more_bytes, go_on, wait };

  [[nodiscard]] Next read_head(SlotId slot, Session& session, Bytes in, std::size_t& consumed, Instant now);
  [[nodiscard]] Next read_body(SlotId slot, Session& session, Bytes in, std::size_t& consumed, Instant now);
  [[nodiscard]] Next handle(SlotId slot, Session& session, Instant now);
  [[nodiscard]] Next handle(SlotId slot, Session& session, Method method, std::string_view path, Instant now);
  // Finds out who asks; nothing: somebody who may go on.
  [[nodiscard]] std::optional<Next> identify(SlotId slot, Session& session, Instant now);
  // What is said to who may not do what he asked for; to who may not be known, that he is to say who he is.
  [[nodiscard]] HttpRefusal forbidden(const Session& session, std::string_view text);
  // RFC 6585 §4.
  [[nodiscard]] static HttpRefusal limit_refusal(const OverLimit& over);
  [[nodiscard]] Next serve(SlotId slot, Session& session, Resource resource, std::string_view path, Instant now);
  // The connection will be open for longer than its token may hold.
  void watch(SlotId slot, const Session& session);
  [[nodiscard]] Next answer_options(SlotId slot, Session& session, std::string_view allowed, Instant now);
  [[nodiscard]] Next handle_topic(SlotId slot, Session& session, std::string_view path, Instant now);
  [[nodiscard]] const StaticFile* file_at(std::string_view path) const;
  [[nodiscard]] Next handle_file(SlotId slot, Session& session, const StaticFile& file, Instant now);
  [[nodiscard]] Next handle_web_socket(SlotId slot, Session& session, Instant now);
  [[nodiscard]] Next upgrade_topic(SlotId slot, Session& session, const TopicRequest& topic, Instant now);
  // What the client and we agree to of the extensions that it offered.
  struct Extensions {
    Compression compression = Compression::none;
    std::string response;  // the value of Sec-WebSocket-Extensions; empty: none
  };
  [[nodiscard]] std::expected<Extensions, frame::HttpError> negotiate(const frame::Upgrade& upgrade) const;
  // Sends the 101, which leaves when the session opens.
  [[nodiscard]] Next upgraded(SlotId slot, Session& session, const frame::Upgrade& upgrade,
                              const frame::Acceptance& acceptance);
  // GET of a filter by who wants server-sent events.
  [[nodiscard]] Next stream(SlotId slot, Session& session, const TopicRequest& topic, Instant now);
  [[nodiscard]] std::expected<void, topics::Error> begin_stream(SlotId slot, Session& session,
                                                                const TopicRequest& topic);
  // Sends the head of an answer that leaves when the session opens.
  [[nodiscard]] Next hold_back(SlotId slot, Session& session, std::string_view head);
  [[nodiscard]] std::expected<void, topics::Error> begin_with(SlotId slot, const TopicRequest& topic);
  // Reads Idempotency-Key, if there is one, into the exchange; what is wrong with it, if anything is.
  [[nodiscard]] std::optional<HttpRefusal> take_idempotency_key(Session& session) const;
  [[nodiscard]] Next begin_publish(SlotId slot, Session& session, TopicRequest request, Instant now);
  [[nodiscard]] Next begin_batch(SlotId slot, Session& session, Instant now);
  // Begins to read the body of either.
  [[nodiscard]] Next begin_body(SlotId slot, Session& session, Instant now);
  [[nodiscard]] Next body_came(SlotId slot, Session& session, Instant now);
  [[nodiscard]] Next get(SlotId slot, Session& session, TopicRequest request, Instant now);
  [[nodiscard]] Next publish(SlotId slot, Session& session, Instant now);
  [[nodiscard]] Next publish_batch(SlotId slot, Session& session, Instant now);
  struct LineTicket {
    std::uint32_t number = 0;
    Instant deadline;
  };
  void publish_line(SlotId slot, Session& session, proto::JsonForm& form, const BatchLine& line, LineTicket ticket);
  void acknowledged_line(SlotId slot, Session& session, const Delivery& ack, Instant now);
  Next answer_batch(SlotId slot, Session& session, Instant now);
  // What waited for room longer than it may.
  void publish_too_late(SlotId slot, Session& session, Instant now);
  // By what a home knows what comes with this key; by nothing if it is empty.
  [[nodiscard]] Repeat repeat_by(std::string_view idempotency_key, const KeyScope& scope, std::string_view content_type,
                                 std::string_view body) const;

  // begin_response() without a word on the connection.
  [[nodiscard]] frame::ResponseBuilder begin_head(const Session& session, std::uint16_t status, Instant now);
  [[nodiscard]] std::string_view date(Instant now);
  // Sends the answer; the connection is ready for the next request or ends.
  Next answer(SlotId slot, Session& session, std::string_view response, Instant now);
  // The same with this body, or to HEAD without it.
  Next answer_with(SlotId slot, Session& session, frame::ResponseBuilder&& builder, std::string_view content_type,
                   std::string_view body, Instant now);
  Next answer_refusal(SlotId slot, Session& session, const HttpRefusal& refusal, Instant now);
  // Answers what could not be read, and ends the connection.
  Next answer_error(SlotId slot, Session& session, frame::HttpError error, Instant now);

  const Config& config_;
  const topics::HashKey hash_key_;
  const std::uint64_t epoch_number_;
  const std::string epoch_;  // 16 hexadecimal digits
  const FindFile find_file_;
  SessionTable& sessions_;
  Publishing& publishing_;
  Subscribing& subscribing_;
  Authenticator& authenticator_;
  Limits& limits_;
  Counters counters_;
  std::int64_t utc_ahead_ms_ = 0;  // of the monotonic clock
  std::int64_t date_s_ = -1;       // of date_
  frame::HttpDate date_{};
};

}  // namespace ringcast::broker
