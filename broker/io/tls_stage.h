// TlsStage: the TLS of one connection, as bytes in and bytes out. Pure: it knows no socket and no clock.
//
// OpenSSL reads what lies in the TlsWire that all stages of a thread share, and writes there; so a connection that is
// idle owns no buffer. Each call uses up what was laid in the wire, as far as it can be: a record that is not complete
// is kept by OpenSSL until its rest comes.
//
// Thread: the wire's, which is a shard's or the operators'.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace ringcast::io {

inline constexpr std::size_t kTlsRecordBytes = std::size_t{16} * 1024;        // plaintext of one, RFC 8446 §5.1
inline constexpr std::size_t kTlsSealedBytesMax = kTlsRecordBytes + 1024;     // ciphertext of one, and a key update's
inline constexpr std::size_t kTlsSaidBytesMax = std::size_t{128} * 1024;      // handshake flights: a chain of 100 KiB
inline constexpr std::size_t kTlsHandshakeBytesMax = std::size_t{64} * 1024;  // of a peer: a hello, a chain

// What passes between OpenSSL and us, one connection at a time.
struct TlsWire {
  std::span<const std::uint8_t> in;  // ciphertext that came
  std::vector<std::uint8_t> said;    // ciphertext that is to go: what the stage says by itself. The caller takes it
  std::vector<std::uint8_t>* sealed = nullptr;  // where else what is written goes, during write()
};

class TlsStage {
 public:
  enum class State : std::uint8_t {
    handshaking,
    open,
    closed,  // the peer has said that it sends no more (close_notify); it may be written to
    failed,  // nothing can be read or written; an alert that says why may be in wire.said
  };

  // The server's side of a new connection. `wire` outlives the stage; the context is referenced.
  TlsStage(ssl_ctx_st& context, TlsWire& wire);
  TlsStage(const TlsStage&) = delete;
  TlsStage& operator=(const TlsStage&) = delete;
  ~TlsStage();

  [[nodiscard]] State state() const noexcept { return state_; }
  // Why it failed, in OpenSSL's words: "unsupported protocol", "no shared cipher", "certificate verify failed".
  [[nodiscard]] std::string_view why() const noexcept { return why_; }

  // Goes on with the handshake. What follows it in wire.in is left there for read().
  State handshake();
  // Decrypts into `out`; 0: no record is complete, or state() has changed.
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> out);
  // Appends the ciphertext of `plain`, at most kTlsRecordBytes and not empty, to `sealed`, which is not made to grow
  // beyond its capacity. False: state() is failed.
  [[nodiscard]] bool write(std::span<const std::uint8_t> plain, std::vector<std::uint8_t>& sealed);
  // Says that nothing more will be written (close_notify), once.
  void close();

  // ---- once it is open ----

  [[nodiscard]] bool resumed() const noexcept;
  // Whom the client's certificate names: its first e-mail address, host name or URI (subjectAltName), else its common
  // name. Empty: it has shown none.
  [[nodiscard]] std::string subject() const;

 private:
  void judge(int result);

  ssl_st* const ssl_;
  TlsWire& wire_;
  const char* why_ = "";
  State state_ = State::handshaking;
  bool closed_ = false;  // close() was called
};

}  // namespace ringcast::io
