// The one file that includes spdlog, which is slow to compile.
#include "broker/log.h"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <cstdio>
#include <utility>

namespace ringcast::broker {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  std::unreachable();
}

// Time in UTC with milliseconds (RFC 3339), level, then what log_line() made.
const char* pattern(LogFormat format) {
  switch (format) {
    case LogFormat::text:
      return "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";
    case LogFormat::json:
      return R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";
  }
  std::unreachable();
}

void write_to_stderr(std::string_view line) {
  // One call a line, so that lines of other processes on the same terminal or pipe do not get between. Where stderr
  // is gone there is nobody to tell.
  static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
}

// Only the log's thread calls it, hence no mutex.
class FunctionSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  FunctionSink(LogFormat format, Log::Sink write_line, spdlog::details::thread_pool& pool)
      : format_(format), write_line_(std::move(write_line)), pool_(pool) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    // Whatever was overrun is older than this line: it is told of at its place.
    if (const std::size_t lost = pool_.overrun_counter(); lost != lost_told_) {
      const std::string text = log_line(format_, "log lines lost", {{"count", lost - lost_told_}});
      lost_told_ = lost;
      write({message.logger_name, to_spdlog(LogLevel::warning), text});
    }
    write(message);
  }
  void flush_() override {}

 private:
  void write(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    write_line_({line.data(), line.size()});
  }

  LogFormat format_;
  Log::Sink write_line_;
  spdlog::details::thread_pool& pool_;  // runs this sink, so it is there
  std::size_t lost_told_ = 0;
};

}  // namespace

// Both are spdlog's to share, among its own threads and messages; nobody else holds them.
struct Log::Writer {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

Log::Log(LogLevel level, LogFormat format) : Log(level, format, write_to_stderr) {}

Log::Log(LogLevel level, LogFormat format, Sink sink)
    : level_(level), format_(format), writer_(std::make_unique<Writer>()) {
  writer_->pool = std::make_shared<spdlog::details::thread_pool>(kLogLinesMax, 1);
  auto target = std::make_shared<FunctionSink>(format, std::move(sink), *writer_->pool);
  target->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern(format), spdlog::pattern_time_type::utc));
  writer_->logger = std::make_shared<spdlog::async_logger>("ringcast", std::move(target), writer_->pool,
                                                           spdlog::async_overflow_policy::overrun_oldest);
  writer_->logger->set_level(to_spdlog(level));
}

Log::~Log() = default;

void Log::set_level(LogLevel level) {
  level_.store(level, std::memory_order_relaxed);
  writer_->logger->set_level(to_spdlog(level));
}

void Log::write(LogLevel level, std::string_view text, std::span<const LogField> fields) {
  if (level < this->level()) return;
  writer_->logger->log(to_spdlog(level), log_line(format_, text, fields));
}

std::optional<std::uint64_t> LogLimit::pass(Instant now) {
  if (now < next_) {
    ++held_;
    return std::nullopt;
  }
  next_ = now + interval_ms_;
  return std::exchange(held_, 0);
}

}  // namespace ringcast::broker
