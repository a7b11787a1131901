#include "tests/io/tls_rig.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace ringcast::io::test {
namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

void extend(X509* certificate, X509* issuer, int extension, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, &context, extension, value.c_str());
  REQUIRE(made != nullptr);
  X509_add_ext(certificate, made, -1);
  X509_EXTENSION_free(made);
}

}  // namespace

std::string Made::certificate_pem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate.get());
  return text_of(bio);
}

std::string Made::key_pem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio);
}

Made make_certificate(const MakeOptions& options) {
  static long serial = 0;
  Made made{.certificate = Ssl<X509>(X509_new()),
            .key = Ssl<EVP_PKEY>(options.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"))};
  X509* const certificate = made.certificate.get();
  X509* const issuer = options.issuer == nullptr ? certificate : options.issuer->certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.valid_s);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* const subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.common_name.data()),
                             static_cast<int>(options.common_name.size()), -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  extend(certificate, issuer, NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!options.names.empty()) extend(certificate, issuer, NID_subject_alt_name, options.names);
  EVP_PKEY* const signer = options.issuer == nullptr ? made.key.get() : options.issuer->key.get();
  REQUIRE(X509_sign(certificate, signer, EVP_sha256()) > 0);
  return made;
}

Files::Files() {
  std::string path = "/tmp/ringcast_tls_XXXXXX";
  REQUIRE(::mkdtemp(path.data()) != nullptr);
  path_ = path;
}

Files::~Files() {
  for (const std::string& file : written_) ::unlink(file.c_str());
  ::rmdir(path_.c_str());
}

std::string Files::write(const std::string& name, const std::string& text) {
  const std::string path = path_ + "/" + name;
  std::FILE* const file = std::fopen(path.c_str(), "we");
  REQUIRE(file != nullptr);
  REQUIRE(std::fwrite(text.data(), 1, text.size(), file) == text.size());
  REQUIRE(std::fclose(file) == 0);
  ::chmod(path.c_str(), 0600);
  if (std::ranges::find(written_, path) == written_.end()) written_.push_back(path);
  return path;
}

void Files::add(const std::string& name, const Made& made, TlsSettings& settings) {
  settings.certificates.push_back(write(name + ".crt", made.certificate_pem()));
  settings.keys.push_back(write(name + ".key", made.key_pem()));
}

TlsClient::TlsClient(const ClientOptions& options)
    : context_(SSL_CTX_new(TLS_client_method())), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
  if (options.security >= 0) SSL_CTX_set_security_level(context_.get(), options.security);
  SSL_CTX_set_min_proto_version(context_.get(), options.version);
  SSL_CTX_set_max_proto_version(context_.get(), options.version);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_connect_state(ssl_.get());
  if (!options.host.empty()) SSL_set_tlsext_host_name(ssl_.get(), options.host.c_str());
  if (options.certificate != nullptr) {
    SSL_use_certificate(ssl_.get(), options.certificate->certificate.get());
    SSL_use_PrivateKey(ssl_.get(), options.certificate->key.get());
  }
  if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
  std::string protocols;
  for (const std::string& name : options.protocols) (protocols += static_cast<char>(name.size())) += name;
  if (!protocols.empty()) {
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  }
}

bool TlsClient::handshake() {
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1 && SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) failed = true;
  return result == 1;
}

void TlsClient::write(std::string_view plain) {
  REQUIRE(SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())) == static_cast<int>(plain.size()));
}

std::string TlsClient::read() {
  std::string plain;
  std::array<char, 20'000> buffer;
  for (;;) {
    const int size = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (size <= 0) {
      const int error = SSL_get_error(ssl_.get(), size);
      if (error == SSL_ERROR_ZERO_RETURN) closed = true;
      if (error == SSL_ERROR_SSL) failed = true;
      return plain;
    }
    plain.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

std::string TlsClient::take() {
  std::string sealed(BIO_ctrl_pending(out_), '\0');
  if (!sealed.empty()) BIO_read(out_, sealed.data(), static_cast<int>(sealed.size()));
  return sealed;
}

void TlsClient::give(std::string_view sealed) {
  if (!sealed.empty()) BIO_write(in_, sealed.data(), static_cast<int>(sealed.size()));
}

std::string TlsClient::peer_common_name() {
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
  return name.data();
}

std::string Server::give(std::string_view sealed, std::size_t piece) {
  std::array<std::uint8_t, kTlsRecordBytes> buffer;
  for (std::size_t at = 0; at < sealed.size();) {
    const std::string_view part = sealed.substr(at, piece);
    at += part.size();
    wire.in = {reinterpret_cast<const std::uint8_t*>(part.data()), part.size()};
    if (stage.state() == TlsStage::State::handshaking) (void)stage.handshake();
    while (const std::size_t size = stage.read(buffer))
      plain.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
    wire.in = {};
  }
  return take_said();
}

std::string Server::take_said() {
  std::string said(wire.said.begin(), wire.said.end());
  wire.said.clear();
  return said;
}

std::string Server::seal(std::string_view text) {
  std::vector<std::uint8_t> sealed;
  sealed.reserve(kTlsSealedBytesMax);
  REQUIRE(stage.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, sealed));
  return {sealed.begin(), sealed.end()};
}

void talk(TlsClient& client, Server& server, std::size_t piece) {
  for (int rounds = 0; rounds < 10; ++rounds) {
    (void)client.handshake();
    const std::string asked = client.take();
    const std::string answer = server.give(asked, piece);
    client.give(answer);
    if (asked.empty() && answer.empty()) return;
  }
  FAIL("they never stop");
}

TlsSettings plain_settings(Files& files) {
  TlsSettings settings;
  files.add("localhost", make_certificate({.common_name = "localhost", .names = "DNS:localhost"}), settings);
  return settings;
}

TlsTexts texts_of(const TlsSettings& settings) {
  auto texts = read_tls_files(settings);
  if (!texts) FAIL(texts.error());
  return *std::move(texts);
}

TlsContext context_of(const TlsTexts& texts) {
  auto context = make_tls_context(texts);
  if (!context) FAIL(context.error());
  return *std::move(context);
}

}  // namespace ringcast::io::test
