// SPDX-License-Identifier: GPL-2.0-or-later
// Golden manifests: parsing, comparing.
#include "tests/support/golden_manifest.h"

#include <sstream>
#include <stdexcept>

#include "tests/support/run_command.h"
#include "tests/support/test_images.h"

namespace {

const std::set<std::string> kMountOnly{"ino", "fl", "blk", "ctime", "holes", "sub"};

std::string field_of(const ManifestEntry& entry, const std::string& field) {
  const auto found = entry.find(field);
  return found == entry.end() ? "(none)" : found->second;
}

void compare_entries(const std::string& path, const ManifestEntry& golden, const ManifestEntry& actual,
                     std::vector<std::string>& differences) {
  std::set<std::string> fields;
  for (const auto& [field, value] : golden) fields.insert(field);
  for (const auto& [field, value] : actual) fields.insert(field);
  for (const std::string& field : fields) {
    if (kMountOnly.contains(field)) continue;
    const std::string want = field_of(golden, field), have = field_of(actual, field);
    if (want != have && want != "*" && have != "*")
      differences.push_back(path + " " + field + ": want " + want + " got " + have);
  }
}

}  // namespace

Manifest load_manifest(const std::string& name) {
  const std::string file = golden_dir() + "/" + name + ".manifest.zst";
  const CommandResult unpacked = run_command({"zstd", "-dcq", file});
  if (!unpacked.ok()) throw std::runtime_error("reading " + file + ": " + unpacked.output);
  Manifest manifest;
  std::istringstream lines(unpacked.output);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream columns(line);
    std::string path, column;
    std::getline(columns, path, '\t');
    ManifestEntry& entry = manifest[path];
    while (std::getline(columns, column, '\t')) {
      const size_t equals = column.find('=');
      entry[column.substr(0, equals)] = column.substr(equals + 1);
    }
  }
  return manifest;
}

std::vector<std::string> compare_manifests(const Manifest& golden, const Manifest& actual) {
  std::vector<std::string> differences;
  for (const auto& [path, entry] : golden) {
    const auto found = actual.find(path);
    if (found == actual.end()) {
      differences.push_back("missing " + path);
    } else {
      compare_entries(path, entry, found->second, differences);
    }
  }
  for (const auto& [path, entry] : actual)
    if (!golden.contains(path)) differences.push_back("extra " + path);
  return differences;
}
