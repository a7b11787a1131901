#include "tests/fuzz/targets.h"

#include <algorithm>

namespace ringcast::fuzz {

namespace {

constexpr Target kTargets[] = {
    {"admin", check_admin},
    {"checkpoint_token", check_checkpoint_token},
    {"deflate_offer", check_deflate_offer},
    {"event", check_event},
    {"frame_deflate", check_frame_deflate},
    {"frame_inflate", check_frame_inflate},
    {"frame_parser", check_frame_parser},
    {"handshake", check_handshake},
    {"http_request", check_http_request},
    {"json_request", check_json_request},
    {"proto_request", check_proto_request},
    {"session", check_session, 0},
    {"token", check_token},
    {"topic_names", check_topic_names},
    {"url", check_url},
};

}  // namespace

std::span<const Target> targets() noexcept {
  return kTargets;
}

const Target* find_target(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kTargets, name, &Target::name);
  return found == std::end(kTargets) ? nullptr : found;
}

}  // namespace ringcast::fuzz
