#include "broker/reload.h"

#include <algorithm>

#include "broker/json_out.h"

namespace ringcast::broker {

namespace {

// What of `wanted` can be had without a restart, over what is running.
Options merge(const Options& wanted, const Options& running, ReloadReport& report) {
  Options next = running;
  for (const Option& option : option_table()) {
    if (!belongs_to(option, Command::serve) || !option.in_file) continue;
    std::string from = value_text(option, running);
    std::string to = value_text(option, wanted);
    if (from == to) continue;
    if (option.reloads) copy_value(option, wanted, next);
    auto& changes = option.reloads ? report.changed : report.needs_restart;
    changes.push_back({std::string(option.name), std::move(from), std::move(to)});
  }
  return next;
}

ReloadReport refused(std::string errors) {
  ReloadReport report;
  report.errors = std::move(errors);
  return report;
}

void add(std::vector<std::string>& notes, std::vector<std::string> more) {
  for (std::string& note : more) notes.push_back(std::move(note));
}

void append_changes(JsonOut& out, std::string_view name, std::span<const ReloadReport::Change> changes) {
  out.key(name).begin_array();
  for (const auto& [option, from, to] : changes) {
    out.begin_object().member("option", option).member("from", from).member("to", to).end_object();
  }
  out.end_array();
}

void append_lines(JsonOut& out, std::string_view name, std::span<const std::string> lines) {
  out.key(name).begin_array();
  for (const std::string& line : lines) out.value(line);
  out.end_array();
}

}  // namespace

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

ReloadReport reload(const std::expected<Options, std::string>& wanted, std::span<const ReloadablePart> parts,
                    Options& running) {
  if (!wanted) return refused(wanted.error());
  ReloadReport report;
  const Options next = merge(*wanted, running, report);
  // By itself the new configuration is right; together with what stays as it was it may not be.
  if (const auto checked = check_config(next); !checked) {
    return refused(checked.error() + " (what needs a restart counts as it was)");
  }
  std::string errors;
  for (const ReloadablePart& part : parts) {
    auto checked = part.check(next);
    if (!checked) {
      errors += (errors.empty() ? "" : "\n") + checked.error();
    } else {
      add(report.notes, *std::move(checked));
    }
  }
  if (!errors.empty()) return refused(std::move(errors));
  for (const ReloadablePart& part : parts) add(report.notes, part.apply(next));
  running = next;
  return report;
}

std::string change_text(const ReloadReport::Change& change) {
  const auto shown = [](const std::string& value) { return value.empty() ? "\"\"" : value; };
  return change.option + ": " + shown(change.from) + " -> " + shown(change.to);
}

std::string report_json(const ReloadReport& report) {
  JsonOut out;
  out.begin_object();
  if (report.applied()) {
    append_changes(out, "changed", report.changed);
    append_changes(out, "needs_restart", report.needs_restart);
    append_lines(out, "notes", report.notes);
  } else {
    out.member("status", kBadConfiguration).member("error", "bad_configuration");
    out.member("message", "nothing was changed: " + report.errors.substr(0, report.errors.find('\n')));
    append_lines(out, "errors", lines_of(report.errors));
  }
  out.end_object();
  return out.take() + "\n";
}

}  // namespace ringcast::broker
