// The operators' port: bytes in, requests and answers out.
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/admin_session.h"
#include "frame/http_request.h"
#include "tests/fuzz/property.h"
#include "topics/name.h"

namespace ringcast::fuzz {

namespace {

using namespace broker;

constexpr Now kNow{.monotonic = {1'000}, .utc_us = 784'111'777'000'000};

struct Conversation {
  std::vector<std::size_t> asked;  // AdminRequest::index()
  std::string answers;
  bool ended = false;

  friend bool operator==(const Conversation&, const Conversation&) = default;
};

// What is asked of the desk keeps every limit, whatever was sent.
void check_request(const AdminRequest& request) {
  if (const auto* get = std::get_if<GetConnections>(&request)) {
    require(get->query.limit >= 1 && get->query.limit <= kRowsMax);
    require(get->query.filter.empty() || topics::validate_filter(get->query.filter).has_value());
    require(get->query.topic.empty() || topics::validate_topic(get->query.topic).has_value());
  } else if (const auto* topics = std::get_if<GetTopics>(&request)) {
    require(topics->query.limit >= 1 && topics->query.limit <= kRowsMax);
    require(topics::validate_filter(topics->query.filter).has_value());
    require(topics->query.after.empty() || topics::validate_topic(topics->query.after).has_value());
  } else if (const auto* slow = std::get_if<GetSlow>(&request)) {
    require(slow->limit >= 1 && slow->limit <= kRowsMax);
  } else if (const auto* close = std::get_if<CloseConnection>(&request)) {
    require(close->code >= 1000 && close->code <= 4999);
    require(close->reason.size() <= 123);
  } else if (const auto* put = std::get_if<PutLogLevel>(&request)) {
    require(put->level <= LogLevel::error);
  }
}

template <typename PieceSize>
Conversation converse(Bytes in, bool by_loopback, PieceSize piece_size) {
  const Config config;
  AdminSession session(config, by_loopback, kNow);
  Conversation all;
  const auto answer_all = [&] {
    for (bool more = true; more;) {
      more = false;
      while (auto request = session.take_request()) {
        check_request(*request);
        all.asked.push_back(request->index());
        session.answer({.body = std::to_string(request->index())}, kNow);
      }
      if (!session.output().empty()) {
        // By halves: what is left of an answer is not answered over.
        const std::size_t size = (session.output().size() + 1) / 2;
        all.answers += session.output().substr(0, size);
        session.sent(size, kNow);
        more = true;
      }
    }
  };
  while (!in.empty() && session.wants_bytes()) {
    const std::size_t size = piece_size(in.size());
    session.received({reinterpret_cast<const char*>(in.data()), size}, kNow);
    in = in.subspan(size);
    answer_all();
  }
  session.peer_finished();
  all.ended = session.ended();
  session.late(kNow);
  answer_all();
  require(session.ended());
  return all;
}

}  // namespace

void check_admin(Bytes input) {
  const std::uint8_t seed = take_byte(input);
  const bool by_loopback = (seed & 1) == 0;
  // No more than one buffer of the session's: a whole that does not fit is no cut of the same stream.
  if (input.size() > AdminSession::kUnreadBytesMax) input = input.first(AdminSession::kUnreadBytesMax);
  const Conversation whole = converse(input, by_loopback, [](std::size_t left) { return left; });
  Cuts cuts(seed);
  const Conversation cut = converse(input, by_loopback, [&](std::size_t left) {
    const std::size_t size = cuts.next(left);
    return size > 0 ? size : 1;
  });
  require(whole == cut);
}

}  // namespace ringcast::fuzz
