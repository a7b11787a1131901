// TlsService: the TLS of the process: reads certificates at start-up, gives each thread its context, and reloads.
//
// Thread: main's.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "broker/config.h"
#include "broker/io/tls_context.h"
#include "broker/io/tls_shard.h"
#include "broker/io/worker.h"
#include "broker/reload.h"

namespace ringcast::io {

class TlsService {
 public:
  explicit TlsService(const broker::Config& config) : config_(config) {}

  // Reads what the configured listeners need; nothing where none is. Returns warnings, one line each; the error is one
  // line with its remedy.
  [[nodiscard]] std::expected<std::vector<std::string>, std::string> open();

  // One shard's; null where clients have no TLS.
  [[nodiscard]] std::unique_ptr<TlsShard> make_shard(std::uint32_t shards) const;
  // The operators' thread's; null where they have none.
  [[nodiscard]] TlsContext make_operators() const;

  // Certificates, keys and authorities, read anew: for connections that begin from then on, at each thread's next turn.
  // The service and the fleet outlive the part.
  [[nodiscard]] broker::ReloadablePart part(Fleet& fleet);

 private:
  struct Texts {
    std::unique_ptr<TlsTexts> clients;
    std::unique_ptr<TlsTexts> operators;
    std::vector<std::string> warnings;
  };
  struct Contexts {
    std::vector<TlsContext> shards;
    TlsContext operators;
  };
  [[nodiscard]] std::expected<Texts, std::string> read(const broker::Config& config) const;
  [[nodiscard]] std::expected<std::vector<std::string>, std::string> check(const broker::Config& next,
                                                                           std::size_t shards);
  void apply(Fleet& fleet);

  const broker::Config& config_;
  Texts texts_;
  Texts next_;         // checked,
  Contexts contexts_;  // and made
};

}  // namespace ringcast::io
