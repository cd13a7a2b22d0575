// SPDX-License-Identifier: GPL-2.0-or-later
// The walk over what CLI11 was told, with a small program, and with ours.
#include "cli/manual/command_page.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "cli/program.h"

namespace butterfuse::command_page_test {
namespace {

struct SmallProgram {
  Command program{"tool", "tool: does things", {}};
  std::vector<std::string> files;
  std::string size;
  bool force = false, careful = false, twice = false, secret = false;

  SmallProgram() {
    CLI::App* work = add_command(program, "work", "Do it", {.paragraphs = {"At length."}});
    work->alias("labour");
    work->add_option("FILE", files, "what to work on")->required();
    work->add_option("-s,--size", size, "how much")->type_name("SIZE")->check(CLI::Range(1, 3));
    CLI::Option* forced = work->add_flag("-f,--force", force, "in any case");
    work->add_flag("--careful", careful, "with care")->excludes(forced);
    work->add_flag("--twice", twice, "again")->needs(forced);
    work->add_flag("--secret", secret, "nobody knows")->group("");
    add_command(*work, "part", "A part of it");
  }
};

const OptionEntry* option_of(const CommandPage& page, const std::string& name) {
  for (const OptionEntry& option : page.options)
    if (std::ranges::find(option.names, name) != option.names.end()) return &option;
  return nullptr;
}

void for_each_page(const CommandPage& page, const std::function<void(const CommandPage&)>& visit) {
  visit(page);
  for (const CommandPage& below : page.subcommands) for_each_page(below, visit);
}

}  // namespace

TEST_CASE("a page has the names, values and conditions of all options that are not hidden") {
  SmallProgram small;
  const CommandPage program = page_of(small.program);
  CHECK(program.summary == "does things");
  REQUIRE(program.subcommands.size() == 1);
  const CommandPage& work = program.subcommands.front();
  CHECK(work.words() == "tool work");
  CHECK(work.name() == "tool-work");
  CHECK(work.aliases == std::vector<std::string>{"labour"});
  CHECK(work.summary == "Do it");
  CHECK(work.notes.paragraphs.size() == 1);
  REQUIRE(work.operands.size() == 1);
  CHECK(work.operands.front().names == std::vector<std::string>{"FILE"});
  CHECK(work.operands.front().is_required);
  CHECK(work.operands.front().takes_several);
  const OptionEntry* size = option_of(work, "--size");
  REQUIRE(size != nullptr);
  CHECK(size->names == std::vector<std::string>{"-s", "--size"});
  CHECK(size->value == "SIZE");
  CHECK(size->help == "how much");
  CHECK(option_of(work, "--force")->value.empty());
  CHECK(conditions_of(*option_of(work, "--force")) == "not with --careful");
  CHECK(conditions_of(*option_of(work, "--twice")) == "only with --force");
  CHECK(conditions_of(*size).empty());
  CHECK(option_of(work, "--help") != nullptr);
  CHECK(option_of(work, "--secret") == nullptr);
  CHECK(work.subcommands.front().words() == "tool work part");
}

TEST_CASE("a usage line has the words in their order, and says what may be left out or repeated") {
  SmallProgram small;
  const CommandPage program = page_of(small.program);
  CHECK(usage_words(program) == std::vector<std::string>{"[OPTION]...", "COMMAND [ARGUMENT]..."});
  CHECK(usage_words(program.subcommands.front()) ==
        std::vector<std::string>{"[OPTION]...", "FILE...", "COMMAND [ARGUMENT]..."});
}

TEST_CASE(
    "each command of the program says what it does, what its options take, and what its statuses mean") {
  CommandResult result;
  const auto program = make_program(result);
  size_t pages = 0;
  for_each_page(page_of(*program), [&](const CommandPage& page) {
    INFO(page.words());
    ++pages;
    CHECK_FALSE(page.summary.empty());
    CHECK_FALSE(page.summary.ends_with('.'));
    if (page.path.size() < 3) CHECK_FALSE(page.notes.paragraphs.empty());
    CHECK_FALSE(page.exit_codes->statuses.empty());
    if (page.path.size() > 1) CHECK(page.exit_codes->command == page.path[1]);
    std::set<std::string> seen;
    for (const auto* entries : {&page.operands, &page.options})
      for (const OptionEntry& entry : *entries) {
        INFO(entry.names.front());
        CHECK_FALSE(entry.help.empty());
        CHECK(entry.help.find('\n') == std::string::npos);
        CHECK(entry.value != "TEXT");  // says nothing
        CHECK(entry.value != "UINT");
        for (const std::string& name : entry.names) CHECK(seen.insert(name).second);
      }
  });
  CHECK(pages >= 9);
}

}  // namespace butterfuse::command_page_test
