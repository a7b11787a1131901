// Tls: TLS for connections to a broker: whom to trust, who we are, and one session's bytes over a socket.
//
// A broker's certificate is always checked: its chain up to an authority of the system or of `ca`, and its name against
// the URL's host. Thread: a Tls any, one at a time; a session one.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "client/error.h"
#include "frame/bytes.h"

struct ssl_ctx_st;
struct ssl_st;

namespace ringcast::client {

// PEM files; empty: none.
struct TlsFiles {
  std::string ca;           // the authorities to trust; none: the system's
  std::string certificate;  // ours, with its chain
  std::string key;          // of it

  [[nodiscard]] bool any() const noexcept { return !ca.empty() || !certificate.empty() || !key.empty(); }
};

class Tls {
 public:
  // Fails with Failure::usage for files that are missing or wrong.
  [[nodiscard]] static std::expected<std::unique_ptr<Tls>, Error> open(const TlsFiles& files);
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;
  ~Tls();

  [[nodiscard]] ssl_ctx_st* context() const noexcept { return context_; }

 private:
  explicit Tls(ssl_ctx_st* context) noexcept : context_(context) {}

  ssl_ctx_st* const context_;
};

// One connection's. The handshake is done by whichever of write() and read() is called first.
class TlsSession {
 public:
  // Over `fd`, which stays the caller's, to `host`, a name or a literal address.
  TlsSession(const Tls& tls, int fd, std::string host);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  // As Socket's.
  [[nodiscard]] std::expected<std::size_t, Error> write(frame::Bytes bytes);
  [[nodiscard]] std::expected<std::optional<std::size_t>, Error> read(frame::MutableBytes buffer);

  // Whether the handshake is under way and waits for the peer: then writing is no use before something came.
  [[nodiscard]] bool waits_for_peer() const noexcept;
  // Something can be read that poll() does not know of.
  [[nodiscard]] bool has_pending() const noexcept;

 private:
  [[nodiscard]] Error why(int error) const;

  ssl_st* const ssl_;
  const std::string host_;
};

}  // namespace ringcast::client
