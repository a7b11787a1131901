// Reading the kernel's small text files: /proc, /sys.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "broker/io/descriptor.h"

namespace ringcast::io {

// The contents of a file, or "" where it cannot be read: what /proc does not say is treated as not being so.
[[nodiscard]] inline std::string read_text_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char piece[4096];
  for (;;) {
    const ssize_t size = file.valid() ? ::read(file.get(), piece, sizeof piece) : 0;
    if (size <= 0) return text;
    text.append(piece, static_cast<std::size_t>(size));
  }
}

}  // namespace ringcast::io
