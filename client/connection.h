// Connection: one WebSocket to a broker over TCP: a Socket and a Stream, and the bytes between them.
//
// Two ways to use it. Blocking, each call with a deadline: open(), send(), flush(), receive(), close(). Or in a poll
// loop of the caller's own: start(), then poll fd() for poll_events(), call write() and read() until nothing is left.
// send() only gathers; flush() or write() writes all that was gathered at once. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/deadline.h"
#include "client/error.h"
#include "client/random.h"
#include "client/socket.h"
#include "client/stream.h"
#include "client/url.h"

namespace ringcast::client {

// "the broker closed the connection with 1012 (service restart): reason", as an error for work that was not done.
[[nodiscard]] Error closed_error(std::uint16_t code, std::string_view reason);

class Connection {
 public:
  // Tries the URL's addresses in turn and finishes the handshake. `target` is path and query (topic_target()).
  // `random` must outlive the connection.
  [[nodiscard]] static std::expected<Connection, Error> open(const Url& url, const std::string& target,
                                                             const std::vector<std::string>& protocols, Random& random,
                                                             Deadline deadline);

  // Begins to connect; read() says `opened` when it is done.
  [[nodiscard]] static std::expected<Connection, Error> start(const Endpoint& endpoint, const Url& url,
                                                              std::string target, std::vector<std::string> protocols,
                                                              Random& random);

  // Gathers a message. Text must be UTF-8. Ignored once the peer has closed: read() has said so, or will.
  void send(MessageKind kind, frame::Bytes payload) { stream_.send(kind, payload); }

  // Bytes gathered and not yet written.
  [[nodiscard]] std::size_t gathered() const noexcept { return stream_.output().size(); }

  // Writes everything gathered. Reads nothing meanwhile: for bursts, not for hours.
  [[nodiscard]] std::expected<void, Error> flush(Deadline deadline);

  // The next event: a message, or closed. `payload` is valid until the next call. Failure::timeout when none came.
  [[nodiscard]] std::expected<Event, Error> receive(Deadline deadline);

  // Writes everything gathered and a close frame, and waits for the peer's answer: then it has taken all that was sent.
  // Messages that come meanwhile are thrown away. Fails when the peer closes for a reason of its own: with another
  // code.
  [[nodiscard]] std::expected<void, Error> close(std::uint16_t code, std::string_view reason, Deadline deadline);

  // ---- for a poll loop of the caller's own ----

  [[nodiscard]] int fd() const noexcept { return socket_.fd(); }
  [[nodiscard]] short poll_events() const noexcept;
  [[nodiscard]] Stream::State state() const noexcept { return stream_.state(); }
  void start_close(std::uint16_t code, std::string_view reason) { stream_.close(code, reason); }

  // Writes what the socket takes of what was gathered. An error of the socket is kept until read() has given out
  // everything that came before it: the peer's close frame says more than "broken pipe".
  [[nodiscard]] std::expected<void, Error> write();

  // The next event of what has come, need_more when there is none now. An error is the last thing it gives.
  [[nodiscard]] std::expected<Event, Error> read();

 private:
  static constexpr std::size_t kReceiveSize =
      std::size_t{64} * 1024;  // bytes: a browser's, and half of what the kernel holds ready

  Connection(Socket socket, Stream stream) : socket_(std::move(socket)), stream_(std::move(stream)) {}

  void fill();
  void write_last();
  [[nodiscard]] Error why_failed();
  [[nodiscard]] std::expected<void, Error> wait(short events, Deadline deadline, std::string_view what) const;

  Socket socket_;
  Stream stream_;
  bool connected_ = false;
  bool ended_ = false;                      // the socket will give nothing more
  std::optional<Error> failed_;             // what the socket said when it would not take or give any more
  std::unique_ptr<std::uint8_t[]> buffer_;  // of kReceiveSize; none is kept while nothing waits in it
  std::size_t begin_ = 0;                   // of what waits in it
  std::size_t end_ = 0;
};

}  // namespace ringcast::client
