// SPDX-License-Identifier: GPL-2.0-or-later
// The checker's verdicts on images whose state is known: kernel-made ones, damaged ones, hostile ones.
#include "core/check/checker.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/test_images.h"

namespace butterfuse::checker_test {
namespace {

struct Verdict {
  bool opened = false;
  uint64_t errors = 0, bad_copies = 0;
  bool has_leftovers = false;  // of mkfs in the free space tree: told, and no error
  std::string first_findings;
};

Verdict check_image(const std::vector<std::string>& paths, bool data_csums) {
  Verdict verdict;
  BlockDevices devices;
  for (const std::string& path : paths) {
    auto device = open_file_device(path, {.mode = OpenMode::read_only});
    REQUIRE(device);
    devices.push_back(std::move(*device));
  }
  CheckOptions options{.data_csums = data_csums};
  options.on_error = [&](const std::string& finding) {
    if (verdict.first_findings.size() < 2000) verdict.first_findings += finding + "\n";
  };
  options.on_warning = [&](const std::string& finding) {
    verdict.has_leftovers |= finding.find("block groups that do not exist") != std::string::npos;
  };
  auto summary = check_filesystem(std::move(devices), options);
  verdict.opened = summary.has_value();
  if (summary) verdict.errors = summary->errors;
  if (summary) verdict.bad_copies = summary->bad_copies;
  if (!summary) verdict.first_findings = summary.error().message;
  return verdict;
}

// The column `expect` of the corpus index: detect, detect+repair, clean or empty.
std::string expectation(const std::string& image_name) {
  std::ifstream index(corpus_dir() + "/INDEX.tsv");
  for (std::string line; std::getline(index, line);) {
    std::istringstream fields(line);
    std::string name, dir, kind, expect;
    std::getline(fields, name, '\t');
    std::getline(fields, dir, '\t');
    std::getline(fields, kind, '\t');
    std::getline(fields, expect, '\t');
    if (image_name == dir + "/" + name + ".tar.xz") return expect;
  }
  return "";
}

// Free space tree items that mkfs.btrfs up to 6.2 left behind for block groups it removed: damage to
// btrfs-progs 6.19, fine to older ones, to kernels, and with a word to us. In the last one they are what is
// to be detected.
const std::set<std::string> kOldMkfsLeftovers = {
    "mkfs62-fst-quirk", "fsck/051-warning-rw-subvol-received-uuid--subvol-rw-recv.tar.xz",
    "fsck/058-bad-free-space-tree-entry--corrupt-free-space-tree2.tar.xz"};

}  // namespace

TEST_CASE("every golden image is clean, data checksums included, and bad copies are counted where they are") {
  const std::set<std::string> with_bad_copies = {"dup-copy0-zeroed", "raid1-baddata", "raid1-dev1-zeroed",
                                                 "raid1-stale"};
  for (const std::string& name : golden_names()) {
    auto image = UnpackedImage::golden(name);
    INFO(name);
    std::vector<std::string> paths = image.devices();
    if (name == "seed-sprout") std::swap(paths[0], paths[1]);  // the sprout is the one to judge
    const Verdict verdict = check_image(paths, true);
    INFO(verdict.bad_copies << " bad copies");
    CHECK((verdict.bad_copies != 0) == with_bad_copies.contains(name));
    INFO(verdict.first_findings);
    CHECK(verdict.opened);
    CHECK(verdict.errors == 0);
    CHECK(verdict.has_leftovers == kOldMkfsLeftovers.contains(name));
  }
}

TEST_CASE("damage in the fsck corpus is detected and healthy oddities are not called damage") {
  for (const std::string& name : corpus_names("fsck")) {
    auto image = UnpackedImage::corpus(name);
    INFO(name);
    const Verdict verdict = check_image(image.devices(), false);
    INFO(verdict.first_findings);
    const std::string expect = expectation(name);
    if (expect == "clean" || kOldMkfsLeftovers.contains(name)) {
      CHECK(verdict.opened);
      CHECK(verdict.errors == 0);
      if (kOldMkfsLeftovers.contains(name)) CHECK(verdict.has_leftovers);
    } else if (expect.starts_with("detect")) {
      CHECK((!verdict.opened || verdict.errors > 0));
    }
  }
}

TEST_CASE("hostile images end in an error, never in a crash") {
  for (const std::string& name : corpus_names("fuzz")) {
    auto image = UnpackedImage::corpus(name);
    INFO(name);
    const Verdict verdict = check_image(image.devices(), true);
    CHECK((!verdict.opened || verdict.errors > 0));
  }
}

}  // namespace butterfuse::checker_test
