#include "broker/io/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "broker/io/descriptor.h"

namespace ringcast::io {

std::expected<void, Error> notify(std::string_view socket, std::string_view state) {
  if (socket.empty()) return {};
  const std::string doing = "NOTIFY_SOCKET " + std::string(socket);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // vsock: of virtual machines' managers is not spoken. A path needs room for the zero behind it.
  const bool known = socket.front() == '/' || socket.front() == '@';
  if (!known || socket.size() >= sizeof address.sun_path) return std::unexpected(system_error(EINVAL, doing));
  std::ranges::copy(socket, address.sun_path);
  if (socket.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());

  const Descriptor sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!sender.valid()) return std::unexpected(system_error(errno, doing));
  const auto* const to = reinterpret_cast<const sockaddr*>(&address);
  if (::sendto(sender.get(), state.data(), state.size(), MSG_NOSIGNAL, to, size) < 0) {
    return std::unexpected(system_error(errno, doing));
  }
  return {};
}

}  // namespace ringcast::io
