#include "broker/io/tls_stage.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cassert>
#include <memory>

#include "broker/freed_by.h"

namespace ringcast::io {
namespace {

TlsWire& wire_of(BIO* bio) {
  return *static_cast<TlsWire*>(BIO_get_data(bio));
}

int wire_read(BIO* bio, char* out, std::size_t size, std::size_t* taken) {
  BIO_clear_retry_flags(bio);
  TlsWire& wire = wire_of(bio);
  *taken = std::min(size, wire.in.size());
  if (*taken == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::copy_n(wire.in.begin(), *taken, out);
  wire.in = wire.in.subspan(*taken);
  return 1;
}

int wire_write(BIO* bio, const char* in, std::size_t size, std::size_t* taken) {
  BIO_clear_retry_flags(bio);
  *taken = 0;
  TlsWire& wire = wire_of(bio);
  std::vector<std::uint8_t>& out = wire.sealed != nullptr ? *wire.sealed : wire.said;
  const std::size_t room = wire.sealed != nullptr ? out.capacity() : kTlsSaidBytesMax;
  if (size > room - std::min(room, out.size())) return 0;  // no retry: the connection fails
  out.insert(out.end(), in, in + size);
  *taken = size;
  return 1;
}

long wire_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* wire_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringcast wire");
    assert(made != nullptr);
    BIO_meth_set_read_ex(made, wire_read);
    BIO_meth_set_write_ex(made, wire_write);
    BIO_meth_set_ctrl(made, wire_control);
    return made;
  }();
  return method;
}

ssl_st* open_ssl(ssl_ctx_st& context, TlsWire& wire) {
  SSL* const ssl = SSL_new(&context);
  BIO* const bio = BIO_new(wire_method());
  assert(ssl != nullptr);  // out of memory, as operator new's
  assert(bio != nullptr);
  BIO_set_data(bio, &wire);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  return ssl;
}

const char* last_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "the connection broke";
}

std::string text_of(const ASN1_STRING* string) {
  if (string == nullptr) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, string);
  if (size < 0) return {};
  std::string text(utf8, utf8 + size);
  OPENSSL_free(utf8);
  // A name with a zero byte or a line end in it is no name: somebody tries to look like another.
  const bool odd = std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  return odd ? std::string() : text;
}

std::string alternative_name(X509& certificate) {
  const std::unique_ptr<GENERAL_NAMES, broker::FreedBy<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (const int wanted : {GEN_EMAIL, GEN_DNS, GEN_URI}) {
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
      const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
      if (name->type != wanted) continue;
      if (std::string text = text_of(name->d.ia5); !text.empty()) return text;
    }
  }
  return {};
}

std::string common_name(X509& certificate) {
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? std::string() : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

}  // namespace

TlsStage::TlsStage(ssl_ctx_st& context, TlsWire& wire) : ssl_(open_ssl(context, wire)), wire_(wire) {}

TlsStage::~TlsStage() {
  SSL_free(ssl_);
}

// What a call that did not succeed means.
void TlsStage::judge(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_ZERO_RETURN:
      state_ = State::closed;
      return;
    default:
      state_ = State::failed;
      why_ = last_reason();
  }
}

TlsStage::State TlsStage::handshake() {
  assert(state_ == State::handshaking);
  ERR_clear_error();  // SSL_get_error looks at what any call before has left there
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    state_ = State::open;
  } else {
    judge(result);
  }
  return state_;
}

std::size_t TlsStage::read(std::span<std::uint8_t> out) {
  if (state_ != State::open) return 0;
  ERR_clear_error();
  std::size_t size = 0;
  const int result = SSL_read_ex(ssl_, out.data(), out.size(), &size);
  if (result != 1) judge(result);
  return size;
}

bool TlsStage::write(std::span<const std::uint8_t> plain, std::vector<std::uint8_t>& sealed) {
  assert(!plain.empty());
  assert(plain.size() <= kTlsRecordBytes);
  assert(state_ == State::open || state_ == State::closed);
  ERR_clear_error();
  wire_.sealed = &sealed;
  std::size_t size = 0;
  const int result = SSL_write_ex(ssl_, plain.data(), plain.size(), &size);
  wire_.sealed = nullptr;
  if (result == 1) return true;
  state_ = State::failed;
  why_ = last_reason();
  return false;
}

void TlsStage::close() {
  if (closed_ || state_ == State::handshaking || state_ == State::failed) return;
  closed_ = true;
  ERR_clear_error();
  (void)SSL_shutdown(ssl_);  // 0: the peer has not said so yet, and need not
}

bool TlsStage::resumed() const noexcept {
  return SSL_session_reused(ssl_) == 1;
}

std::string TlsStage::subject() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return {};
  std::string name = alternative_name(*certificate);
  return name.empty() ? common_name(*certificate) : name;
}

}  // namespace ringcast::io
