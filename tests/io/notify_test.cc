#include "broker/io/notify.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <string>

#include "broker/io/descriptor.h"

namespace ringcast::io {
namespace {

// A service manager's end: bound to `name`, whose first character is written '@' where it is abstract.
Descriptor manager_at(std::string name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(name.size() < sizeof address.sun_path);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (name.front() == '@') name.front() = '\0';
  name.copy(address.sun_path, name.size());
  Descriptor receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(receiver.valid());
  REQUIRE(::bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  return receiver;
}

// What waits there; "" for nothing.
std::string received(const Descriptor& manager) {
  std::string text(256, '\0');
  const ssize_t size = ::recv(manager.get(), text.data(), text.size(), 0);
  if (size < 0) REQUIRE(errno == EAGAIN);
  return text.substr(0, size < 0 ? 0 : static_cast<std::size_t>(size));
}

std::string own_name(std::string_view before) {
  return std::string(before) + "ringcast-notify-test-" + std::to_string(::getpid());
}

}  // namespace

TEST_CASE("notify sends each state as one datagram, to paths and to abstract names") {
  for (const std::string& name : {own_name("/tmp/"), own_name("@")}) {
    CAPTURE(name);
    const Descriptor manager = manager_at(name);
    CHECK(notify(name, "READY=1\nSTATUS=serves").has_value());
    CHECK(notify(name, "STOPPING=1").has_value());
    CHECK(received(manager) == "READY=1\nSTATUS=serves");
    CHECK(received(manager) == "STOPPING=1");
    CHECK(received(manager) == "");
    ::unlink(name.c_str());
  }
}

TEST_CASE("notify without a manager does nothing") {
  CHECK(notify("", "READY=1").has_value());
}

TEST_CASE("notify says which socket it could not tell") {
  // sun_path has 108 bytes; a path of 107 fits, with the zero behind it.
  for (const std::string& name : {own_name("/tmp/none-"), own_name("@none-"), std::string("vsock:2:1234"),
                                  std::string("relative"), "/" + std::string(106, 'a'), "/" + std::string(107, 'a')}) {
    const auto told = notify(name, "READY=1");
    REQUIRE_FALSE(told.has_value());
    CHECK(told.error().text.starts_with("NOTIFY_SOCKET " + name + ": "));
    const bool sendable = name.size() < 108 && (name.front() == '/' || name.front() == '@');
    CHECK((told.error().code == EINVAL) == !sendable);
  }
}

}  // namespace ringcast::io
