#include "tests/fuzz/forms.h"

#include <algorithm>
#include <vector>

#include "proto/wire_reader.h"

namespace ringcast::fuzz {

namespace {

using namespace proto;

bool fits(std::uint64_t integer) {
  return integer <= kJsonIntegerMax;
}

bool fits(const Publish& publish) {
  return fits(publish.id) && fits(publish.producer_seq);
}

Publish without_space(Publish publish) {
  if (publish.format != Format::json) return publish;
  constexpr std::string_view kSpaces = " \t\r\n";
  std::string_view text = as_text(publish.payload);
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  text = text.substr(0, text.find_last_not_of(kSpaces) + 1);
  publish.payload = as_bytes(text);
  return publish;
}

}  // namespace

bool has_json_integers(const Request& request) {
  if (const auto* const batch = std::get_if<PublishBatch>(&request)) {
    return std::ranges::all_of(batch->messages, [](const Publish& one) { return fits(one); });
  }
  if (const auto* const publish = std::get_if<Publish>(&request)) return fits(*publish);
  if (const auto* const unsubscribe = std::get_if<Unsubscribe>(&request)) {
    return fits(unsubscribe->id) && fits(unsubscribe->subscription);
  }
  if (const auto* const subscribe = std::get_if<Subscribe>(&request)) {
    const auto fit = [](const OriginPosition& one) { return fits(one.position); };
    return fits(subscribe->id) && fits(subscribe->since_us) && std::ranges::all_of(subscribe->received, fit);
  }
  if (const auto* const refresh = std::get_if<Refresh>(&request)) return fits(refresh->id);
  if (const auto* const change = std::get_if<Change>(&request)) return fits(change->id) && fits(change->subscription);
  return fits(std::get<Hello>(request).id);
}

Request without_space(const Request& request) {
  static std::vector<Publish> messages;
  if (const auto* const publish = std::get_if<Publish>(&request)) return without_space(*publish);
  const auto* const batch = std::get_if<PublishBatch>(&request);
  if (batch == nullptr) return request;
  messages.clear();
  for (const Publish& one : batch->messages) messages.push_back(without_space(one));
  return PublishBatch{messages};
}

}  // namespace ringcast::fuzz
