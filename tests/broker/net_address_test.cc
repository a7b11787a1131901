#include "broker/net_address.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ringcast::broker;

namespace {

std::vector<NetRange> networks_of(std::initializer_list<std::string_view> texts) {
  std::vector<NetRange> networks;
  for (const std::string_view text : texts) networks.push_back(parse_range(text).value());
  return networks;
}

}  // namespace

TEST_CASE("parse_net_address takes both kinds of address, and nothing else") {
  for (const char* good : {"0.0.0.0", "192.0.2.7", "::", "::1", "2001:db8::7", "::ffff:192.0.2.7"}) {
    CAPTURE(good);
    CHECK(parse_net_address(good));
  }
  CHECK(*parse_net_address("192.0.2.7") == *parse_net_address("::ffff:192.0.2.7"));
  for (const std::string& bad :
       {std::string(), std::string("192.0.2"), std::string("192.0.2.256"), std::string("192.0.2.7 "),
        std::string("host"), std::string("1:2"), std::string("192.0.2.7\0", 10), std::string(200, ':')}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_net_address(bad));
  }
}

TEST_CASE("parse_range takes as many bits as the address has, and not one more") {
  for (const char* good : {"10.0.0.0/8", "10.0.0.0/0", "10.0.0.0/32", "10.1.2.3", "2001:db8::/32", "::/0", "::/128"}) {
    CAPTURE(good);
    CHECK(parse_range(good));
  }
  for (const char* bad : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "ten/8"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_range(bad));
  }
}

TEST_CASE("an address is in a network by the bits that count") {
  struct Sample {
    const char* network;
    const char* address;
    bool in;
  };
  for (const Sample& sample : std::initializer_list<Sample>{{"10.0.0.0/8", "10.255.1.2", true},
                                                            {"10.0.0.0/8", "11.0.0.0", false},
                                                            {"192.0.2.128/25", "192.0.2.128", true},
                                                            {"192.0.2.128/25", "192.0.2.127", false},
                                                            {"192.0.2.7", "192.0.2.7", true},
                                                            {"192.0.2.7", "192.0.2.6", false},
                                                            {"0.0.0.0/0", "192.0.2.6", true},
                                                            {"0.0.0.0/0", "::1", false},
                                                            {"::/0", "192.0.2.6", true},
                                                            {"2001:db8::/33", "2001:db8:7fff::", true},
                                                            {"2001:db8::/33", "2001:db8:8000::", false}}) {
    CAPTURE(sample.network);
    CAPTURE(sample.address);
    CHECK(is_in(networks_of({sample.network}), *parse_net_address(sample.address)) == sample.in);
  }
}

TEST_CASE("a subscriber line has one account, however many addresses it has") {
  const auto name = [](const char* text) { return account_name(*parse_net_address(text)); };
  CHECK(name("2001:db8:1:2::1") == name("2001:db8:1:2:ffff::9"));
  CHECK(name("2001:db8:1:2::1") != name("2001:db8:1:3::1"));
  CHECK(name("192.0.2.1") != name("192.0.2.2"));
  CHECK(name("192.0.2.1") == name("::ffff:192.0.2.1"));
}

TEST_CASE("client_of believes only what trusted proxies have added") {
  const auto trusted = networks_of({"10.0.0.0/8", "2001:db8::/32"});
  struct Sample {
    std::string text;
    const char* client;  // null: nobody
  };
  const std::string twenty_proxies = [] {
    std::string text = "192.0.2.1";
    for (std::size_t i = 0; i < kForwardedMax; ++i) text += ",10.0.0.1";
    return text;
  }();
  for (const Sample& sample : std::initializer_list<Sample>{{"192.0.2.1", "192.0.2.1"},
                                                            {"6.6.6.6, 192.0.2.1", "192.0.2.1"},
                                                            {"6.6.6.6, 192.0.2.1, 10.1.1.1", "192.0.2.1"},
                                                            {"6.6.6.6 ,192.0.2.1\t,2001:db8::1, 10.1.1.1", "192.0.2.1"},
                                                            {"192.0.2.1:4711", "192.0.2.1"},
                                                            {"[2001:db9::1]:4711", "2001:db9::1"},
                                                            {"2001:db9::1", "2001:db9::1"},
                                                            {"", nullptr},
                                                            {"10.1.1.1, 10.1.1.2", nullptr},
                                                            {"192.0.2.1, unknown", nullptr},
                                                            {"192.0.2.1,", nullptr},
                                                            {"[", nullptr},
                                                            {twenty_proxies, nullptr}}) {
    CAPTURE(sample.text);
    const auto client = client_of(sample.text, trusted);
    REQUIRE(client.has_value() == (sample.client != nullptr));
    if (client) CHECK(*client == *parse_net_address(sample.client));
  }
}
