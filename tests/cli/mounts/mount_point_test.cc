// SPDX-License-Identifier: GPL-2.0-or-later
// MountPoint: what can be mounted on, and folders that are made for it.
#include "cli/mounts/mount_point.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace butterfuse::mount_point_test {
namespace {

namespace fs = std::filesystem;

int refusal(const std::string& path) {
  const auto usable = usable_mount_point(path);
  return usable ? 0 : usable.error().code;
}

}  // namespace

TEST_CASE("a folder is usable, by its path without links") {
  const TempDir folder;
  fs::create_directory(folder / "real");
  fs::create_symlink("real", folder / "link");
  const auto usable = usable_mount_point(folder / "link/../link/");
  REQUIRE(usable);
  CHECK(*usable == fs::canonical(folder / "real").string());
}

TEST_CASE("what is no folder, or not there, is refused by name") {
  const TempDir folder;
  std::ofstream(folder / "file") << "x";
  CHECK(refusal(folder / "file") == ENOTDIR);
  CHECK(refusal(folder / "none") == ENOENT);
  CHECK(usable_mount_point(folder / "none").error().message.starts_with(folder / "none: "));
}

TEST_CASE("a descriptor is usable only where it is /dev/fuse") {
  CHECK(refusal("/dev/fd/0") == ENODEV);
  CHECK(refusal("/dev/fd/9999") == ENOENT);
}

TEST_CASE("folders that are missing are made with the mode that is asked for, and others left") {
  const TempDir folder;
  fs::create_directory(folder / "a");
  fs::permissions(folder / "a", fs::perms::owner_all);
  const mode_t mask = ::umask(022);
  CHECK(make_mount_point(folder / "a/b/c", 0777));
  ::umask(mask);
  struct stat info {};
  for (const char* made : {"a/b", "a/b/c"}) {
    REQUIRE(::stat((folder / made).c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0755);
  }
  REQUIRE(::stat((folder / "a").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0700);
  CHECK(make_mount_point(folder / "a/b/c", 0777));
  std::ofstream(folder / "file") << "x";
  CHECK(make_mount_point(folder / "file/below", 0777));  // what is wrong with it is told when it is used
  CHECK(refusal(folder / "file/below") == ENOTDIR);
}

}  // namespace butterfuse::mount_point_test
