// What the tests of TLS share: certificates made here and now, and OpenSSL's own client over memory.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/io/tls_context.h"
#include "broker/io/tls_stage.h"

namespace ringcast::io::test {

struct FreeSsl {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
template <typename T>
using Ssl = std::unique_ptr<T, FreeSsl>;

struct Made {
  Ssl<X509> certificate;
  Ssl<EVP_PKEY> key;

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] std::string key_pem() const;
};

struct MakeOptions {
  std::string common_name = "test";
  std::string names;             // subjectAltName, as "DNS:a.example,DNS:*.b.example"; empty: none
  const Made* issuer = nullptr;  // null: it signs itself
  bool authority = false;
  long valid_s = 3600;
  bool rsa = false;
};
[[nodiscard]] Made make_certificate(const MakeOptions& options);

// A directory of its own, removed in the end.
class Files {
 public:
  Files();
  ~Files();
  // Writes a file; returns its path.
  std::string write(const std::string& name, const std::string& text);
  // Certificate and key of `made` as NAME.crt and NAME.key, added to the settings.
  void add(const std::string& name, const Made& made, TlsSettings& settings);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> written_;
};

struct ClientOptions {
  int version = TLS1_3_VERSION;  // exactly this one
  std::string host;              // SNI; empty: none
  std::vector<std::string> protocols;
  const Made* certificate = nullptr;
  SSL_SESSION* session = nullptr;
  int security = -1;  // level; -1: OpenSSL's own
};

// OpenSSL's client between two memory BIOs.
class TlsClient {
 public:
  explicit TlsClient(const ClientOptions& options);
  // Goes on with the handshake; true when it is complete.
  bool handshake();
  void write(std::string_view plain);
  // What can be decrypted of what came.
  std::string read();
  // What is to be sent.
  [[nodiscard]] std::string take();
  void give(std::string_view sealed);
  [[nodiscard]] SSL* ssl() { return ssl_.get(); }
  // The newest ticket.
  [[nodiscard]] Ssl<SSL_SESSION> session() { return Ssl<SSL_SESSION>(SSL_get1_session(ssl_.get())); }
  [[nodiscard]] std::string peer_common_name();
  bool failed = false;
  bool closed = false;  // the stage has said close_notify

 private:
  Ssl<SSL_CTX> context_;
  Ssl<SSL> ssl_;
  BIO* in_;   // the SSL's
  BIO* out_;  // the SSL's
};

// A stage, and what it gave.
struct Server {
  explicit Server(ssl_ctx_st& context) : stage(context, wire) {}
  // Hands in `sealed` in pieces of `piece` bytes; returns what the stage says to it.
  std::string give(std::string_view sealed, std::size_t piece = SIZE_MAX);
  std::string take_said();
  std::string seal(std::string_view plain);

  TlsWire wire;
  TlsStage stage;
  std::string plain;  // what it read so far
};

// Both go on until neither has anything to say.
void talk(TlsClient& client, Server& server, std::size_t piece = SIZE_MAX);

// Settings with one certificate for "localhost" in `files`.
[[nodiscard]] TlsSettings plain_settings(Files& files);
// The texts and a context of `settings`, which must be right.
[[nodiscard]] TlsTexts texts_of(const TlsSettings& settings);
[[nodiscard]] TlsContext context_of(const TlsTexts& texts);

}  // namespace ringcast::io::test
