// SPDX-License-Identifier: GPL-2.0-or-later
// The attributes of access control lists, as programs set and remove them.
#include <sys/xattr.h>

#include <array>
#include <catch2/catch.hpp>

#include "core/base/le.h"
#include "fs/attributes/xattr.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_mount.h"

namespace butterfuse::acl_attribute_test {
namespace {

constexpr std::string_view kAccess = "system.posix_acl_access", kDefault = "system.posix_acl_default";

std::string list_of(std::initializer_list<std::array<uint16_t, 2>> entries, uint32_t version = 2) {
  std::string text(reinterpret_cast<const char*>(&version), sizeof version);
  for (const auto& [tag, permissions] : entries) {
    const uint32_t id = tag == 2 ? 7 : ~0u;
    text.append(reinterpret_cast<const char*>(&tag), sizeof tag);
    text.append(reinterpret_cast<const char*>(&permissions), sizeof permissions);
    text.append(reinterpret_cast<const char*>(&id), sizeof id);
  }
  return text;
}

int set_code(TestMount& test, Inode& inode, std::string_view name, const std::string& value, int flags = 0) {
  const Status status = set_xattr(test.mount(), inode, {name, as_bytes(value), flags});
  return status ? 0 : status.error().code;
}

int removal_code(TestMount& test, Inode& inode, std::string_view name) {
  const Status status = remove_xattr(test.mount(), inode, name);
  return status ? 0 : status.error().code;
}

bool is_stored(TestMount& test, Inode& inode, std::string_view name) {
  return get_xattr(test.mount(), inode, name).has_value();
}

}  // namespace

TEST_CASE("an access control list that is not there is removed all the same, and counts as a change") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  const auto changed = [&](std::string_view name, Inode& inode) {
    const uint64_t before = inode.item().sequence;
    CHECK(removal_code(test, inode, name) == 0);
    return inode.item().sequence != before;
  };
  CHECK(changed(kAccess, *file));
  CHECK(changed(kAccess, test.root()));
  CHECK(changed(kDefault, test.root()));
  CHECK_FALSE(changed(kDefault, *file));
  CHECK(removal_code(test, *file, "user.none") == ENODATA);
}

TEST_CASE("an access control list without entries takes the one that is there away") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  const std::string full = list_of({{1, 6}, {2, 4}, {4, 4}, {16, 6}, {32, 4}});
  for (const std::string& nothing : {std::string(), list_of({})}) {
    for (const int flags : std::initializer_list<int>{0, XATTR_CREATE, XATTR_REPLACE}) {
      CHECK(set_code(test, *file, kAccess, full, flags) == 0);
      CHECK(is_stored(test, *file, kAccess));
      CHECK(set_code(test, *file, kAccess, nothing, flags) == 0);
      CHECK_FALSE(is_stored(test, *file, kAccess));
      CHECK((file->item().mode & 0777) == 0664);
      CHECK(set_code(test, *file, kAccess, nothing, flags) == 0);
      CHECK(set_code(test, test.root(), kDefault, full, flags) == 0);
      CHECK(set_code(test, test.root(), kDefault, nothing, flags) == 0);
      CHECK_FALSE(is_stored(test, test.root(), kDefault));
      CHECK(set_code(test, *file, kDefault, nothing, flags) == 0);
    }
  }
  CHECK(set_code(test, *file, kDefault, full) == EACCES);
  CHECK(set_code(test, *file, kAccess, "xx") == EINVAL);
  CHECK(set_code(test, *file, kAccess, list_of({}, 3)) == EOPNOTSUPP);
}

}  // namespace butterfuse::acl_attribute_test
