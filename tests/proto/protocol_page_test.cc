// proto/PROTOCOL.md has the table of close codes that proto/close_code.cc has.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "proto/close_code.h"

using namespace ringcast::proto;

namespace {

std::string_view text(Remedy remedy) {
  switch (remedy) {
    case Remedy::nothing:
      return "nothing";
    case Remedy::reconnect:
      return "reconnect";
    case Remedy::back_off:
      return "back off";
    case Remedy::new_token:
      return "new token";
    case Remedy::give_up:
      return "give up";
  }
  return "";
}

std::string row(const CloseCodeEntry& entry) {
  return "| " + std::to_string(std::to_underlying(entry.code)) + " | `" + std::string(entry.name) + "` | " +
         std::string(entry.meaning) + " | " + std::string(text(entry.remedy)) + " |\n";
}

}  // namespace

TEST_CASE("PROTOCOL.md has every close code in one table, as the broker has them, and no other") {
  std::ifstream file(RINGCAST_SOURCE_DIR "/proto/PROTOCOL.md");
  REQUIRE(file.is_open());
  std::stringstream page;
  page << file.rdbuf();
  std::string table = "| code | name | means | remedy |\n|---|---|---|---|\n";
  for (const CloseCodeEntry& entry : close_codes()) table += row(entry);
  const std::string all = page.str();
  INFO("the table should be:\n" << table);
  CHECK(all.contains(table + "\n"));
}
