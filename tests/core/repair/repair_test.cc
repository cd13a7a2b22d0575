// SPDX-License-Identifier: GPL-2.0-or-later
// Repair: one thing is broken at a time; then both checkers are content, and the undo log brings all back.
#include "core/repair/repair.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "core/check/block_walk.h"
#include "core/device/fault_device.h"
#include "core/repair/undo.h"
#include "fs/attributes/xattr.h"
#include "fs/data/copy_range.h"
#include "fs/names/link.h"
#include "tests/core/repair/repaired.h"
#include "tests/core/repair/victim.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/run_command.h"
#include "tests/support/same_content.h"
#include "tests/support/test_images.h"
#include "tests/support/test_mount.h"

namespace butterfuse::repair_test {
namespace {

using Blow = std::function<void(Victim&)>;

struct Damage {
  const char* name;
  uint64_t tree;
  uint64_t objectid;
  uint8_t type;
  Blow blow;
};

void remove_it(Victim& victim) { victim.remove(); }
template <class T>
Blow change(void (*change_it)(T&)) {
  return [change_it](Victim& victim) { victim.change<T>(change_it); };
}

constexpr uint64_t kRoot = 256, kDir = 257, kSmall = 258, kBig = 259;

const Damage kDamages[] = {
    {"root directory without inode item", objectid::kFsTree, kRoot, key_type::kInodeItem, remove_it},
    {"root directory without reference", objectid::kFsTree, kRoot, key_type::kInodeRef, remove_it},
    {"directory without inode item", objectid::kFsTree, kDir, key_type::kInodeItem, remove_it},
    {"file without inode item", objectid::kFsTree, kBig, key_type::kInodeItem, remove_it},
    {"file without reference", objectid::kFsTree, kSmall, key_type::kInodeRef, remove_it},
    {"name without DIR_ITEM", objectid::kFsTree, kRoot, key_type::kDirItem, remove_it},
    {"name without DIR_INDEX", objectid::kFsTree, kRoot, key_type::kDirIndex, remove_it},
    {"file without extents", objectid::kFsTree, kBig, key_type::kExtentData, remove_it},
    {"wrong nbytes", objectid::kFsTree, kBig, key_type::kInodeItem,
     change<DiskInodeItem>([](DiskInodeItem& item) { item.nbytes = 4096; })},
    {"wrong link count", objectid::kFsTree, kBig, key_type::kInodeItem,
     change<DiskInodeItem>([](DiskInodeItem& item) { item.nlink = 7; })},
    {"no link counted", objectid::kFsTree, kSmall, key_type::kInodeItem,
     change<DiskInodeItem>([](DiskInodeItem& item) { item.nlink = 0; })},
    {"two links of a directory", objectid::kFsTree, kDir, key_type::kInodeItem,
     change<DiskInodeItem>([](DiskInodeItem& item) { item.nlink = 2; })},
    {"a mode that says nothing", objectid::kFsTree, kDir, key_type::kInodeItem,
     change<DiskInodeItem>([](DiskInodeItem& item) { item.mode = 0755; })},
    {"wrong length of inline data", objectid::kFsTree, kSmall, key_type::kExtentData,
     change<DiskFileExtentInline>([](DiskFileExtentInline& extent) { extent.ram_bytes = 5; })},
    {"wrong directory size", objectid::kFsTree, kRoot, key_type::kInodeItem,
     change<DiskInodeItem>([](DiskInodeItem& item) { item.size = 1; })},
    {"mode of a directory", objectid::kFsTree, kBig, key_type::kInodeItem,
     change<DiskInodeItem>([](DiskInodeItem& item) { item.mode = 040644; })},
    {"mode of a file", objectid::kFsTree, kDir, key_type::kInodeItem,
     change<DiskInodeItem>([](DiskInodeItem& item) { item.mode = 0100755; })},
    {"extent that reaches into the next", objectid::kFsTree, kBig, key_type::kExtentData,
     change<DiskFileExtent>(
         [](DiskFileExtent& extent) { extent.disk_num_bytes = extent.disk_num_bytes + 4096; })},
    {"extent that begins in the middle", objectid::kFsTree, kBig, key_type::kExtentData,
     change<DiskFileExtent>([](DiskFileExtent& extent) { extent.disk_bytenr = extent.disk_bytenr + 4096; })},
    {"extent of an unknown type", objectid::kFsTree, kBig, key_type::kExtentData,
     change<DiskFileExtent>([](DiskFileExtent& extent) { extent.type = 7; })},
    {"extent of a generation to come", objectid::kFsTree, kBig, key_type::kExtentData,
     change<DiskFileExtent>([](DiskFileExtent& extent) { extent.generation = 99999; })},
    {"extent of no bytes", objectid::kFsTree, kBig, key_type::kExtentData,
     change<DiskFileExtent>([](DiskFileExtent& extent) { extent.num_bytes = 0; })},
    {"unknown item", objectid::kFsTree, kDir, key_type::kInodeRef,
     [](Victim& victim) { victim.set_type(35); }},
    {"unknown inode flags", objectid::kFsTree, kSmall, key_type::kInodeItem,
     change<DiskInodeItem>([](DiskInodeItem& item) { item.flags = item.flags | 1 << 20; })},
    {"wrong entry type", objectid::kFsTree, kRoot, key_type::kDirIndex,
     change<DiskDirItem>([](DiskDirItem& item) { item.type = file_type::kFifo; })},
    {"name of another inode", objectid::kFsTree, kRoot, key_type::kDirIndex,
     change<DiskDirItem>([](DiskDirItem& item) {
       item.location = Key{kBig, key_type::kInodeItem, 0};
     })},
    {"name of no inode", objectid::kFsTree, kRoot, key_type::kDirItem,
     change<DiskDirItem>([](DiskDirItem& item) {
       item.location = Key{9999, key_type::kInodeItem, 0};
     })},
    {"unknown flags of the top subvolume", objectid::kRootTree, objectid::kFsTree, key_type::kRootItem,
     change<DiskRootItem>([](DiskRootItem& item) { item.flags = item.flags | 1 << 20; })},
    {"no references of the top subvolume", objectid::kRootTree, objectid::kFsTree, key_type::kRootItem,
     change<DiskRootItem>([](DiskRootItem& item) { item.refs = 0; })},
    {"wrong top directory", objectid::kRootTree, objectid::kFsTree, key_type::kRootItem,
     change<DiskRootItem>([](DiskRootItem& item) { item.root_dirid = 300; })},
    {"wrong root block of the top subvolume", objectid::kRootTree, objectid::kFsTree, key_type::kRootItem,
     change<DiskRootItem>([](DiskRootItem& item) { item.bytenr = item.bytenr + 65536; })},
    {"no root item of the top subvolume", objectid::kRootTree, objectid::kFsTree, key_type::kRootItem,
     remove_it},
    {"no extent item", objectid::kExtentTree, 0, key_type::kMetadataItem, remove_it},
    {"no data extent item", objectid::kExtentTree, 0, key_type::kExtentItem, remove_it},
    {"wrong reference count", objectid::kExtentTree, 0, key_type::kMetadataItem,
     change<DiskExtentItem>([](DiskExtentItem& item) { item.refs = 5; })},
    {"wrong device extent", objectid::kDevTree, 0, key_type::kDevExtent, remove_it},
    {"no checksums", objectid::kCsumTree, 0, key_type::kExtentCsum, remove_it},
    {"no free space info", objectid::kFreeSpaceTree, 0, key_type::kFreeSpaceInfo, remove_it},
    {"free space missing", objectid::kFreeSpaceTree, 0, key_type::kFreeSpaceExtent, remove_it},
    {"wrong used bytes of a device", objectid::kChunkTree, 0, key_type::kDevItem,
     change<DiskDevItem>([](DiskDevItem& item) { item.bytes_used = 12345 * 4096; })},
};

void populate(TestMount& test) {
  auto dir = test.mkdir(test.root(), "dir");
  auto small = test.create(test.root(), "small");
  test.write(*small, 0, "a few bytes");
  auto big = test.create(*dir, "big");
  test.write(*big, 0, std::string(300'000, 'b'));
  must(link(test.mount(), *big, test.root(), "big-link"));
  must(set_xattr(test.mount(), *big, {.name = "user.colour", .value = as_bytes("blue")}));
}

void strike(const std::string& path, const Damage& damage) {
  edit_leaf(path, damage.tree, [&](std::vector<std::byte>& block) {
    const LeafView leaf(block);
    uint32_t slot = 0;
    while (slot < leaf.count() &&
           (leaf.key(slot).objectid < damage.objectid || leaf.key(slot).type != damage.type))
      ++slot;
    REQUIRE(slot < leaf.count());
    Victim victim(block, slot);
    damage.blow(victim);
  });
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What repair may cost is what the damage took.
void check_content(const std::string& image, const Damage& damage) {
  const std::string name = damage.name;
  auto test = TestMount::of_copy(image);
  CHECK(test->exists(test->root(), "dir"));
  CHECK(test->get(test->root(), "dir")->is_dir());
  CHECK(test->read(*test->get(test->root(), "small")) == "a few bytes");
  if (name == "file without inode item" || name == "file without extents") return;
  CHECK((test->read(*test->get(test->root(), "big-link")) == std::string(300'000, 'b')));
}

}  // namespace

TEST_CASE("what is broken is repaired, and can be undone") {
  if (!have_btrfs_progs()) return;
  const TempDir folder;
  const std::string sound = folder / "sound";
  {
    make_sparse_file(sound, 128ull << 20);
    REQUIRE(run_command({"mkfs.btrfs", "-q", "-m", "single", sound}).ok());
    auto test = TestMount::of_copy(sound);
    populate(*test);
    test->remount("clear_cache");  // without what mkfs.btrfs 6.2 leaves in the free space tree
    test->close();
    REQUIRE(run_command({"cp", "--sparse=always", test->path(), sound}).ok());
  }
  const Damage& damage = kDamages[GENERATE(range(size_t{0}, std::size(kDamages)))];
  INFO(damage.name);
  const std::string image = folder / "image", undo_log = folder / "undo";
  REQUIRE(run_command({"cp", "--sparse=always", sound, image}).ok());
  strike(image, damage);
  const std::string broken = folder / "broken";
  REQUIRE(run_command({"cp", "--sparse=always", image, broken}).ok());

  const Repaired repaired = repair_file(image, undo_log);
  INFO(repaired.actions);
  CHECK(repaired.before > 0);
  CHECK(repaired.after == 0);
  std::string findings;
  CHECK(check_of(image, findings).errors == 0);
  CHECK(findings == "");
  CHECK(btrfs_check(image) == "");
  check_content(image, damage);

  {
    const auto undo = must(repair::Undo::plan(undo_log, {must(open_file_device(image, {}))}));
    CHECK(must(undo->check({})).errors == repaired.before);
    must(undo->write());
  }
  CHECK(same_content(image, broken));
}

TEST_CASE("an extent with more references than its item holds gets them all back") {
  if (!have_btrfs_progs()) return;
  constexpr int kCopies = 70;
  TestMount test("", {"-n", "4096"});
  auto source = test.create(test.root(), "source");
  test.write(*source, 0, std::string(65536, 's'));
  must(test.mount().sync());
  for (int number = 0; number < kCopies; ++number) {
    auto copy = test.create(test.root(), "copy" + std::to_string(number));
    must(copy_range(test.mount(), {.from = *source, .to = *copy, .length = 65536}));
  }
  source.reset();
  test.remount("clear_cache");
  test.close();
  const TempDir folder;
  const std::string image = folder / "image";
  REQUIRE(run_command({"cp", "--sparse=always", test.path(), image}).ok());
  {
    // The superblock's sum is wrong, so that the extent tree is written anew.
    const auto volume = open_volume(image);
    DiskSuper super = volume->super();
    super.bytes_used = super.bytes_used + 4096;
    must(volume->write_supers(super));
  }
  const Repaired repaired = repair_file(image, folder / "undo");
  INFO(repaired.actions);
  CHECK(repaired.before > 0);
  CHECK(repaired.after == 0);
  CHECK(btrfs_check(image) == "");
}

TEST_CASE("a superblock that counts devices wrong is put right") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  test.remount("clear_cache");
  test.close();
  {
    auto volume = must(Volume::open(must(open_file_device(test.path(), {}))));
    DiskSuper super = volume->super();
    super.num_devices = 3;
    must(volume->write_supers(super));
  }
  const TempDir folder;
  const Repaired repaired = repair_file(test.path(), folder / "undo");
  INFO(repaired.actions);
  CHECK(repaired.before > 0);
  CHECK(repaired.after == 0);
  CHECK(btrfs_check(test.path()) == "");
}

TEST_CASE("a sound file system is left alone") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  populate(test);
  test.remount("clear_cache");
  test.close();
  const TempDir folder;
  CHECK(repair_file(test.path(), folder / "undo").before == 0);
  CHECK_FALSE(run_command({"test", "-e", folder / "undo"}).ok());
}

TEST_CASE("an undo log does without what can't be read") {
  const TempDir folder;
  auto disk = std::make_shared<MemoryDevice>(1 << 20);
  must(disk->write(8192, as_bytes("old"), WriteKind::data));
  must(disk->write(65536, as_bytes("older"), WriteKind::data));
  auto broken = std::make_shared<FaultDevice>(disk);
  auto overlay = std::make_shared<MemoryDevice>(disk);
  must(overlay->write(8192, as_bytes("new"), WriteKind::data));
  must(overlay->write(65536, as_bytes("newer"), WriteKind::data));
  must(repair::write_undo_log(folder / "whole", {broken}, {overlay}, 1));
  const uint64_t reads = broken->count(FaultOperation::read);
  // Of the two blocks, which are read last, the first.
  broken->fail_nth(FaultOperation::read, reads - 1, EIO);
  must(repair::write_undo_log(folder / "undo", {broken}, {overlay}, 1));
  must(disk->write(8192, as_bytes("new"), WriteKind::data));
  must(disk->write(65536, as_bytes("newer"), WriteKind::data));
  const auto undo = must(repair::Undo::plan(folder / "undo", {disk}));
  CHECK(undo->bytes() == 4096);
  must(undo->write());
  std::string first(3, ' '), second(5, ' ');
  must(disk->read(8192, {reinterpret_cast<std::byte*>(first.data()), first.size()}));
  must(disk->read(65536, {reinterpret_cast<std::byte*>(second.data()), second.size()}));
  CHECK(first + second == "newolder");
}

TEST_CASE("an undo log that was cut short is refused") {
  const TempDir folder;
  auto base = std::make_shared<MemoryDevice>(1 << 20);
  auto overlay = std::make_shared<MemoryDevice>(base);
  must(overlay->write(8192, as_bytes("new"), WriteKind::data));
  const std::string path = folder / "undo";
  must(repair::write_undo_log(path, {base}, {overlay}, 1));
  std::string log = bytes_of(path);
  log.pop_back();
  std::ofstream(path, std::ios::binary | std::ios::trunc) << log;
  const auto undone = repair::Undo::plan(path, {base});
  REQUIRE_FALSE(undone);
  CHECK(undone.error().code == EUCLEAN);
  CHECK_FALSE(repair::write_undo_log(path, {base}, {overlay}, 1));  // never over another
}

}  // namespace butterfuse::repair_test
