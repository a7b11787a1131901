#include "client/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace ringcast::client {
namespace {

// SSL_set_tlsext_host_name(), which is a macro with a C cast.
bool set_server_name(SSL* ssl, const std::string& host) {
  char* const name = const_cast<char*>(host.c_str());  // it is copied
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1;
}

std::unexpected<Error> wrong_file(const std::string& file, const std::string& option) {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason =
      ERR_GET_LIB(code) == ERR_LIB_SYS ? std::strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
  std::string text = file + " cannot be used: " + (reason == nullptr ? "no reason given" : reason);
  ERR_clear_error();
  return std::unexpected(
      Error{.failure = Failure::usage, .text = std::move(text), .remedy = "check " + option + ", a PEM file"});
}

// OpenSSL's own would raise SIGPIPE, which ends a program that uses this library.
int socket_write(BIO* bio, const char* in, std::size_t size, std::size_t* taken) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t count = ::send(fd, in, size, MSG_NOSIGNAL);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) BIO_set_retry_write(bio);
    return 0;
  }
  *taken = static_cast<std::size_t>(count);
  return 1;
}

int socket_read(BIO* bio, char* out, std::size_t size, std::size_t* taken) {
  BIO_clear_retry_flags(bio);
  const auto fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  const ssize_t count = ::recv(fd, out, size, 0);
  if (count <= 0) {
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return 0;
  }
  *taken = static_cast<std::size_t>(count);
  return 1;
}

long socket_control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringcast socket");
    assert(made != nullptr);
    BIO_meth_set_write_ex(made, socket_write);
    BIO_meth_set_read_ex(made, socket_read);
    BIO_meth_set_ctrl(made, socket_control);
    return made;
  }();
  return method;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

ssl_st* open_session(const Tls& tls, int fd, const std::string& host) {
  SSL* const ssl = SSL_new(tls.context());
  BIO* const bio = BIO_new(socket_method());
  assert(ssl != nullptr);  // out of memory, as operator new's
  assert(bio != nullptr);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_connect_state(ssl);
  int set = 0;
  if (is_address(host)) {
    set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    set = SSL_set1_host(ssl, host.c_str()) == 1 ? set_server_name(ssl, host) : 0;
  }
  // Where the name cannot be checked nothing can be trusted.
  if (set != 1) SSL_set_verify(ssl, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 0; });
  return ssl;
}

}  // namespace

std::expected<std::unique_ptr<Tls>, Error> Tls::open(const TlsFiles& files) {
  if (files.certificate.empty() != files.key.empty()) {
    return std::unexpected(Error{.failure = Failure::usage,
                                 .text = "a certificate needs its key, and a key its certificate",
                                 .remedy = "give both --cert and --key"});
  }
  ERR_clear_error();
  std::unique_ptr<Tls> tls(new Tls(SSL_CTX_new(TLS_client_method())));
  SSL_CTX* const context = tls->context_;
  assert(context != nullptr);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // WebSocket and HTTP say themselves where they end.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  static constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, kProtocols, sizeof kProtocols - 1);
  if (files.ca.empty()) {
    (void)SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_file(context, files.ca.c_str()) != 1) {
    return wrong_file(files.ca, "--ca");
  }
  if (!files.certificate.empty()) {
    SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
      return wrong_file(files.certificate, "--cert");
    }
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
      return wrong_file(files.key, "--key");
    }
  }
  return tls;
}

Tls::~Tls() {
  SSL_CTX_free(context_);
}

TlsSession::TlsSession(const Tls& tls, int fd, std::string host)
    : ssl_(open_session(tls, fd, host)), host_(std::move(host)) {}

TlsSession::~TlsSession() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_) == 1) (void)SSL_shutdown(ssl_);  // close_notify, if the socket takes it
  SSL_free(ssl_);
}

Error TlsSession::why(int error) const {
  const long verified = SSL_get_verify_result(ssl_);
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  const int system = errno;
  ERR_clear_error();
  if (verified != X509_V_OK && SSL_is_init_finished(ssl_) != 1) {
    return {.failure = Failure::usage,  // trying again would not help
            .text = "the certificate of " + host_ + " is not to be trusted: " + X509_verify_cert_error_string(verified),
            .remedy = "name its authority with --ca, or the host as the certificate does"};
  }
  if (reason == nullptr) reason = error == SSL_ERROR_SYSCALL && system != 0 ? std::strerror(system) : "no reason given";
  if (SSL_is_init_finished(ssl_) == 1) {
    return {.failure = Failure::closed, .text = "lost the connection to " + host_ + ": TLS: " + reason, .remedy = {}};
  }
  return {.failure = Failure::protocol,
          .text = "no TLS with " + host_ + ": " + reason,
          .remedy = "is it a TLS port, and does it want a certificate (--cert, --key)?"};
}

std::expected<std::size_t, Error> TlsSession::write(frame::Bytes bytes) {
  if (bytes.empty()) return 0;
  ERR_clear_error();
  errno = 0;
  std::size_t size = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &size);
  if (result == 1) return size;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
  return std::unexpected(why(error));
}

// Fills the buffer as far as it can: whoever gets less knows that nothing is left behind.
std::expected<std::optional<std::size_t>, Error> TlsSession::read(frame::MutableBytes buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    ERR_clear_error();
    errno = 0;
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl_, buffer.data() + filled, buffer.size() - filled, &size);
    if (result == 1) {
      filled += size;
      continue;
    }
    if (filled > 0) return filled;  // an end or an error comes again
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return std::nullopt;
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    return std::unexpected(why(error));
  }
  return filled;
}

bool TlsSession::waits_for_peer() const noexcept {
  return SSL_is_init_finished(ssl_) != 1 && SSL_want_write(ssl_) == 0;
}

bool TlsSession::has_pending() const noexcept {
  return SSL_has_pending(ssl_) == 1;
}

}  // namespace ringcast::client
