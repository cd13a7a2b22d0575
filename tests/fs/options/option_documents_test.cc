// SPDX-License-Identifier: GPL-2.0-or-later
// Documents of mount options: they say of each what the table says.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fs/options/option_table.h"
#include "tests/fs/options/parsed_options.h"

namespace butterfuse::option_documents_test {
namespace {

// The build folder lies in the project.
std::filesystem::path project_folder() {
  std::filesystem::path folder = std::filesystem::canonical("/proc/self/exe").parent_path();
  while (!exists(folder / "ARCHITECTURE.md") && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

std::vector<std::string> lines_of(const char* path) {
  std::ifstream file(project_folder() / path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// A bar would end a cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char letter : text) escaped += letter == '|' ? "\\|" : std::string(1, letter);
  return escaped;
}

std::string_view word_for(OptionEffect effect) {
  switch (effect) {
    case OptionEffect::acted_on:
      return "acted on";
    case OptionEffect::no_effect:
      return "no effect";
    case OptionEffect::for_helpers:
      return "passed over";
    default:
      return "refused";
  }
}

std::vector<std::string> documented_lines() {
  std::vector<std::string> lines;
  for (const MountOptionGroup& group : mount_option_groups()) {
    lines.push_back(fmt::format("## {}", group.title));
    for (const MountOptionRow& row : group.rows)
      lines.push_back(fmt::format("| `{}{}` | {} | {} |", row.name, cell(row.value), word_for(row.effect),
                                  cell(row.help)));
  }
  return lines;
}

}  // namespace

TEST_CASE("docs/mount-options.md has the rows of the table, in their order") {
  std::vector<std::string> written;
  for (const std::string& line : lines_of("docs/mount-options.md"))
    if (line.starts_with("## ") || line.starts_with("| `")) written.push_back(line);
  const auto wanted = documented_lines();
  for (size_t i = 0; i < std::max(written.size(), wanted.size()); ++i) {
    INFO("line " << i << " of those");
    REQUIRE((i < written.size() ? written[i] : "") == (i < wanted.size() ? wanted[i] : ""));
  }
}

TEST_CASE("the mount options of README's commands are taken") {
  size_t commands = 0;
  for (const std::string& line : lines_of("README.md")) {
    const size_t at = line.find(" -o ", line.find("butterfuse mount "));
    if (at == std::string::npos) continue;
    std::istringstream rest(line.substr(at + 4));
    std::string options;
    rest >> options;
    INFO(line);
    CHECK(refusal(options) == "");
    ++commands;
  }
  CHECK(commands >= 7);
}

}  // namespace butterfuse::option_documents_test
