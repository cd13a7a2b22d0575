// CheckReport: what a check found, as lines for people or as one JSON object for programs.
#pragma once

#include <string>
#include <vector>

#include "core/check/checker.h"

namespace butterfuse {

class CheckReport {
 public:
  CheckReport(std::string source, bool json, bool quiet)
      : source_(std::move(source)), json_(json), quiet_(quiet) {}
  // "ERROR: object: reason, values" at once, or kept for the JSON object.
  void error(const std::string& finding);
  void warning(const std::string& finding);
  void print(const CheckSummary& summary) const;
  // That it could not be checked.
  void print_failure(const std::string& message) const;

 private:
  struct Finding {
    const char* severity;
    std::string text;
  };
  void print_text(const CheckSummary& summary) const;
  void print_json(const CheckSummary& summary) const;

  const std::string source_;
  const bool json_, quiet_;
  std::vector<Finding> findings_;
};

}  // namespace butterfuse
