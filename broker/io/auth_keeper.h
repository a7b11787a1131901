// AuthKeeper: the broker's Auth, read from its files when the broker starts and at each reload, and the revocations
// that operators add while it runs.
//
// Threads: any; a mutex lets them in one by one. The shards never come here.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/auth.h"
#include "broker/config.h"
#include "broker/reload.h"

namespace ringcast::io {

class AuthKeeper {
 public:
  // Fails with one line that names the file.
  [[nodiscard]] static std::expected<std::unique_ptr<AuthKeeper>, std::string> open(const broker::Config& config,
                                                                                    std::uint32_t shards);

  // For the shards; null if the configuration asks nobody who he is.
  [[nodiscard]] broker::Auth* auth() noexcept { return auth_.get(); }
  // What the operators' port asks for; empty: nothing.
  [[nodiscard]] const broker::Secret& admin_secret() const noexcept { return admin_secret_; }
  // Keys that were taken, and those of key sets that are for others: a line for the log.
  [[nodiscard]] std::string line();

  // Reads the files again at each reload; if one is bad, what was read before holds. Whether anybody is asked who he is
  // at all is settled when the broker starts. `wake`: the shards, to see what is new.
  [[nodiscard]] broker::ReloadablePart part(std::function<void()> wake);

  // "sub:ann", "jti:4711", of the file and of operators. Operators' entries last as long as the process.
  [[nodiscard]] std::vector<std::string> revoked();
  [[nodiscard]] std::expected<void, std::string> revoke(std::string_view entry);
  // False if no operator revoked it.
  [[nodiscard]] bool take_back(std::string_view entry);

 private:
  AuthKeeper() = default;

  [[nodiscard]] std::expected<std::vector<std::string>, std::string> check(const broker::Config& next);
  [[nodiscard]] std::vector<std::string> apply();
  [[nodiscard]] std::string line_locked() const;
  void publish_revocations();

  std::mutex mutex_;
  std::unique_ptr<broker::Auth> auth_;
  broker::Secret admin_secret_;
  std::optional<broker::AuthRules> checked_;  // by the reload that is under way
  broker::Revocations of_file_;
  broker::Revocations of_operators_;
};

}  // namespace ringcast::io
