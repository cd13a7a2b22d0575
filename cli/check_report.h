// SPDX-License-Identifier: GPL-2.0-or-later
// CheckReport: what check found and did, as lines for people or as one JSON document for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/checker.h"

namespace butterfuse {

// How check is to speak.
struct ReportStyle {
  bool json = false;   // one document, whatever happens
  bool quiet = false;  // the verdict only
};

// Every run of check ends in finish(), whose status is the program's: with JSON that prints the document.
// Lines for people come out as they are found; a document is kept until then, since its fields are known at
// the end. Not thread-safe.
class CheckReport {
 public:
  CheckReport(std::string source, ReportStyle style) : source_(std::move(source)), style_(style) {}

  // "object: reason, values" at once, or kept for the document.
  void error(const std::string& finding);
  void warning(const std::string& finding);
  // Something that a repair does.
  void action(const std::string& line);
  // A line for people that a quiet run leaves out, and a document has as fields.
  void remark(const std::string& line) const;
  // The one line that a quiet run has as well.
  void verdict(const std::string& line) const;
  // Why it could not be done.
  void failure(const std::string& message);
  void summary(const CheckSummary& summary);
  // A field of the document; ignored otherwise.
  template <class Value>
  void field(const char* name, const Value& value) {
    if (style_.json) fields_[name] = value;
  }

  // How many findings of a kind are told one by one. The summary says how many were not.
  uint64_t findings_max() const;
  const ReportStyle& style() const { return style_; }
  const std::string& source() const { return source_; }
  // Returns `exit_status`.
  int finish(int exit_status);

 private:
  void finding(const char* severity, const std::string& text);

  const std::string source_;
  const ReportStyle style_;
  uint64_t told_ = 0;
  nlohmann::ordered_json fields_ = nlohmann::ordered_json::object();
  nlohmann::ordered_json findings_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json actions_ = nlohmann::ordered_json::array();
};

}  // namespace butterfuse
