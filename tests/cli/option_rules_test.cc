// SPDX-License-Identifier: GPL-2.0-or-later
// OptionRules: the last value counts, and an empty one is no value, in each subcommand.
#include "cli/option_rules.h"

#include <catch2/catch.hpp>

namespace butterfuse::option_rules_test {
namespace {

using Words = std::vector<std::string>;

// A program with one subcommand, as ours are.
struct Program {
  CLI::App app{"program"};
  std::string state, label = "unset", options = "unset", size;
  std::vector<std::string> devices, sources;
  bool quiet = false;

  Program() {
    app.require_subcommand(0, 1);
    app.add_option("--state", state);
    CLI::App* const command = app.add_subcommand("command");
    command->add_option("--label,-L", label);
    command->add_option("--options,-o", options);
    command->add_option("--size", size);
    command->add_option("--device", devices)->expected(-1);
    command->add_option("sources", sources);
    command->add_flag("--quiet", quiet);
    apply_option_rules(app);
  }
  // Empty, or what is wrong.
  std::string parse(Words words) {
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
      app.parse(words);
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return "";
  }
};

}  // namespace

TEST_CASE("of an option that is given more than once the last counts") {
  Program program;
  CHECK(program.parse({"--state", "a", "--state", "b", "command", "--size", "1", "--size=2", "-L", "x", "-L",
                       "y"}) == "");
  CHECK(program.state == "b");
  CHECK(program.size == "2");
  CHECK(program.label == "y");
}

TEST_CASE("an option with several values has all of them") {
  Program program;
  CHECK(program.parse({"command", "--device", "a", "b", "--quiet", "--device", "c"}) == "");
  CHECK(program.devices == Words{"a", "b", "c"});
  CHECK(program.quiet);
}

TEST_CASE("an empty value is wrong usage, of the program and of its subcommands") {
  for (const Words& words : {Words{"--state", ""}, Words{"command", "--size", ""}, Words{"command", ""},
                             Words{"command", "--device", "a", ""}}) {
    INFO(words.back() << " behind " << words[words.size() - 2]);
    Program program;
    CHECK(program.parse(words).find("empty") != std::string::npos);
  }
}

TEST_CASE("no label, and no mount option, can be asked for") {
  Program program;
  CHECK(program.parse({"command", "--label", "", "-o", ""}) == "");
  CHECK(program.label == "");
  CHECK(program.options == "");
}

TEST_CASE("a value that is empty behind = is an empty word") {
  CHECK(with_empty_values({"--state="}) == Words{"--state", ""});
  CHECK(with_empty_values({"a", "--state=", "b"}) == Words{"a", "--state", "", "b"});
  for (const char* word : {"--state=x", "--state=x=", "--state==", "--=", "-s=", "state=", "--", "--state"}) {
    INFO(word);
    CHECK(with_empty_values({word}) == Words{word});
  }
  CHECK(with_empty_values({"--", "--state="}) == Words{"--", "--state="});
  Program program;
  CHECK(program.parse(with_empty_values({"--state=", "command"})).find("empty") != std::string::npos);
}

}  // namespace butterfuse::option_rules_test
