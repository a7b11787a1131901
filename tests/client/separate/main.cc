// Publishes a hundred messages with acknowledgements, hears each of them, and says so.
#include <ringcast.h>

#include <chrono>
#include <cstdio>
#include <future>
#include <string>
#include <vector>

namespace {

int fail(const std::string& text) {
  std::fprintf(stderr, "separate: %s\n", text.c_str());
  return 1;
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return fail("usage: separate URL");
  constexpr int kMessages = 100;
  auto client = ringcast::Client::open({.url = words[1]});
  if (!client) return fail(client.error().text);

  std::promise<void> subscribed;
  std::promise<void> heard_all;
  std::string heard;
  int left = kMessages;
  auto subscription = client->subscribe(
      "separate/+", {},
      [&](const ringcast::Message& message) {
        (heard += message.payload) += ' ';
        if (--left == 0) heard_all.set_value();
      },
      [&](const ringcast::SubscriptionEvent& event) {
        if (event.kind == ringcast::SubscriptionEvent::Kind::subscribed) subscribed.set_value();
      });
  if (!subscription) return fail(subscription.error().text);
  if (subscribed.get_future().wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
    return fail("not subscribed: " + client->status().error.value_or(ringcast::ClientError{.text = "?"}).text);
  }

  std::string expected;
  std::vector<std::future<ringcast::PublishResult>> results;
  for (int i = 0; i < kMessages; ++i) {
    const std::string payload = std::to_string(i);
    (expected += payload) += ' ';
    results.push_back(client->publish("separate/topic", payload, {.format = ringcast::Format::json}));
  }
  for (auto& result : results) {
    if (const auto got = result.get(); got.status != ringcast::PublishStatus::sequenced) return fail(got.text);
  }
  if (heard_all.get_future().wait_for(std::chrono::seconds(20)) != std::future_status::ready) return fail(heard);
  if (heard != expected) return fail("heard " + heard);
  if (!client->close()) return fail("not all was answered");
  std::printf("published and heard %d messages\n", kMessages);
  return 0;
}
