// SPDX-License-Identifier: GPL-2.0-or-later
// Verbs: what is a command, what a file, and what to say of neither.
#include "cli/verbs.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/catch/in_a_child.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::verbs_test {
namespace {

struct Program {
  CLI::App app{"program"};
  Program() {
    app.add_subcommand("mount")->alias("m");
    app.add_subcommand("check");
    CLI::App* const inspect = app.add_subcommand("inspect");
    inspect->add_subcommand("dump-tree");
    inspect->add_subcommand("dump-super");
  }
  std::string refusal(const std::vector<std::string>& words) const {
    return refusal_of_verb(app, words).value_or("");
  }
  std::string subrefusal(const std::vector<std::string>& words) const {
    return refusal_of_subverb(app, words).value_or("");
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("commands are known by name and alias") {
  const Program program;
  CHECK(subcommand_named(program.app, "mount") == "mount");
  CHECK(subcommand_named(program.app, "m") == "mount");
  CHECK(subcommand_named(program.app, "mou") == "");
  for (const char* word : {"mount", "m", "check", "help", "version", "--help", "-V"})
    CHECK(program.refusal({word}) == "");
}

TEST_CASE("a word that is neither command nor file is told, with what may have been meant") {
  const Program program;
  CHECK(has(program.refusal({"chekc"}), "did you mean 'check'?"));
  CHECK(has(program.refusal({"xyzzy"}), "unknown command 'xyzzy'"));
  CHECK_FALSE(has(program.refusal({"xyzzy"}), "did you mean"));
  CHECK(has(program.refusal({"xyzzy"}), "commands are mount, check, inspect"));
}

TEST_CASE("what looks like a path is a source") {
  const Program program;
  for (const char* word : {"./check", "/dev/none", "none.img", "folder/none"})
    CHECK(program.refusal({word, "mnt"}) == "");
}

TEST_CASE("a file that is here is a source, but a verb of btrfs(8) is none even then") {
  const TempDir folder;
  for (const char* name : {"image", "balance"}) std::ofstream(folder / name) << "x";
  const std::string seen = in_a_child([&]() -> std::string {
    if (::chdir(folder.path().c_str()) != 0) return "no such folder";
    const Program program;
    if (program.refusal({"image", "mnt"}) != "") return "a file is refused";
    if (!has(program.refusal({"imag"}), "no file of this name")) return "what is no file is taken";
    return program.refusal({"balance", "mnt"});
  });
  CHECK(has(seen, "'balance' is a command of btrfs that is not supported"));
  CHECK(has(seen, "./balance"));
}

TEST_CASE("help and version say what they do not take") {
  const Program program;
  CHECK(program.refusal({"help", "check"}) == "");
  CHECK(program.refusal({"help", "--all"}) == "");
  CHECK(has(program.refusal({"help", "chec"}), "did you mean 'check'?"));
  CHECK(has(program.refusal({"version", "mnt"}), "./version"));
}

TEST_CASE("commands that have commands tell of those that they have not") {
  const Program program;
  CHECK(program.subrefusal({"inspect", "dump-tree"}) == "");
  CHECK(program.subrefusal({"inspect", "--help"}) == "");
  CHECK(program.subrefusal({"inspect"}) == "");
  CHECK(has(program.subrefusal({"inspect", "dump-tre"}), "did you mean 'dump-tree'?"));
  CHECK(program.subrefusal({"check", "dump-tre"}) == "");
}

}  // namespace butterfuse::verbs_test
