// SPDX-License-Identifier: GPL-2.0-or-later
// The property btrfs.compression: levels, unknown names, and files that can't be compressed.
#include "fs/inode/compression_property.h"

#include <linux/fs.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "fs/attributes/xattr.h"
#include "fs/control/inode_flags.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_mount.h"

namespace butterfuse::compression_property_test {
namespace {

constexpr const char* kName = "btrfs.compression";
constexpr uint32_t kBoth = FS_COMPR_FL | FS_NOCOW_FL;

int set_code(TestMount& test, Inode& inode, const std::string& name, const std::string& value) {
  const Status status = set_xattr(test.mount(), inode, {name, as_bytes(value), 0});
  return status ? 0 : status.error().code;
}

int flags_code(TestMount& test, Inode& inode, uint32_t flags) {
  const Status status = set_fs_flags(test.mount(), inode, flags);
  return status ? 0 : status.error().code;
}

std::string property(TestMount& test, Inode& inode) {
  const auto value = get_xattr(test.mount(), inode, kName);
  return value ? std::string(as_text(*value)) : "errno " + std::to_string(value.error().code);
}

}  // namespace

TEST_CASE("a compression property is a codec's name with or without a level, as the kernel takes it") {
  struct Value {
    const char* text;
    uint8_t type;
    int level;
  };
  for (const Value& value :
       {Value{"zstd", 3, 0}, Value{"zstd:5", 3, 5}, Value{"zstd:-3", 3, -3}, Value{"zstd:99", 3, 15},
        Value{"zstd:99999999999", 3, 15}, Value{"zlib:9", 1, 9}, Value{"zlib:10", 1, 9}, Value{"lzo:4", 2, 0},
        Value{"zstd:", 3, 0}, Value{"zstd:5x", 3, 0}, Value{"zstdx", 3, 0}, Value{"zlib:0", 1, 0}}) {
    INFO(value.text);
    const auto parsed = parse_compression_property(value.text);
    REQUIRE(parsed);
    CHECK(int{parsed->type} == int{value.type});
    CHECK(parsed->level == value.level);
    CHECK(parse_compression_property(parsed->text()) == parsed);
  }
  CHECK(parse_compression_property("none")->forbids);
  CHECK(parse_compression_property("") == CompressionProperty{});
  for (const char* bad : {"ZSTD", "zst", "off", "noo", "no:3", " zstd", "brotli"}) {
    INFO(bad);
    CHECK_FALSE(parse_compression_property(bad));
  }
}

TEST_CASE("a level is kept as it was given, acted on, and inherited") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto dir = test.mkdir(test.root(), "dir");
  CHECK(set_code(test, *dir, kName, "zstd:7") == 0);
  auto file = test.create(*dir, "file");
  CHECK(property(test, *file) == "zstd:7");
  CHECK(int{file->compress_choice().type} == compression_type::kZstd);
  CHECK(file->compress_choice().level == 7);
  CHECK(set_code(test, *file, kName, "zstd:12") == 0);
  test.write(*file, 0, std::string(200'000, 'z'));
  file.reset();
  dir.reset();
  test.remount("compress=zstd:1");
  file = test.get(*test.get(test.root(), "dir"), "file");
  must(file->load_properties());
  CHECK(property(test, *file) == "zstd:12");
  CHECK(file->compress_choice().level == 12);
  file.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("other properties do not exist") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  for (const char* name : {"btrfs.nonsense", "btrfs.", "btrfs.compression2", "btrfs.compressio"}) {
    INFO(name);
    CHECK(set_code(test, *file, name, "zstd") == EINVAL);
    const auto value = get_xattr(test.mount(), *file, name);
    REQUIRE_FALSE(value);
    CHECK(value.error().code == ENODATA);
    const Status removed = remove_xattr(test.mount(), *file, name);
    REQUIRE_FALSE(removed);
    CHECK(removed.error().code == EINVAL);
  }
  CHECK(set_code(test, *file, "btrfs", "zstd") == ENOTSUP);
  auto fifo = test.create(test.root(), "fifo", S_IFIFO | 0644);
  CHECK(set_code(test, *fifo, kName, "zstd") == 0);  // as the kernel: yes, and nothing is kept
  CHECK(property(test, *fifo) == "errno " + std::to_string(ENODATA));
}

TEST_CASE("compression and data written in place exclude each other") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  auto dir = test.mkdir(test.root(), "dir");
  for (Inode* inode : {file.get(), dir.get()}) {
    CHECK(flags_code(test, *inode, FS_NOCOW_FL) == 0);
    CHECK(set_code(test, *inode, kName, "zstd") == EINVAL);
    CHECK(set_code(test, *inode, kName, "no") == EINVAL);
    CHECK(set_code(test, *inode, kName, "") == 0);
    CHECK(flags_code(test, *inode, kBoth) == EINVAL);
    CHECK(get_fs_flags(*inode) == FS_NOCOW_FL);
  }
  auto child = test.create(*dir, "child");
  CHECK(get_fs_flags(*child) == FS_NOCOW_FL);
  CHECK(flags_code(test, *child, FS_NOCOW_FL | FS_SYNC_FL) == 0);

  auto packed = test.create(test.root(), "packed");
  CHECK(set_code(test, *packed, kName, "zstd:5") == 0);
  CHECK(flags_code(test, *packed, get_fs_flags(*packed) | FS_NOCOW_FL) == EINVAL);
  CHECK(flags_code(test, *packed, get_fs_flags(*packed) | FS_SYNC_FL) == 0);
  CHECK(property(test, *packed) == "zstd:5");
}

TEST_CASE("a file made without copy-on-write in a compressed directory is not compressed") {
  if (!have_btrfs_progs()) return;
  const std::string option = GENERATE("nodatacow", "nodatasum");
  INFO(option);
  TestMount test(option);
  auto dir = test.mkdir(test.root(), "dir");
  CHECK(set_code(test, *dir, kName, "zstd:5") == 0);
  auto file = test.create(*dir, "file");
  CHECK((get_fs_flags(*file) & FS_COMPR_FL) == 0);
  CHECK(property(test, *file) == "errno " + std::to_string(ENODATA));
  CHECK(set_code(test, *file, kName, "zstd") == EINVAL);
  CHECK(property(test, *test.mkdir(*dir, "below")) == "zstd:5");
}

TEST_CASE("a file that has both flags from elsewhere shows one, and takes others") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  file->change([](InodeItem& item) { item.flags |= inode_flag::kNoDataCow | inode_flag::kCompress; });
  CHECK(get_fs_flags(*file) == FS_NOCOW_FL);
  CHECK(flags_code(test, *file, get_fs_flags(*file) | FS_NOATIME_FL) == 0);
  CHECK((file->item().flags & inode_flag::kCompress) == 0);
}

}  // namespace butterfuse::compression_property_test
