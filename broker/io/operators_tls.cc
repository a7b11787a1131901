// The TLS of operators' connections: few of them, so each is sent to at once.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "broker/io/operators.h"

namespace ringcast::io {

void Operators::received_sealed(Peer& peer, Bytes bytes, const Now& now) {
  TlsStage& stage = peer.tls->stage;
  wire_.in = bytes;
  if (stage.state() == TlsStage::State::handshaking) {
    peer.tls->handshake_bytes += static_cast<std::uint32_t>(bytes.size());
    if (peer.tls->handshake_bytes <= kTlsHandshakeBytesMax) (void)stage.handshake();
  }
  std::array<std::uint8_t, kTlsRecordBytes> plain;
  while (const std::size_t size = stage.read(plain)) {
    // What comes behind the end of the last answer is nobody's.
    if (peer.session.ended()) break;
    peer.session.received({reinterpret_cast<const char*>(plain.data()), size}, now);
  }
  wire_.in = {};
  take_said(peer);
  if (stage.state() == TlsStage::State::closed) peer.session.peer_finished();
}

void Operators::take_said(Peer& peer) {
  peer.tls->owed.insert(peer.tls->owed.end(), wire_.said.begin(), wire_.said.end());
  wire_.said.clear();
}

// Seals a record of the session's output at a time, once all before it has gone.
bool Operators::send_sealed(Peer& peer, const Now& now) {
  TlsConnection& tls = *peer.tls;
  for (;;) {
    if (tls.owed.size() > kTlsSaidBytesMax || tls.handshake_bytes > kTlsHandshakeBytesMax) return false;
    while (!tls.owed.empty()) {
      const ssize_t size = ::send(peer.fd.get(), tls.owed.data(), tls.owed.size(), MSG_NOSIGNAL);
      if (size < 0) return errno == EAGAIN || errno == EINTR;
      tls.owed.erase(tls.owed.begin(), tls.owed.begin() + size);
    }
    if (tls.stage.state() == TlsStage::State::failed) return false;
    // Before the end of a handshake there is nothing in which a late peer could be told so.
    if (tls.stage.state() == TlsStage::State::handshaking) return !peer.session.ended();
    const std::string_view output = peer.session.output().substr(0, kTlsRecordBytes);
    if (output.empty()) {
      if (!peer.session.ended() || peer.answering) return true;
      tls.stage.close();
      take_said(peer);
      if (tls.owed.empty()) return true;
      continue;
    }
    sealed_.clear();
    if (!tls.stage.write({reinterpret_cast<const std::uint8_t*>(output.data()), output.size()}, sealed_)) return false;
    tls.owed = sealed_;
    peer.session.sent(output.size(), now);
  }
}

}  // namespace ringcast::io
