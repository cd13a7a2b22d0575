// SPDX-License-Identifier: GPL-2.0-or-later
// UnaskedPath: links and dots, resolved up to what may be a dead mount.
#include "cli/mounts/unasked_path.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/catch/in_a_child.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::unasked_path_test {
namespace {

namespace fs = std::filesystem;

// a/b/c are folders.
struct Folders {
  TempDir base;
  const std::string root = fs::canonical(base.path());
  Folders() { fs::create_directories(at("a/b/c")); }
  std::string at(const std::string& name) const { return root + "/" + name; }
  void link(const std::string& name, const std::string& target) const {
    fs::create_symlink(target, at(name));
  }
};

}  // namespace

TEST_CASE("a plain path stays what it is, without slashes and dots at its end") {
  const Folders folders;
  const std::string path = folders.at("a/b");
  for (const char* end : {"", "/", "//", "/.", "/./", "/././/"}) {
    INFO("'" << end << "'");
    CHECK(unasked_mount_point(path + end) == path);
  }
  CHECK(unasked_mount_point(folders.at("a/./b/../b")) == path);
  CHECK(unasked_mount_point("/") == "/");
  CHECK(unasked_mount_point("//.") == "/");
}

TEST_CASE("a relative path is meant from where one is") {
  const Folders folders;
  const std::string seen = in_a_child([&]() -> std::string {
    if (::chdir(folders.at("a").c_str()) != 0) return "no such folder";
    return unasked_mount_point("b") + " " + unasked_mount_point("./b/c/") + " " + unasked_mount_point(".");
  });
  CHECK(seen == folders.at("a/b") + " " + folders.at("a/b/c") + " " + folders.at("a"));
}

TEST_CASE("links are followed, in the folders above and at the end") {
  const Folders folders;
  folders.link("to_a", "a");
  folders.link("to_c", "to_a/b/c");
  folders.link("a/up", "../to_c");
  folders.link("absolute", folders.at("a/b"));
  CHECK(unasked_mount_point(folders.at("to_a/b")) == folders.at("a/b"));
  CHECK(unasked_mount_point(folders.at("to_c")) == folders.at("a/b/c"));
  CHECK(unasked_mount_point(folders.at("to_c/")) == folders.at("a/b/c"));
  CHECK(unasked_mount_point(folders.at("a/up")) == folders.at("a/b/c"));
  CHECK(unasked_mount_point(folders.at("absolute")) == folders.at("a/b"));
}

TEST_CASE("what .. leads out of is where the link went, not where it lies") {
  const Folders folders;
  folders.link("deep", "a/b/c");
  CHECK(unasked_mount_point(folders.at("deep/..")) == folders.at("a/b"));
  CHECK(unasked_mount_point(folders.at("a/b/..")) == folders.at("a"));
}

TEST_CASE("what is not there keeps its name") {
  const Folders folders;
  folders.link("dangling", "a/none");
  CHECK(unasked_mount_point(folders.at("a/none")) == folders.at("a/none"));
  CHECK(unasked_mount_point(folders.at("dangling")) == folders.at("a/none"));
  CHECK(unasked_mount_point(folders.at("none/none")) == folders.at("none/none"));
}

TEST_CASE("links in a circle end") {
  const Folders folders;
  folders.link("one", "two");
  folders.link("two", "one");
  const std::string found = unasked_mount_point(folders.at("one"));
  CHECK((found == folders.at("one") || found == folders.at("two")));
}

}  // namespace butterfuse::unasked_path_test
