// SPDX-License-Identifier: GPL-2.0-or-later
// Pages of the manual: all of them, and what is on them.
#include "cli/manual/man_page.h"

#include <catch2/catch.hpp>
#include <set>

#include "cli/program.h"
#include "fs/options/option_table.h"

namespace butterfuse::man_page_test {
namespace {

std::vector<ManualFile> our_pages() {
  CommandResult result;
  const auto program = make_program(result);
  return man_pages(page_of(*program));
}

std::string text_of(const std::vector<ManualFile>& pages, const std::string& name) {
  for (const ManualFile& page : pages)
    if (page.name == name) return page.text;
  return {};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("each command has a page, and each other name of the program leads to one") {
  const auto pages = our_pages();
  std::set<std::string> names;
  for (const ManualFile& page : pages) CHECK(names.insert(page.name).second);
  for (const char* name : {"butterfuse.8", "butterfuse-mount.8", "butterfuse-umount.8", "butterfuse-mkfs.8",
                           "butterfuse-check.8", "butterfuse-scrub.8", "butterfuse-inspect.8"})
    CHECK(has(text_of(pages, name), "\n.SH \"EXIT STATUS\"\n"));
  CHECK(text_of(pages, "mkfs.butterfuse.8") == ".so man8/butterfuse-mkfs.8\n");
  CHECK(text_of(pages, "fsck.fuse.butterfuse.8") == ".so man8/butterfuse-check.8\n");
  CHECK(text_of(pages, "mount.fuse.butterfuse.8") == ".so man8/butterfuse-mount.8\n");
}

TEST_CASE("the page of mount has each mount option with what becomes of it") {
  const std::string page = text_of(our_pages(), "butterfuse-mount.8");
  for (const MountOptionGroup& group : mount_option_groups()) CHECK(has(page, std::string(group.title)));
  CHECK(has(page, "\n\\fBcommit=SECONDS\\fP\n"));
  CHECK(has(page, "\n\\fBcompress\\-force[=zlib|lzo|zstd[:LEVEL]|no]\\fP\n"));
  CHECK(has(page, "\n\\fBnospace_cache\\fP\n(refused) "));
}

TEST_CASE("the page of a command with commands of its own has theirs") {
  const std::string page = text_of(our_pages(), "butterfuse-inspect.8");
  CHECK(has(page, "\n.SS \"butterfuse inspect dump-tree\"\n"));
  CHECK(has(page, "\\fB\\-\\-bytenr\\fP"));
}

}  // namespace butterfuse::man_page_test
