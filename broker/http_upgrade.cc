// HttpSession's upgrades: which protocol a WebSocket will speak, and what it is subscribed to when it opens.
#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <utility>

#include "broker/full_session.h"
#include "broker/http_session.h"
#include "broker/token_request.h"
#include "frame/deflate_offer.h"
#include "frame/http_response.h"

namespace ringcast::broker {

namespace {

struct Subprotocol {
  std::string_view name;
  Protocol protocol = Protocol::raw;
};

constexpr std::array kSubprotocols{Subprotocol{"ringcast.v1.raw", Protocol::raw},
                                   Subprotocol{"ringcast.v1.proto", Protocol::proto},
                                   Subprotocol{"ringcast.v1.json", Protocol::json}};

// The first of those that the client offers, in its order of preference, that we speak.
const Subprotocol* choose(const frame::Upgrade& upgrade) {
  for (const std::string_view offered : upgrade.protocols) {
    const auto* found = std::ranges::find(kSubprotocols, offered, &Subprotocol::name);
    if (found != kSubprotocols.end()) return found;
  }
  return nullptr;
}

// What this protocol cannot do with the topic; nothing: all is well.
std::optional<HttpRefusal> why_not(const TopicRequest& topic, Protocol protocol) {
  const auto bad = [](std::string_view name, const char* message) { return HttpRefusal{400, name, message}; };
  if (topic.json) return bad("bad_parameter", "format=json is for event streams; offer ringcast.v1.json instead");
  if (topic.publish_only && protocol != Protocol::raw) {
    return bad("bad_parameter", "mode=pub is for raw topics; /ws begins without a subscription");
  }
  if (topic.publish_only && topic.chooses_delivery) {
    return bad("bad_parameter", "delivery and rate are for subscribers; mode=pub only publishes");
  }
  if (topic.publish_only && topic.wildcard) {
    return bad("cannot_publish_to_filter", "mode=pub needs a topic without wildcards");
  }
  return std::nullopt;
}

}  // namespace

HttpSession::Next HttpSession::upgrade_topic(SlotId slot, Session& session, const TopicRequest& topic, Instant now) {
  const auto upgrade = frame::check_upgrade(session.http->parser.request());
  if (!upgrade) return answer_error(slot, session, upgrade.error(), now);
  const Subprotocol* chosen = choose(*upgrade);
  if (chosen == nullptr && !upgrade->protocols.empty()) {
    return answer_refusal(
        slot, session,
        {400, "unknown_subprotocol",
         "the subprotocols are ringcast.v1.raw, ringcast.v1.json and ringcast.v1.proto; or offer none"},
        now);
  }
  const Protocol protocol = chosen == nullptr ? Protocol::raw : chosen->protocol;
  if (const auto refusal = why_not(topic, protocol)) return answer_refusal(slot, session, *refusal, now);
  const Identity& identity = *session.identity;
  if (!(topic.publish_only ? identity.may_publish(topic.filter) : identity.may_subscribe(topic.filter))) {
    return answer_refusal(slot, session, forbidden(session, "not permitted on this topic"), now);
  }
  const auto extensions = negotiate(*upgrade);
  if (!extensions) return answer_error(slot, session, extensions.error(), now);
  if (const auto joined = limits_.joined(slot, session, now); !joined)
    return answer_refusal(slot, session, limit_refusal(joined.error()), now);
  sessions_.set_encoding(session, encoding_of(protocol, extensions->compression));
  session.may_send = !topic.wildcard;
  if (protocol != Protocol::raw) {
    session.full = std::make_unique<FullState>();
    watch_full(slot, *session.full, identity, authenticator_, config_);
  }
  if (topic.publish_only) {
    session.topic = std::make_unique<std::string>(topic.filter);
    sessions_.upgraded().push_back(slot);
  } else if (const auto subscribed = begin_with(slot, topic); !subscribed) {
    session.full.reset();
    sessions_.set_encoding(session, encoding_of(Protocol::raw));
    return answer_refusal(slot, session, {503, "too_many_filters", std::string(topics::describe(subscribed.error()))},
                          now);
  }
  watch(slot, session);
  return upgraded(slot, session, *upgrade,
                  {.protocol = chosen == nullptr ? "" : chosen->name, .extensions = extensions->response});
}

std::expected<HttpSession::Extensions, frame::HttpError> HttpSession::negotiate(const frame::Upgrade& upgrade) const {
  // Read also when compression is off: a field that breaks the grammar fails the handshake (RFC 6455 §9.1).
  const auto accepted = frame::accept_deflate(upgrade.extensions, {});
  if (!accepted) return std::unexpected(accepted.error());
  if (!*accepted || config_.compression == Toggle::off) return Extensions{};
  // At least 9 bits were agreed to, so there is one of ours within.
  return Extensions{.compression = compression_within((*accepted)->agreement.server_window_bits),
                    .response = (*accepted)->response};
}

std::expected<void, topics::Error> HttpSession::begin_with(SlotId slot, const TopicRequest& topic) {
  const auto index =
      subscribing_.subscribe(slot, topic.filter,
                             {.begin = topic.last ? Subscribing::Begin::last_values : Subscribing::Begin::now,
                              .echo = topic.echo,
                              .pace = topic.pace,
                              .upgrades = true});
  if (!index) return std::unexpected(index.error());
  Session& session = sessions_.at(slot.index);
  if (session.full != nullptr) session.full->by_id.emplace(kUrlSubscription, *index);
  return {};
}

HttpSession::Next HttpSession::handle_web_socket(SlotId slot, Session& session, Instant now) {
  const frame::Request& request = session.http->parser.request();
  if (!has_only_token(request.parts.query)) {
    return answer_refusal(slot, session, {400, "unknown_parameter", "/ws takes no parameter but token"}, now);
  }
  if (sessions_.draining()) {
    return answer_refusal(slot, session, {503, "draining", "the broker restarts; try again"}, now);
  }
  if (!frame::wants_websocket(request)) {
    frame::ResponseBuilder builder = begin_response(session, 426, now);
    builder.field("Upgrade", "websocket").field("Connection", "Upgrade").field("Sec-WebSocket-Version", "13");
    const std::string body = frame::error_body(426, "upgrade_required", "/ws is for WebSockets");
    return answer_with(slot, session, std::move(builder), "application/json", body, now);
  }
  const auto upgrade = frame::check_upgrade(request);
  if (!upgrade) return answer_error(slot, session, upgrade.error(), now);
  const Subprotocol* chosen = choose(*upgrade);
  if (chosen == nullptr || chosen->protocol == Protocol::raw) {
    return answer_refusal(
        slot, session,
        {400, "unknown_subprotocol", "/ws speaks ringcast.v1.json and ringcast.v1.proto; offer one as subprotocol"},
        now);
  }
  const auto extensions = negotiate(*upgrade);
  if (!extensions) return answer_error(slot, session, extensions.error(), now);
  if (const auto joined = limits_.joined(slot, session, now); !joined)
    return answer_refusal(slot, session, limit_refusal(joined.error()), now);
  sessions_.set_encoding(session, encoding_of(chosen->protocol, extensions->compression));
  session.full = std::make_unique<FullState>();
  // A token may yet come in the hello; who may do nothing without must bring one.
  session.full->must_identify = !session.identity->may_anything();
  watch_full(slot, *session.full, *session.identity, authenticator_, config_);
  sessions_.upgraded().push_back(slot);
  return upgraded(slot, session, *upgrade, {.protocol = chosen->name, .extensions = extensions->response});
}

HttpSession::Next HttpSession::upgraded(SlotId slot, Session& session, const frame::Upgrade& upgrade,
                                        const frame::Acceptance& acceptance) {
  return hold_back(slot, session, frame::upgrade_response(upgrade, acceptance));
}

HttpSession::Next HttpSession::hold_back(SlotId slot, Session& session, std::string_view head) {
  session.http->behind_answers = !session.outbox.empty();
  sessions_.send_own(slot, head);
  // In this phase nothing leaves: the head goes out when the subscription is live, so that who sees `open` gets
  // whatever is published from then on.
  session.phase = Phase::upgrading;
  session.http->parser.release();
  return Next::wait;
}

}  // namespace ringcast::broker
