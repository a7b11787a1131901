#include "web/assets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

using namespace ringcast;

TEST_CASE("find gives the page at / and its files by their paths, and nothing else") {
  const web::Asset* page = web::find("/");
  REQUIRE(page != nullptr);
  CHECK(page->content_type == "text/html; charset=utf-8");
  CHECK(web::find("/examples/") != nullptr);
  REQUIRE(web::find("/app.js") != nullptr);
  CHECK(web::find("/app.js")->content_type == "text/javascript; charset=utf-8");
  REQUIRE(web::find("/style.css") != nullptr);
  CHECK(web::find("/style.css")->content_type == "text/css; charset=utf-8");
  REQUIRE(web::find("/ringcast.js") != nullptr);
  CHECK(web::find("/ringcast.js")->content_type == "text/javascript; charset=utf-8");
  for (const char* path :
       {"", "/index.html", "/examples", "/examples/index.html", "/app.js/", "app.js", "/APP.JS", "/../app.js"}) {
    CHECK_MESSAGE(web::find(path) == nullptr, path);
  }
}

TEST_CASE("an embedded file is the file, byte for byte") {
  for (const web::Asset& asset : web::assets()) {
    const std::string name = std::string(asset.path) + (asset.path.ends_with('/') ? "index.html" : "");
    std::ifstream bundled(RINGCAST_WEB_BUNDLES + name, std::ios::binary);
    std::ifstream plain(RINGCAST_SOURCE_DIR "/web" + name, std::ios::binary);
    std::ifstream& file = bundled ? bundled : plain;
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    CHECK_MESSAGE(std::equal(asset.bytes.begin(), asset.bytes.end(), bytes.begin(), bytes.end(),
                             [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }),
                  name);
  }
}

namespace {

// The path that `name` means in a file at `path`.
std::string path_of(std::string_view path, const std::string& name) {
  return (std::filesystem::path(path).parent_path() / name).lexically_normal().string();
}

}  // namespace

TEST_CASE("whatever the pages and their scripts name is embedded too") {
  std::size_t names = 0;
  for (const web::Asset& asset : web::assets()) {
    const std::string text(asset.bytes.begin(), asset.bytes.end());
    for (const std::string_view before : {"src=\"", "href=\"", "from '", "from\"", "import(\"", "new URL(\""}) {
      for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at + 1)) {
        const std::size_t begin = at + before.size();
        const std::string name = text.substr(begin, text.find_first_of("\"'", begin) - begin);
        if (name.starts_with('#') || name.starts_with('$')) continue;  // a place in the page; made up by a script
        CHECK_MESSAGE(web::find(path_of(asset.path, name)) != nullptr, asset.path << " names " << name);
        ++names;
      }
    }
  }
  CHECK(names > 30);
}

TEST_CASE("each file has a quoted etag of its own") {
  std::set<std::string_view> etags;
  for (const web::Asset& asset : web::assets()) {
    CHECK(asset.etag.size() == 34);
    CHECK(asset.etag.front() == '"');
    CHECK(asset.etag.back() == '"');
    etags.insert(asset.etag);
  }
  CHECK(etags.size() == web::assets().size());
}

TEST_CASE("compressed variants are smaller than the file, the best first, each with an etag of its own") {
  std::size_t variants = 0;
  for (const web::Asset& asset : web::assets()) {
    std::size_t better = 0;
    for (const web::Variant& variant : asset.variants) {
      CHECK((variant.coding == "br" || variant.coding == "gzip"));
      CHECK(variant.bytes.size() < asset.bytes.size());
      CHECK(variant.bytes.size() >= better);
      CHECK(variant.etag == std::string(asset.etag.substr(0, 33)) + (variant.coding == "br" ? "-br\"" : "-gz\""));
      if (variant.coding == "gzip") CHECK((variant.bytes[0] == 0x1f && variant.bytes[1] == 0x8b));
      better = variant.bytes.size();
      ++variants;
    }
  }
  CHECK(variants > 5);  // gzip is part of every Debian
}

TEST_CASE("the pages ask nobody but the broker, and hold no script or style inline") {
  std::size_t pages = 0;
  for (const web::Asset& asset : web::assets()) {
    if (!asset.content_type.starts_with("text/html")) continue;
    const std::string html(asset.bytes.begin(), asset.bytes.end());
    for (const char* never :
         {"http://", "https://", "style=", "<style", "<script>", "onclick", "onload", "javascript:"}) {
      CHECK_MESSAGE(html.find(never) == std::string::npos, asset.path << " holds " << never);
    }
    ++pages;
  }
  CHECK(pages == 9);
}

TEST_CASE("each example is a page and a script of under 60 lines together") {
  const auto lines_of = [](const std::string& path) {
    const web::Asset* file = web::find(path);
    REQUIRE_MESSAGE(file != nullptr, path);
    return std::ranges::count(file->bytes, '\n');
  };
  for (const char* name : {"chat", "game", "gauges", "media", "notifications", "ticker", "whiteboard"}) {
    const std::string path = std::string("/examples/") + name;
    CHECK_MESSAGE(lines_of(path + ".html") + lines_of(path + ".js") < 60, name);
  }
}
