#include "broker/io/tls_stage.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/io/tls_rig.h"

using namespace ringcast;
using namespace ringcast::io;
using namespace ringcast::io::test;
using State = TlsStage::State;

namespace {

struct Scene {
  Files files;
  TlsSettings settings = plain_settings(files);
  TlsTexts texts = texts_of(settings);
  TlsContext context = context_of(texts);
};

// One TLS shares the scene's certificate: making one takes longer than a handshake.
Scene& scene() {
  static Scene one;
  return one;
}

}  // namespace

TEST_CASE("a client and a stage agree in pieces of every size, and understand each other") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{100}, SIZE_MAX}) {
      CAPTURE(version);
      CAPTURE(piece);
      TlsClient client({.version = version});
      Server server(*scene().context);
      talk(client, server, piece);
      REQUIRE(server.stage.state() == State::open);
      client.write("from the client");
      CHECK(server.give(client.take(), piece).empty());
      CHECK(server.plain == "from the client");
      client.give(server.seal("from the stage"));
      CHECK(client.read() == "from the stage");
    }
  }
}

TEST_CASE("a client's first words may be cut at every place") {
  TlsClient measured({});
  (void)measured.handshake();
  const std::size_t size = measured.take().size();
  REQUIRE(size > 100);
  for (std::size_t cut = 1; cut < size; cut += cut < 20 ? 1 : 23) {
    TlsClient client({});
    Server server(*scene().context);
    (void)client.handshake();
    const std::string hello = client.take();
    CHECK(server.give(std::string_view(hello).substr(0, cut)).empty());
    REQUIRE(server.stage.state() == State::handshaking);
    client.give(server.give(std::string_view(hello).substr(cut)));
    talk(client, server);
    CHECK(server.stage.state() == State::open);
  }
}

TEST_CASE("records may be cut at every place, and come several at once") {
  TlsClient client({});
  Server server(*scene().context);
  talk(client, server);
  client.write("one");
  const std::size_t size = client.take().size();
  TlsClient other({});
  Server far(*scene().context);
  talk(other, far);
  for (std::size_t cut = 0; cut <= 2 * size; ++cut) {
    far.plain.clear();
    other.write("two");
    other.write("six");
    const std::string sealed = other.take();
    REQUIRE(sealed.size() == 2 * size);
    (void)far.give(std::string_view(sealed).substr(0, cut));
    CHECK(far.plain == std::string("twosix").substr(0, cut / size * 3));
    (void)far.give(std::string_view(sealed).substr(cut));
    CHECK(far.plain == "twosix");
  }
}

TEST_CASE("what follows the client's last words of the handshake at once is read") {
  TlsClient client({});
  Server server(*scene().context);
  (void)client.handshake();
  client.give(server.give(client.take()));
  REQUIRE(client.handshake());
  client.write("GET / HTTP/1.1\r\n\r\n");
  (void)server.give(client.take());
  CHECK(server.stage.state() == State::open);
  CHECK(server.plain == "GET / HTTP/1.1\r\n\r\n");
}

TEST_CASE("the largest record fits where the connection layer puts it, and one that does not fails the connection") {
  TlsClient client({});
  Server server(*scene().context);
  talk(client, server);
  const std::string plain(kTlsRecordBytes, 'x');
  const std::string sealed = server.seal(plain);
  CHECK(sealed.size() > kTlsRecordBytes);
  CHECK(sealed.size() <= kTlsSealedBytesMax);
  client.give(sealed);
  CHECK(client.read() == plain);
  std::vector<std::uint8_t> narrow;
  narrow.reserve(kTlsRecordBytes);
  CHECK_FALSE(server.stage.write({reinterpret_cast<const std::uint8_t*>(plain.data()), plain.size()}, narrow));
  CHECK(server.stage.state() == State::failed);
}

TEST_CASE("TLS 1.1 is refused with an alert, and so is 1.2 where 1.3 is the least") {
  struct Case {
    broker::TlsVersion least;
    int offered;
    bool agreed;
  };
  for (const Case& one :
       {Case{broker::TlsVersion::v1_2, TLS1_1_VERSION, false}, Case{broker::TlsVersion::v1_2, TLS1_2_VERSION, true},
        Case{broker::TlsVersion::v1_3, TLS1_2_VERSION, false}, Case{broker::TlsVersion::v1_3, TLS1_3_VERSION, true}}) {
    CAPTURE(one.offered);
    TlsSettings settings = scene().settings;
    settings.min_version = one.least;
    const TlsTexts texts = texts_of(settings);
    const TlsContext context = context_of(texts);
    TlsClient client({.version = one.offered, .security = 0});
    Server server(*context);
    (void)client.handshake();
    const std::string answer = server.give(client.take());
    CHECK((server.stage.state() != State::failed) == one.agreed);
    if (one.agreed) continue;
    CHECK(server.stage.why() == "unsupported protocol");
    CHECK(answer.at(0) == 21);  // an alert, RFC 8446 §5.1
    CHECK(answer.at(6) == 70);  // protocol_version, §6
  }
}

TEST_CASE("plain HTTP on the TLS port, and noise, fail the connection") {
  for (const std::string_view noise :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("\x16\x03\x01\xff\xff"),
        std::string_view("\0\0\0\0\0\0\0\0", 8)}) {
    Server server(*scene().context);
    (void)server.give(noise);
    CHECK(server.stage.state() == State::failed);
    CHECK_FALSE(server.stage.why().empty());
  }
}

TEST_CASE("a record that was changed on its way fails the connection") {
  TlsClient client({});
  Server server(*scene().context);
  talk(client, server);
  client.write("transfer 100");
  std::string sealed = client.take();
  sealed.back() = static_cast<char>(sealed.back() ^ 1);
  CHECK_FALSE(server.give(sealed).empty());  // bad_record_mac
  CHECK(server.stage.state() == State::failed);
  CHECK(server.plain.empty());
}

TEST_CASE("HTTP/1.1 is chosen, and a client that only speaks others is told so") {
  struct Case {
    std::vector<std::string> offered;
    bool agreed;
    std::string chosen;
  };
  for (const Case& one : {Case{{}, true, ""}, Case{{"http/1.1"}, true, "http/1.1"},
                          Case{{"h2", "http/1.1"}, true, "http/1.1"}, Case{{"h2"}, false, ""}}) {
    TlsClient client({.protocols = one.offered});
    Server server(*scene().context);
    talk(client, server);
    CHECK((server.stage.state() == State::open) == one.agreed);
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.ssl(), &name, &size);
    CHECK(std::string(name, name + size) == one.chosen);
  }
}

TEST_CASE("a client that wants to renegotiate is refused and goes on as before") {
  TlsClient client({.version = TLS1_2_VERSION});
  Server server(*scene().context);
  talk(client, server);
  REQUIRE(SSL_renegotiate(client.ssl()) == 1);
  (void)client.handshake();
  client.give(server.give(client.take()));
  CHECK(server.stage.state() == State::open);
  (void)client.handshake();
  CHECK(client.failed);  // no_renegotiation
}

TEST_CASE("the end is said once, by either side") {
  TlsClient client({});
  Server server(*scene().context);
  talk(client, server);
  client.give(server.seal("last words"));
  server.stage.close();
  client.give(server.take_said());
  CHECK(client.read() == "last words");
  CHECK(client.closed);
  server.stage.close();
  CHECK(server.take_said().empty());
  (void)SSL_shutdown(client.ssl());
  (void)server.give(client.take());
  CHECK(server.stage.state() == State::closed);
}

TEST_CASE("a session is resumed on another shard, but not after a reload") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    TlsClient first({.version = version});
    Server server(*scene().context);
    talk(first, server);
    (void)first.read();  // takes the tickets
    CHECK_FALSE(server.stage.resumed());
    const Ssl<SSL_SESSION> session = first.session();
    const TlsContext shard = context_of(scene().texts);
    const TlsTexts read_again = texts_of(scene().settings);
    const TlsContext reloaded = context_of(read_again);
    struct Case {
      ssl_ctx_st& context;
      bool resumes;
    };
    for (const Case& one : {Case{*shard, true}, Case{*reloaded, false}}) {
      TlsClient again({.version = version, .session = session.get()});
      Server other(one.context);
      talk(again, other);
      REQUIRE(other.stage.state() == State::open);
      CHECK(other.stage.resumed() == one.resumes);
    }
  }
}
