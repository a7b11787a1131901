#include "client/resume_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace ringcast::client {
namespace {

Error failed(const std::string& path, std::string_view what) {
  return {.failure = Failure::system,
          .text = "cannot " + std::string(what) + ' ' + path + ": " + std::generic_category().message(errno),
          .remedy = {}};
}

// All of the file; empty if there is none.
std::expected<std::string, Error> read_all(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::string{};
  if (fd < 0) return std::unexpected(failed(path, "read"));
  std::string text;
  char buffer[16 * 1024];
  ssize_t size = 0;
  while (text.size() <= ResumeFile::kSizeMax && (size = ::read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  if (size < 0) {
    Error error = failed(path, "read");
    ::close(fd);
    return std::unexpected(std::move(error));
  }
  ::close(fd);
  return text;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace

std::optional<ResumeFile::Points> ResumeFile::parse(std::string_view text) {
  Points points;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const std::size_t tab = line.find('\t');
    if (tab == 0 || tab == std::string_view::npos) return std::nullopt;
    auto point = ResumePoint::from_text(line.substr(tab + 1));
    if (!point) return std::nullopt;
    points.insert_or_assign(std::string(line.substr(0, tab)), *std::move(point));
  }
  return points;
}

std::string ResumeFile::to_text(const Points& points) {
  std::string text;
  for (const auto& [filter, point] : points) text += filter + '\t' + point.to_text() + '\n';
  return text;
}

std::expected<ResumeFile, Error> ResumeFile::open(std::string path) {
  const auto text = read_all(path);
  if (!text) return std::unexpected(text.error());
  auto points = text->size() > kSizeMax ? std::nullopt : parse(*text);
  if (!points) {
    return std::unexpected(Error{.failure = Failure::usage,
                                 .text = "--resume-file: " + path + " holds something else",
                                 .remedy = "name another file, or remove it to begin anew"});
  }
  ResumeFile file;
  file.path_ = std::move(path);
  file.points_ = *std::move(points);
  return file;
}

const ResumePoint* ResumeFile::find(std::string_view filter) const {
  const auto found = points_.find(filter);
  return found == points_.end() ? nullptr : &found->second;
}

std::expected<void, Error> ResumeFile::save(const Points& points) {
  Points all = points_;
  for (const auto& [filter, point] : points) {
    if (!point.token.empty()) all.insert_or_assign(filter, point);
  }
  if (all == points_) return {};
  const std::string beside = path_ + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return std::unexpected(failed(beside, "write"));
  const bool written = write_all(fd, to_text(all)) && ::fsync(fd) == 0;
  if (!written) {
    Error error = failed(beside, "write");
    ::close(fd);
    return std::unexpected(std::move(error));
  }
  ::close(fd);
  if (std::rename(beside.c_str(), path_.c_str()) != 0) return std::unexpected(failed(path_, "replace"));
  points_ = std::move(all);
  return {};
}

}  // namespace ringcast::client
