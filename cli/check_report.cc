// CheckReport: both forms.
#include "cli/check_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace butterfuse {

void CheckReport::error(const std::string& finding) {
  if (json_) return findings_.push_back({"error", finding});
  fmt::print("ERROR: {}\n", finding);
}

void CheckReport::warning(const std::string& finding) {
  if (json_) return findings_.push_back({"warning", finding});
  fmt::print("WARNING: {}\n", finding);
}

void CheckReport::print(const CheckSummary& summary) const {
  json_ ? print_json(summary) : print_text(summary);
}

void CheckReport::print_failure(const std::string& message) const {
  if (json_) {
    fmt::print("{}\n", nlohmann::json{{"source", source_}, {"failure", message}}.dump(2));
  } else {
    fmt::print(stderr, "butterfuse check: {}\n", message);
  }
}

void CheckReport::print_text(const CheckSummary& summary) const {
  std::string verdict = summary.errors ? fmt::format("{} errors found", summary.errors) : "no error found";
  if (!summary.missing_devices.empty())
    verdict += fmt::format(" in what is here; devices are missing: {}", summary.missing_devices);
  fmt::print("{}: {}\n", source_, verdict);
  if (quiet_) return;
  fmt::print(
      "bytes used: {}\ntree blocks: {} ({} bytes)\ndata extents: {} ({} bytes)\nchecksum bytes: {}\ninodes: "
      "{}\n",
      summary.bytes_used, summary.tree_blocks, summary.tree_bytes, summary.data_extents, summary.data_bytes,
      summary.csum_bytes, summary.inodes);
  if (summary.has_log) fmt::print("note: a log tree waits to be replayed by the next writable mount\n");
  if (summary.bad_copies) {
    fmt::print("bad copies: {} (another copy was good; a writable mount or a scrub brings them back)\n",
               summary.bad_copies);
  }
}

void CheckReport::print_json(const CheckSummary& summary) const {
  nlohmann::json findings = nlohmann::json::array();
  for (const Finding& finding : findings_) {
    const size_t colon = finding.text.find(": ");
    const bool split = colon != std::string::npos;
    findings.push_back({{"severity", finding.severity},
                        {"object", split ? finding.text.substr(0, colon) : ""},
                        {"reason", split ? finding.text.substr(colon + 2) : finding.text}});
  }
  const nlohmann::json report{{"source", source_},
                              {"errors", summary.errors},
                              {"warnings", summary.warnings},
                              {"errors_by_phase", summary.errors_in},
                              {"bad_copies", summary.bad_copies},
                              {"missing_devices", summary.missing_devices},
                              {"bytes_used", summary.bytes_used},
                              {"tree_blocks", summary.tree_blocks},
                              {"tree_bytes", summary.tree_bytes},
                              {"data_extents", summary.data_extents},
                              {"data_bytes", summary.data_bytes},
                              {"csum_bytes", summary.csum_bytes},
                              {"inodes", summary.inodes},
                              {"has_log", summary.has_log},
                              {"findings", findings}};
  // File names are bytes: those that are no UTF-8 are shown with replacement characters.
  fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace butterfuse
