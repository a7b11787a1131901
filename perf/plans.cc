#include "perf/plans.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "frame/header.h"
#include "perf/nats.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"

namespace ringcast::perf {
namespace {

// Appends a client's frame; its mask is zero, so that the payload stands as it is.
void append_frame(std::vector<std::uint8_t>& out, frame::Opcode opcode, Bytes payload) {
  std::array<std::uint8_t, frame::kHeaderSizeMax> head;
  const std::size_t size =
      frame::encode_header({.opcode = opcode, .masked = true, .payload_size = payload.size()}, head);
  out.insert(out.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
  out.insert(out.end(), payload.begin(), payload.end());
}

// The wildcard that subscriber `index` follows all topics by; none if it follows its own.
std::string_view wildcard_of(Filters filters, std::uint32_t index) {
  switch (filters) {
    case Filters::exact:
      break;
    case Filters::plus:
      return "+";
    case Filters::hash:
      return "#";
    case Filters::mixed:
      return std::array<std::string_view, 3>{"", "+", "#"}[index % 3];
  }
  return {};
}

std::string wildcard_name(Form form, std::string_view wildcard) {
  if (form == Form::nats) return wildcard == "#" ? "bench.>" : "bench.*";
  return "bench/" + std::string(wildcard);
}

// Sets what the connection says when it is open.
void subscribe(Plan& plan, const std::vector<std::string>& filters) {
  std::vector<std::uint8_t> message;
  plan.ready = plan.form == Form::nats ? 1 : static_cast<std::uint32_t>(filters.size());
  if (plan.form == Form::nats) {
    append_nats_connect(message);
    std::uint32_t sid = 0;
    for (const std::string& filter : filters) append_nats_subscribe(message, filter, ++sid);
    append_nats_ping(message);
    append_frame(plan.hello, frame::Opcode::binary, message);
    return;
  }
  std::uint64_t id = 0;
  for (const std::string& filter : filters) {
    const proto::Request request = proto::Subscribe{.id = ++id, .filter = filter};
    if (plan.form == Form::json) {
      proto::JsonForm::write(request, message);
      append_frame(plan.hello, frame::Opcode::text, message);
    } else {
      proto::ProtoForm::write(request, message);
      append_frame(plan.hello, frame::Opcode::binary, message);
    }
  }
}

// A connection that follows these: by its URL where that says enough.
Plan subscriber(const LoadOptions& options, Part part, std::uint32_t index, const std::vector<std::string>& filters) {
  Plan plan{.part = part, .index = index, .target = "/ws", .form = options.protocol};
  if (plan.form != Form::nats && filters.size() == 1) {
    plan.target = "/topics/" + filters.front();
    if (plan.target.ends_with('#')) plan.target.replace(plan.target.size() - 1, 1, "%23");
    return plan;
  }
  subscribe(plan, filters);
  return plan;
}

std::vector<std::string> filters_of(const LoadOptions& options, const Layout& layout, std::uint32_t index) {
  const std::string_view wildcard = wildcard_of(options.filters, index);
  if (!wildcard.empty()) return {wildcard_name(options.protocol, wildcard)};
  std::vector<std::string> filters;
  for (std::uint32_t place = 0; place < layout.each; ++place) {
    filters.push_back(topic_name(options.protocol, layout.topic_at(index, place)));
  }
  return filters;
}

// Wildcards that look as if they could match until their last level, which no topic here has.
Plan decoy(const LoadOptions& options) {
  std::vector<std::string> filters;
  const bool nats = options.decoy_form() == Form::nats;
  for (std::uint32_t i = 0; i < options.decoys; ++i) {
    filters.push_back((nats ? "bench.*." : "bench/+/") + std::to_string(i));
  }
  Plan plan{.part = Part::idle, .index = options.idle, .target = "/ws", .form = options.decoy_form()};
  subscribe(plan, filters);
  return plan;
}

Plan publisher(const LoadOptions& options, std::uint32_t index) {
  const Form form = options.publisher_form();
  Plan plan{.part = Part::publisher, .index = index, .target = "/ws", .form = form};
  if (form == Form::raw) plan.target = "/topics/bench/" + std::to_string(index % options.topics) + "?mode=pub";
  if (form == Form::nats) subscribe(plan, {});
  plan.acks = form == Form::json || form == Form::proto;
  return plan;
}

}  // namespace

std::string topic_name(Form form, std::uint32_t topic) {
  return (form == Form::nats ? "bench." : "bench/") + std::to_string(topic);
}

Layout layout_of(const LoadOptions& options) {
  Layout layout{.subscribers = options.subscribers,
                .streams = options.streams(),
                .topics = options.topics,
                .each = options.each,
                .hears_all = std::vector<bool>(options.subscribers)};
  for (std::uint32_t s = 0; s < options.subscribers; ++s) {
    layout.hears_all[s] = !wildcard_of(options.filters, s).empty();
  }
  return layout;
}

std::vector<Plan> plans_of(const LoadOptions& options) {
  const Layout layout = layout_of(options);
  std::vector<Plan> plans;
  plans.reserve(options.connections());
  for (std::uint32_t i = 0; i < options.subscribers; ++i) {
    plans.push_back(subscriber(options, Part::subscriber, i, filters_of(options, layout, i)));
  }
  for (std::uint32_t i = 0; i < options.stalled; ++i) {
    plans.push_back(subscriber(options, Part::stalled, i, {topic_name(options.protocol, i % options.topics)}));
  }
  const std::string idle = options.protocol == Form::nats ? "idle.0" : "idle/0";
  for (std::uint32_t i = 0; i < options.idle; ++i) plans.push_back(subscriber(options, Part::idle, i, {idle}));
  if (options.decoys > 0) plans.push_back(decoy(options));
  for (std::uint32_t i = 0; i < options.publishers; ++i) plans.push_back(publisher(options, i));
  return plans;
}

}  // namespace ringcast::perf
