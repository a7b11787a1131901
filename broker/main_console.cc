#include "broker/main_console.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace ringcast {

int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? kDone : kFailed;
}

int refuse(const std::string& error) {
  std::string lines = "ringcast: ";
  for (const char c : error) lines += c == '\n' ? "\nringcast: " : std::string(1, c);
  std::fprintf(stderr, "%s\n", lines.c_str());
  return kUsage;
}

std::expected<broker::File, std::string> read_file(const std::string& name) {
  std::FILE* const file = std::fopen(name.c_str(), "re");
  if (file == nullptr) return std::unexpected(name + ": cannot be read: " + std::generic_category().message(errno));
  std::string text(kFileBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  const bool failed = std::ferror(file) != 0;
  const int error = errno;
  std::fclose(file);
  if (failed) return std::unexpected(name + ": cannot be read: " + std::generic_category().message(error));
  if (text.size() > kFileBytesMax) return std::unexpected(name + ": is larger than 1 MiB");
  return broker::File{name, std::move(text)};
}

std::expected<broker::File, std::string> read_file_again(const std::string& name) {
  struct stat status{};
  if (::stat(name.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return std::unexpected(name + ": is no file that can be read a second time");
  }
  return read_file(name);
}

}  // namespace ringcast
