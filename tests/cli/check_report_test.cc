// SPDX-License-Identifier: GPL-2.0-or-later
// CheckReport: the same findings as lines for people and as a document for programs.
#include "cli/check_report.h"

#include <catch2/catch.hpp>

#include "tests/cli/process/printed.h"

namespace butterfuse::check_report_test {
namespace {

using Json = nlohmann::ordered_json;

// What is printed of a run that tells all this.
std::string told(ReportStyle style, const std::string& source = "image") {
  return printed([&] {
    CheckReport report(source, style);
    report.error("inode 257 of tree 5: nlink is 2, not 1");
    report.warning("extent 4096: has no owner");
    report.action("inode 257: nlink set to 1");
    report.remark("a remark");
    report.verdict("1 errors found");
    report.field("errors", 1);
    (void)report.finish(4);
  });
}

Json document_of(const std::string& text) {
  INFO(text);
  return Json::parse(text);
}

Json finding_of(const std::string& text) {
  return document_of(printed([&] {
    CheckReport report("image", {.json = true});
    report.error(text);
    (void)report.finish(4);
  }))["findings"][0];
}

CheckSummary summary_of(uint64_t errors, uint64_t warnings) {
  CheckSummary summary;
  summary.errors = errors, summary.warnings = warnings;
  summary.tree_blocks = 3, summary.tree_bytes = 49'152, summary.inodes = 7;
  return summary;
}

}  // namespace

TEST_CASE("people read a line each, and with quiet the verdict only") {
  CHECK(told({}) ==
        "ERROR: inode 257 of tree 5: nlink is 2, not 1\n"
        "WARNING: extent 4096: has no owner\n"
        "inode 257: nlink set to 1\n"
        "a remark\n"
        "image: 1 errors found\n");
  CHECK(told({.quiet = true}) == "image: 1 errors found\n");
}

TEST_CASE("programs read one document, quiet or not, with what was found, done and returned") {
  for (const bool quiet : {false, true}) {
    const Json document = document_of(told({.json = true, .quiet = quiet}));
    CHECK(document["source"] == "image");
    CHECK(document["errors"] == 1);
    CHECK(document["exit_status"] == 4);
    REQUIRE(document["findings"].size() == 2);
    CHECK(document["findings"][0]["severity"] == "error");
    CHECK(document["findings"][0]["object"] == "inode 257 of tree 5");
    CHECK(document["findings"][0]["reason"] == "nlink is 2, not 1");
    CHECK(document["findings"][1]["severity"] == "warning");
    CHECK(document["actions"] == Json::array({"inode 257: nlink set to 1"}));
  }
}

TEST_CASE("a run that did nothing has no actions, but a list of findings") {
  const Json document = document_of(printed([] { (void)CheckReport("image", {.json = true}).finish(0); }));
  CHECK_FALSE(document.contains("actions"));
  CHECK(document["findings"] == Json::array());
  CHECK(document["exit_status"] == 0);
}

TEST_CASE("the object of a finding ends at its colon, not at one in a name") {
  CHECK(finding_of("inode 256: 'a: b' is there twice")["object"] == "inode 256");
  CHECK(finding_of("name 'a: b': it is there twice")["reason"] == "it is there twice");
  CHECK(finding_of("without an object")["object"] == "");
  CHECK(finding_of("without an object")["reason"] == "without an object");
}

TEST_CASE("odd bytes in names reach neither a terminal nor a parser") {
  CHECK(told({}, "im\x1b[2Jage\xff").find("im\\x1b[2Jage\\xff: 1 errors found\n") != std::string::npos);
  const Json document = document_of(told({.json = true}, "im\xff"));
  CHECK(document["source"] == "im\\xff");
  CHECK(finding_of("name '\xff': is bad")["object"] == "name '\\xff'");
  const std::string line = printed([] { CheckReport("image", {}).error("name '\n\x1b': is bad"); });
  CHECK(line == "ERROR: name '\\x0a\\x1b': is bad\n");
}

TEST_CASE("why nothing could be done is a complaint, or a field") {
  const auto failed = [](ReportStyle style) {
    return printed([&] {
      CheckReport report("image", style);
      report.failure("image: is in use");
      (void)report.finish(8);
    });
  };
  CHECK(failed({}) == "butterfuse check: image: is in use\n");
  CHECK(document_of(failed({.json = true}))["failure"] == "image: is in use");
  CHECK(document_of(failed({.json = true}))["exit_status"] == 8);
}

TEST_CASE("the summary counts what was found but not told") {
  const auto summed = [](ReportStyle style, uint64_t errors, uint64_t warnings) {
    return printed([&] {
      CheckReport report("image", style);
      report.error("inode 257: is bad");
      report.summary(summary_of(errors, warnings));
      (void)report.finish(4);
    });
  };
  CHECK(summed({}, 1, 0).find("not shown") == std::string::npos);
  CHECK(summed({}, 5, 2).find("6 more are not shown") != std::string::npos);
  CHECK(document_of(summed({.json = true}, 5, 2))["findings_left_out"] == 6);
  CHECK(document_of(summed({.json = true}, 5, 2))["errors"] == 5);
  CHECK(document_of(summed({.json = true}, 5, 2))["warnings"] == 2);
  CHECK(document_of(summed({.json = true}, 5, 2))["inodes"] == 7);
}

TEST_CASE("the verdict is the number of errors, and says what could not be looked at") {
  const auto verdict = [](CheckSummary summary) {
    return printed([&] { CheckReport("image", {.quiet = true}).summary(summary); });
  };
  CHECK(verdict(summary_of(0, 0)) == "image: no error found\n");
  CHECK(verdict(summary_of(3, 0)) == "image: 3 errors found\n");
  CheckSummary missing = summary_of(0, 0);
  missing.missing_devices = "devid 2";
  CHECK(verdict(missing) == "image: no error found in what is here; devices are missing: devid 2\n");
}

TEST_CASE("finish returns the status that it is given") {
  for (const int status : {0, 1, 4, 12}) {
    int returned = -1;
    (void)printed([&] { returned = CheckReport("image", {.json = true}).finish(status); });
    CHECK(returned == status);
    CHECK(CheckReport("image", {}).finish(status) == status);
  }
}

}  // namespace butterfuse::check_report_test
