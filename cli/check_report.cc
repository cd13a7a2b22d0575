// SPDX-License-Identifier: GPL-2.0-or-later
// CheckReport: both forms.
#include "cli/check_report.h"

#include "cli/process/json.h"
#include "cli/process/standard_streams.h"
#include "core/base/shown_name.h"

namespace butterfuse {

namespace {

// Of "object: reason": where the object ends. It may have a name in quotes with a colon in it, so the colon
// that counts is the one behind the last closing quote.
size_t end_of_object(const std::string& text) {
  const size_t colon = text.find(": ");
  const size_t quote = text.find(" '");
  if (quote == std::string::npos || colon == std::string::npos || colon < quote) return colon;
  const size_t unquoted = text.rfind("': ");
  return unquoted == std::string::npos ? colon : unquoted + 1;
}

}  // namespace

uint64_t CheckReport::findings_max() const {
  // A screenful of screens for people, who read the first ones and the count. A document for programs has all
  // that memory bears, at some hundreds of bytes each.
  return style_.json ? 1'000'000 : 200;
}

void CheckReport::finding(const char* severity, const std::string& text) {
  const size_t colon = end_of_object(text);
  const bool split = colon != std::string::npos;
  findings_.push_back({{"severity", severity},
                       {"object", split ? json_text(text.substr(0, colon)) : ""},
                       {"reason", json_text(split ? text.substr(colon + 2) : text)}});
}

void CheckReport::error(const std::string& text) {
  ++told_;
  if (style_.json) return finding("error", text);
  if (!style_.quiet) print("ERROR: {}\n", shown_text(text));
}

void CheckReport::warning(const std::string& text) {
  ++told_;
  if (style_.json) return finding("warning", text);
  if (!style_.quiet) print("WARNING: {}\n", shown_text(text));
}

void CheckReport::action(const std::string& line) {
  if (style_.json) {
    actions_.push_back(json_text(line));
  } else {
    remark(line);
  }
}

void CheckReport::remark(const std::string& line) const {
  if (!style_.json && !style_.quiet) print("{}\n", shown_text(line));
}

void CheckReport::verdict(const std::string& line) const {
  if (!style_.json) print("{}: {}\n", shown_text(source_), shown_text(line));
}

void CheckReport::failure(const std::string& message) {
  if (style_.json) {
    fields_["failure"] = json_text(message);
  } else {
    complain("butterfuse check: {}", message);
  }
}

void CheckReport::summary(const CheckSummary& summary) {
  const uint64_t untold = summary.errors + summary.warnings - told_;
  if (untold != 0) remark(fmt::format("{} more are not shown; --json lists them", untold));
  std::string found = summary.errors ? fmt::format("{} errors found", summary.errors) : "no error found";
  if (!summary.missing_devices.empty())
    found += fmt::format(" in what is here; devices are missing: {}", summary.missing_devices);
  verdict(found);
  remark(fmt::format("bytes used: {}", summary.bytes_used));
  remark(fmt::format("tree blocks: {} ({} bytes)", summary.tree_blocks, summary.tree_bytes));
  remark(fmt::format("data extents: {} ({} bytes)", summary.data_extents, summary.data_bytes));
  remark(fmt::format("checksum bytes: {}", summary.csum_bytes));
  remark(fmt::format("inodes: {}", summary.inodes));
  if (summary.has_log) remark("note: a log tree waits to be replayed by the next writable mount");
  if (summary.bad_copies)
    remark(fmt::format("bad copies: {} (another copy was good; a writable mount or a scrub brings them back)",
                       summary.bad_copies));
  field("errors", summary.errors);
  field("warnings", summary.warnings);
  field("errors_by_phase", summary.errors_in);
  field("bad_copies", summary.bad_copies);
  field("missing_devices", summary.missing_devices);
  field("bytes_used", summary.bytes_used);
  field("tree_blocks", summary.tree_blocks);
  field("tree_bytes", summary.tree_bytes);
  field("data_extents", summary.data_extents);
  field("data_bytes", summary.data_bytes);
  field("csum_bytes", summary.csum_bytes);
  field("inodes", summary.inodes);
  field("has_log", summary.has_log);
  field("findings_left_out", untold);
}

int CheckReport::finish(int exit_status) {
  if (!style_.json) return exit_status;
  nlohmann::ordered_json document{{"source", json_text(source_)}};
  document.update(fields_);
  document["findings"] = std::move(findings_);
  if (!actions_.empty()) document["actions"] = std::move(actions_);
  document["exit_status"] = exit_status;
  print_json(document);
  return exit_status;
}

}  // namespace butterfuse
