#include "broker/io/tls_context.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <string>

#include "tests/io/tls_rig.h"

using namespace ringcast;
using namespace ringcast::io;
using namespace ringcast::io::test;
using State = TlsStage::State;

namespace {

std::string encrypted_key(const Made& made) {
  BIO* const bio = BIO_new(BIO_s_mem());
  char secret[] = "secret";
  PEM_write_bio_PrivateKey(bio, made.key.get(), EVP_aes_128_cbc(), nullptr, 0, nullptr, secret);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

// Which certificate a client gets that asks for `host`.
std::string shown(ssl_ctx_st& context, const std::string& host) {
  TlsClient client({.host = host});
  Server server(context);
  talk(client, server);
  REQUIRE(server.stage.state() == State::open);
  return client.peer_common_name();
}

}  // namespace

TEST_CASE("a wrong file is refused in one line that names it and what to do") {
  Files files;
  const Made right = make_certificate({});
  const Made other = make_certificate({});
  const std::string crt = files.write("right.crt", right.certificate_pem());
  const std::string key = files.write("right.key", right.key_pem());
  const std::string missing = files.path() + "/missing";
  struct Case {
    std::string certificate;
    std::string key;
    std::string says;
  };
  for (const Case& one :
       {Case{missing, key, "tls: " + missing + ": cannot be read: No such file or directory"},
        Case{crt, missing, "tls: " + missing + ": cannot be read: No such file or directory"},
        Case{key, key, ": holds no certificate; PEM is expected"},
        Case{crt, crt, ": holds no private key; PEM is expected"},
        Case{files.write("empty", ""), key, ": holds no certificate"},
        Case{crt, files.write("other.key", other.key_pem()), ": is not the key of " + crt},
        Case{crt, files.write("encrypted.key", encrypted_key(right)), ": is encrypted, and nobody is asked"},
        Case{files.write("large", std::string(1024 * 1024 + 1, 'x')), key, ": is larger than 1 MiB"}}) {
    const auto texts = read_tls_files({.certificates = {one.certificate}, .keys = {one.key}});
    REQUIRE_FALSE(texts.has_value());
    CHECK_MESSAGE(texts.error().contains(one.says), texts.error());
    CHECK(texts.error().starts_with("tls: "));
    CHECK_FALSE(texts.error().contains('\n'));
  }
  const auto authority = read_tls_files(
      {.certificates = {crt}, .keys = {key}, .client_ca = key, .client_auth = broker::ClientAuth::optional});
  REQUIRE_FALSE(authority.has_value());
  CHECK(authority.error().starts_with("tls: " + key + ": holds no certificate"));
}

TEST_CASE("the certificate that names the client's host is shown, else the first") {
  Files files;
  TlsSettings settings;
  files.add("first", make_certificate({.common_name = "first", .names = "DNS:first.example"}), settings);
  files.add("wild", make_certificate({.common_name = "wild", .names = "DNS:*.wild.example"}), settings);
  files.add("one", make_certificate({.common_name = "one", .names = "DNS:one.wild.example,DNS:uno.example"}), settings);
  const TlsTexts texts = texts_of(settings);
  const TlsContext context = context_of(texts);
  CHECK(shown(*context, "") == "first");
  CHECK(shown(*context, "first.example") == "first");
  CHECK(shown(*context, "FIRST.example") == "first");
  CHECK(shown(*context, "a.wild.example") == "wild");
  CHECK(shown(*context, "a.b.wild.example") == "first");
  CHECK(shown(*context, "one.wild.example") == "wild");  // the first that fits
  CHECK(shown(*context, "uno.example") == "one");
  CHECK(shown(*context, "unknown.example") == "first");
}

TEST_CASE("a host with an RSA and an ECDSA certificate shows each client the one that it can read") {
  Files files;
  TlsSettings settings;
  files.add("rsa", make_certificate({.common_name = "rsa", .names = "DNS:both.example", .rsa = true}), settings);
  files.add("ecdsa", make_certificate({.common_name = "ecdsa", .names = "DNS:both.example"}), settings);
  const TlsTexts texts = texts_of(settings);
  const TlsContext context = context_of(texts);
  for (const std::string name : {"RSA", "ECDSA"}) {
    TlsClient client({.version = TLS1_2_VERSION, .host = "both.example"});
    SSL_set_cipher_list(client.ssl(), ("ECDHE-" + name + "-AES128-GCM-SHA256").c_str());
    Server server(*context);
    talk(client, server);
    REQUIRE(server.stage.state() == State::open);
    CHECK(client.peer_common_name() == (name == "RSA" ? "rsa" : "ecdsa"));
  }
}

TEST_CASE("a client's certificate names it: an e-mail address before a host before a URI before the common name") {
  Files files;
  const Made authority = make_certificate({.common_name = "authority", .authority = true});
  TlsSettings settings = plain_settings(files);
  settings.client_ca = files.write("authority.crt", authority.certificate_pem());
  settings.client_auth = broker::ClientAuth::optional;
  const TlsTexts texts = texts_of(settings);
  const TlsContext context = context_of(texts);
  struct Case {
    std::string common_name;
    std::string names;
    std::string subject;
  };
  for (const Case& one :
       {Case{"robot-7", "", "robot-7"}, Case{"robot-7", "IP:127.0.0.1", "robot-7"},
        Case{"robot-7", "URI:spiffe://fleet/7", "spiffe://fleet/7"},
        Case{"robot-7", "URI:spiffe://fleet/7,DNS:r7.example", "r7.example"},
        Case{"robot-7", "DNS:r7.example,email:r7@example.com", "r7@example.com"}, Case{"line\nend", "", ""}}) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      const Made robot = make_certificate({.common_name = one.common_name, .names = one.names, .issuer = &authority});
      TlsClient client({.version = version, .certificate = &robot});
      Server server(*context);
      talk(client, server);
      REQUIRE(server.stage.state() == State::open);
      CHECK(server.stage.subject() == one.subject);
    }
  }
}

TEST_CASE("whose certificate is asked for, and which are refused") {
  Files files;
  const Made authority = make_certificate({.common_name = "authority", .authority = true});
  const Made foreign = make_certificate({.common_name = "foreign", .authority = true});
  const Made good = make_certificate({.common_name = "good", .issuer = &authority});
  const Made bad = make_certificate({.common_name = "good", .issuer = &foreign});
  const Made old = make_certificate({.common_name = "good", .issuer = &authority, .valid_s = -60});
  TlsSettings settings = plain_settings(files);
  settings.client_ca = files.write("authority.crt", authority.certificate_pem());
  using Auth = broker::ClientAuth;
  struct Case {
    Auth auth;
    const Made* certificate;
    bool agreed;
    std::string subject;
  };
  for (const Case& one :
       {Case{Auth::none, nullptr, true, ""}, Case{Auth::none, &bad, true, ""}, Case{Auth::optional, nullptr, true, ""},
        Case{Auth::optional, &good, true, "good"}, Case{Auth::optional, &bad, false, ""},
        Case{Auth::optional, &old, false, ""}, Case{Auth::required, nullptr, false, ""},
        Case{Auth::required, &good, true, "good"}, Case{Auth::required, &bad, false, ""}}) {
    settings.client_auth = one.auth;
    const TlsTexts texts = texts_of(settings);
    const TlsContext context = context_of(texts);
    TlsClient client({.certificate = one.certificate});
    Server server(*context);
    talk(client, server);
    CHECK((server.stage.state() == State::open) == one.agreed);
    if (one.agreed) CHECK(server.stage.subject() == one.subject);
  }
}

TEST_CASE("who resumes is still who it was") {
  Files files;
  const Made authority = make_certificate({.common_name = "authority", .authority = true});
  const Made robot = make_certificate({.common_name = "robot", .issuer = &authority});
  TlsSettings settings = plain_settings(files);
  settings.client_ca = files.write("authority.crt", authority.certificate_pem());
  settings.client_auth = broker::ClientAuth::required;
  const TlsTexts texts = texts_of(settings);
  const TlsContext context = context_of(texts);
  TlsClient first({.certificate = &robot});
  Server server(*context);
  talk(first, server);
  (void)first.read();
  const Ssl<SSL_SESSION> session = first.session();
  TlsClient again({.certificate = &robot, .session = session.get()});
  Server other(*context);
  talk(again, other);
  CHECK(other.stage.resumed());
  CHECK(other.stage.subject() == "robot");
}

TEST_CASE("what expires soon, and keys that all can read, are warned of") {
  Files files;
  constexpr long kDay = 86'400;
  const auto warnings = [&](long valid_s, mode_t mode) {
    TlsSettings settings;
    files.add("one", make_certificate({.valid_s = valid_s}), settings);
    ::chmod(settings.keys.front().c_str(), mode);
    const TlsTexts texts = texts_of(settings);
    return tls_warnings(texts, ::time(nullptr) * 1'000'000LL);
  };
  CHECK(warnings(15 * kDay, 0600).empty());
  CHECK(warnings(15 * kDay, 0640).empty());
  REQUIRE(warnings(13 * kDay, 0600).size() == 1);
  CHECK(warnings(13 * kDay, 0600).front().ends_with("one.crt: expires within 14 days"));
  CHECK(warnings(-60, 0600).front().contains("one.crt: has expired"));
  CHECK(warnings(15 * kDay, 0644).front().contains("one.key: can be read by every user of this machine: chmod o-r"));
}
