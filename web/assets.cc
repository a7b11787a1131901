#include "web/assets.h"

namespace ringcast::web {

const Asset* find(std::string_view path) noexcept {
  for (const Asset& asset : assets()) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

}  // namespace ringcast::web
