#include "broker/config.h"

#include "broker/net_address.h"
#include "broker/option_value.h"
#include "broker/permissions.h"

namespace ringcast::broker {
namespace {

std::expected<void, std::string> check_tls(const Config& config) {
  if (config.tls_certificates.size() != config.tls_keys.size()) {
    return std::unexpected("there are " + std::to_string(config.tls_certificates.size()) + " tls-cert, but " +
                           std::to_string(config.tls_keys.size()) +
                           " tls-key: give each certificate its key, in the same order");
  }
  const bool listens = !config.tls_listen.off() || !config.admin_tls_listen.off();
  if (listens && config.tls_certificates.empty()) {
    return std::unexpected("TLS needs a certificate and its key: set tls-cert and tls-key");
  }
  if (!listens && !config.tls_certificates.empty()) {
    return std::unexpected(
        "tls-cert is set, but nothing listens with TLS: set tls-listen, such as 0.0.0.0:8443, or admin-tls-listen");
  }
  const bool asks = config.tls_client_auth != ClientAuth::none || config.admin_tls_client_auth != ClientAuth::none;
  if (asks && config.tls_client_ca.empty()) {
    return std::unexpected("clients' certificates are asked for, but nobody may sign them: set tls-client-ca");
  }
  if (!asks && !config.tls_client_ca.empty()) {
    return std::unexpected(
        "tls-client-ca is set, but nobody is asked for a certificate: set tls-client-auth or admin-tls-client-auth");
  }
  return {};
}

std::expected<void, std::string> check_auth(const Config& config) {
  for (const auto* filters : {&config.anonymous_publish, &config.anonymous_subscribe}) {
    if (const auto valid = filters_for(*filters, ""); !valid) {
      const std::string_view name = filters == &config.anonymous_publish ? "anonymous-publish" : "anonymous-subscribe";
      return std::unexpected(std::string(name) + ": " + valid.error());
    }
  }
  if (config.token_keys.empty() && (!config.token_issuer.empty() || !config.token_audiences.empty())) {
    return std::unexpected(
        "token-issuer and token-audience are said of tokens, of which there are none: token-key is missing");
  }
  for (const std::string& proxy : config.trusted_proxies) {
    if (const auto network = parse_range(proxy); !network) {
      return std::unexpected("trusted-proxy: \"" + proxy + "\" " + network.error());
    }
  }
  return {};
}

// No two listeners share an address, and each port is somewhere.
std::expected<void, std::string> check_listeners(const Config& config) {
  struct Listener {
    std::string_view name;
    const Address& address;
  };
  const Listener listeners[] = {{"listen", config.listen},
                                {"tls-listen", config.tls_listen},
                                {"admin", config.admin},
                                {"admin-tls-listen", config.admin_tls_listen}};
  if (config.listen.off() && config.tls_listen.off()) {
    return std::unexpected("listen and tls-listen are both off: clients need one of them");
  }
  if (config.admin.off() && config.admin_tls_listen.off()) {
    return std::unexpected("admin and admin-tls-listen are both off: operators need one of them");
  }
  for (const Listener& one : listeners) {
    for (const Listener& other : listeners) {
      if (&one == &other || one.address.off() || one.address.port == 0 || one.address != other.address) continue;
      return std::unexpected(std::string(one.name) + " and " + std::string(other.name) + " are both " +
                             address_text(one.address) + ": give " + std::string(other.name) + " a port of its own");
    }
  }
  return {};
}

}  // namespace

std::expected<void, std::string> check_config(const Config& config) {
  const std::uint64_t outbox_needed = config.max_message_bytes + kOutboxSpareBytes;
  if (config.outbox_max_bytes < outbox_needed) {
    return std::unexpected("max-outbox is " + size_text(config.outbox_max_bytes) + ", but must hold one message of " +
                           size_text(config.max_message_bytes) +
                           " (max-message) and its frames: set max-outbox to at least " + size_text(outbox_needed));
  }
  if (const auto checked = check_listeners(config); !checked) return checked;
  if (const auto checked = check_tls(config); !checked) return checked;
  if (const auto checked = check_auth(config); !checked) return checked;
  if (config.history_rules.size() > kHistoryRulesMax) {
    return std::unexpected("there are " + std::to_string(config.history_rules.size()) + " history rules, but at most " +
                           std::to_string(kHistoryRulesMax) + " are taken: join some by a wildcard");
  }
  return {};
}

}  // namespace ringcast::broker
