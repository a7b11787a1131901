// TlsContext: certificates, keys and rules of one TLS listener, as OpenSSL wants them.
//
// Files are read and proved first, all of them, into TlsTexts; from these each thread makes a context of its own, so
// that no thread waits for another's lock in a handshake. A context is not changed: other certificates are another one,
// and connections keep the one that they began with.
//
// Thread: read_tls_files() and make_tls_context() any; a context is one thread's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "broker/config.h"
#include "broker/io/backend.h"

struct ssl_ctx_st;

namespace ringcast::io {

struct FreeTlsContext {
  void operator()(ssl_ctx_st* context) const noexcept;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, FreeTlsContext>;

// A place where one thread leaves a context for another, which takes the newest.
class TlsContextDrop {
 public:
  TlsContextDrop() = default;
  TlsContextDrop(const TlsContextDrop&) = delete;
  TlsContextDrop& operator=(const TlsContextDrop&) = delete;
  ~TlsContextDrop() { FreeTlsContext()(context_.load(std::memory_order_acquire)); }

  // Release: what the context points to is written. Acquire: so is what another one, not taken, points to.
  void put(TlsContext context) noexcept {
    FreeTlsContext()(context_.exchange(context.release(), std::memory_order_acq_rel));
  }
  // Hot path, once a turn: a load. The exchange pairs with put()'s.
  [[nodiscard]] TlsContext take() noexcept {
    if (context_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    return TlsContext(context_.exchange(nullptr, std::memory_order_acq_rel));
  }

 private:
  std::atomic<ssl_ctx_st*> context_ = nullptr;
};

// What session tickets are sealed with (RFC 5077 §4): the same in all contexts, so that a client resumes on any shard,
// and new with each reload, so that nobody resumes what the new certificates would refuse.
using TicketKeys = std::array<std::uint8_t, 80>;

// One listener's files and rules.
struct TlsSettings {
  std::vector<std::string> certificates;  // files; the first is for clients that name no host, or none of ours
  std::vector<std::string> keys;          // files, in the same order
  std::string client_ca;                  // file; who may sign clients' certificates
  broker::ClientAuth client_auth = broker::ClientAuth::none;
  broker::TlsVersion min_version = broker::TlsVersion::v1_2;
};
[[nodiscard]] TlsSettings clients_tls(const broker::Config& config);
[[nodiscard]] TlsSettings operators_tls(const broker::Config& config);

// The files' contents. Keys are wiped when it goes.
class TlsTexts {
 public:
  struct Pair {
    std::string certificate;  // PEM: the leaf, then the chain
    std::string key;          // PEM
  };

  explicit TlsTexts(TlsSettings from) : settings(std::move(from)) {}
  TlsTexts(TlsTexts&&) noexcept = default;
  TlsTexts& operator=(TlsTexts&&) = delete;
  ~TlsTexts();

  TlsSettings settings;
  std::vector<Pair> pairs;
  std::string client_ca;
  TicketKeys ticket_keys{};
};

// Reads and proves all that `settings` name. The error is one line that begins "tls: FILE: " and names the remedy.
[[nodiscard]] std::expected<TlsTexts, std::string> read_tls_files(const TlsSettings& settings);

// Requires texts that read_tls_files() has given; what it has proved does not fail again, but memory may.
[[nodiscard]] std::expected<TlsContext, std::string> make_tls_context(const TlsTexts& texts);

// What is not wrong, but soon will be: certificates that have expired or do within 14 days, keys that other users of
// the machine can read. One line each. `now_us`: UTC.
[[nodiscard]] std::vector<std::string> tls_warnings(const TlsTexts& texts, std::int64_t now_us);

}  // namespace ringcast::io
