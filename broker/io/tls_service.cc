#include "broker/io/tls_service.h"

#include <algorithm>
#include <utility>

#include "broker/io/process.h"

namespace ringcast::io {
namespace {

std::uint32_t share(std::uint32_t of_all, std::uint32_t shards) {
  return std::max(1U, of_all / shards);
}

}  // namespace

std::expected<TlsService::Texts, std::string> TlsService::read(const broker::Config& config) const {
  Texts texts;
  const bool listens = !config_.tls_listen.off() || !config_.admin_tls_listen.off();
  if (listens && (config.tls_certificates.empty() || config.tls_certificates.size() != config.tls_keys.size())) {
    return std::unexpected("tls: it listens with TLS until it is restarted, and needs tls-cert and tls-key");
  }
  const auto add = [&](std::unique_ptr<TlsTexts>& to, const TlsSettings& settings) -> std::expected<void, std::string> {
    auto read = read_tls_files(settings);
    if (!read) return std::unexpected(read.error());
    to = std::make_unique<TlsTexts>(*std::move(read));
    texts.warnings = tls_warnings(*to, now().utc_us);
    return {};
  };
  if (!config_.tls_listen.off()) {
    if (const auto added = add(texts.clients, clients_tls(config)); !added) return std::unexpected(added.error());
  }
  if (!config_.admin_tls_listen.off()) {
    if (const auto added = add(texts.operators, operators_tls(config)); !added) return std::unexpected(added.error());
  }
  return texts;
}

std::expected<std::vector<std::string>, std::string> TlsService::open() {
  auto texts = read(config_);
  if (!texts) return std::unexpected(texts.error());
  texts_ = *std::move(texts);
  return texts_.warnings;
}

std::unique_ptr<TlsShard> TlsService::make_shard(std::uint32_t shards) const {
  if (texts_.clients == nullptr) return nullptr;
  auto context = make_tls_context(*texts_.clients);
  if (!context) return nullptr;  // it was made once already: out of memory
  return std::make_unique<TlsShard>(
      *std::move(context), TlsShard::Limits{.handshakes_max = share(config_.tls_handshakes_max, shards),
                                            .handshakes_per_second = share(config_.tls_handshakes_per_second, shards)});
}

TlsContext TlsService::make_operators() const {
  if (texts_.operators == nullptr) return nullptr;
  auto context = make_tls_context(*texts_.operators);
  return context ? *std::move(context) : nullptr;
}

std::expected<std::vector<std::string>, std::string> TlsService::check(const broker::Config& next, std::size_t shards) {
  auto texts = read(next);
  if (!texts) return std::unexpected(texts.error());
  Contexts contexts;
  for (std::size_t i = 0; texts->clients != nullptr && i < shards; ++i) {
    auto context = make_tls_context(*texts->clients);
    if (!context) return std::unexpected(context.error());
    contexts.shards.push_back(*std::move(context));
  }
  if (texts->operators != nullptr) {
    auto context = make_tls_context(*texts->operators);
    if (!context) return std::unexpected(context.error());
    contexts.operators = *std::move(context);
  }
  next_ = *std::move(texts);
  contexts_ = std::move(contexts);
  return next_.warnings;
}

void TlsService::apply(Fleet& fleet) {
  for (std::size_t i = 0; i < contexts_.shards.size(); ++i) {
    fleet.controls[i].new_tls.put(std::move(contexts_.shards[i]));
  }
  if (contexts_.operators != nullptr) fleet.operators_tls.put(std::move(contexts_.operators));
  contexts_ = {};
  texts_ = std::exchange(next_, {});
  fleet.wake_all();
  fleet.operators.wake();
}

broker::ReloadablePart TlsService::part(Fleet& fleet) {
  return {.name = "certificates",
          .check = [this, shards = fleet.controls.size()](const broker::Config& next) { return check(next, shards); },
          .apply = [this, &fleet](const broker::Config&) -> std::vector<std::string> {
            apply(fleet);
            return {};
          }};
}

}  // namespace ringcast::io
