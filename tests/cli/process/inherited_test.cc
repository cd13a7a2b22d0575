// SPDX-License-Identifier: GPL-2.0-or-later
// Inherited descriptors: which are closed, and which an argument keeps; in children, whose they are.
#include "cli/process/inherited.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <vector>

#include "tests/support/catch/in_a_child.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::inherited_test {
namespace {

constexpr int kTried[] = {0, 1, 2, 3, 40, 41, 42, 43, 100};

// Of kTried, all of which were open, those that still are. In a file, since all pipes may be closed.
std::string open_after(std::vector<std::string> arguments) {
  const TempDir folder;
  in_a_child([&]() -> std::string {
    for (const int number : kTried)
      if (number > 2) ::dup2(STDIN_FILENO, number);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    close_inherited(pointers);
    std::string open;
    for (const int number : kTried)
      if (::fcntl(number, F_GETFD) >= 0) open += std::to_string(number) + " ";
    std::ofstream(folder / "open") << open;
    return "";
  });
  std::string text;
  std::getline(std::ifstream(folder / "open"), text);
  return text;
}

}  // namespace

TEST_CASE("all but the standard streams are closed") {
  CHECK(open_after({}) == "0 1 2 ");
  CHECK(open_after({"butterfuse", "mount", "/dev/sda", "/mnt"}) == "0 1 2 ");
}

TEST_CASE("descriptors that an argument names stay open, and no others") {
  CHECK(open_after({"mount", "/dev/fd/41", "/mnt"}) == "0 1 2 41 ");
  CHECK(open_after({"/proc/self/fd/43", "/dev/fd/3"}) == "0 1 2 3 43 ");
  CHECK(open_after({"-o", "device=/dev/fd/40,device=/proc/self/fd/42"}) == "0 1 2 40 42 ");
  CHECK(open_after({"/dev/fd/100", "/dev/fd/100"}) == "0 1 2 100 ");
  CHECK(open_after({"/dev/fd/1"}) == "0 1 2 ");
}

TEST_CASE("what only looks like such a name keeps nothing open") {
  for (const char* word : {"/dev/fd/", "/dev/fd/x", "/dev/fd/-41", "/dev/fd/4294967337", "fd/41", "41",
                           "/dev/fdx/41", "/dev/fd/99999999999999999999"}) {
    INFO(word);
    CHECK(open_after({word}) == "0 1 2 ");
  }
}

}  // namespace butterfuse::inherited_test
