// SPDX-License-Identifier: GPL-2.0-or-later
// The space cache (version 1): judged against the extents where it counts, and given up by repair.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "core/free_space/old_space_caches.h"
#include "fs/mount/mount.h"
#include "tests/core/repair/repaired.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/kernel_mount.h"
#include "tests/support/run_command.h"

namespace butterfuse::space_cache_test {
namespace {

constexpr size_t kPage = 4096;

// The kernel makes space caches for block groups of 100 MiB and more only. False when it can't (newer ones
// may not know them any more).
bool make_image(const std::string& path, const TempDir& folder) {
  const std::string mount_point = folder / "mnt";
  std::ofstream(path).close();
  std::filesystem::resize_file(path, uint64_t{4} << 30);
  if (!have_btrfs_progs() || !kernel_can_mount()) return false;
  REQUIRE(run_command({"mkfs.btrfs", "-q", "-R", "^free-space-tree", path}).ok());
  const KernelMount mount(path, mount_point, "loop,space_cache=v1");
  if (!mount.mounted()) std::puts("SKIP: this kernel takes no space_cache=v1");
  if (!mount.mounted()) return false;
  // Holes enough for bitmaps.
  const auto name = [&](int index) { return mount_point + "/" + std::to_string(index); };
  for (int index = 0; index < 6000; ++index) std::ofstream(name(index)) << std::string(kPage, 'x');
  run_command({"sync", "-f", mount_point});
  for (int index = 0; index < 6000; index += 2) std::filesystem::remove(name(index));
  return true;
}

struct CachePage {
  uint64_t bytenr = 0;
  size_t crcs = 0;  // bytes of checksums it begins with
};

CachePage first_page_of_first_cache(const std::string& path) {
  const auto filesystem = open_for_reading(path);
  ReadCursor cursor(filesystem->root_tree());
  must(cursor.seek({objectid::kFreeSpace, 0, 0}));
  REQUIRE((cursor.valid() && cursor.key().objectid == objectid::kFreeSpace));
  const Key inode = cursor.as<DiskFreeSpaceHeader>().location;
  REQUIRE(must(cursor.seek(inode)));
  const size_t crcs = cursor.as<DiskInodeItem>().size / kPage * sizeof(le32);
  REQUIRE(must(cursor.seek({inode.objectid, key_type::kExtentData, 0})));
  return {cursor.as<DiskFileExtent>().disk_bytenr, crcs};
}

// `sealed`: the page's checksum is made right.
void edit_cache(const std::string& path, bool sealed,
                const std::function<void(std::vector<std::byte>& page, size_t entries)>& edit) {
  const CachePage place = first_page_of_first_cache(path);
  const auto volume = open_volume(path);
  std::vector<std::byte> page(kPage);
  must(volume->read(place.bytenr, page, 0));
  edit(page, place.crcs + sizeof(le64));
  if (sealed) store(MutableByteSpan(page), le32(crc32c(ByteSpan(page).subspan(place.crcs))));
  must(volume->write(place.bytenr, page, WriteKind::data));
}

// Errors and warnings.
std::string findings_of(const std::string& path) {
  std::string findings;
  CheckOptions options;
  options.on_error = [&](const std::string& finding) { findings += finding + "\n"; };
  options.on_warning = [&](const std::string& finding) { findings += "warning: " + finding + "\n"; };
  must(check_filesystem(must(open_file_device(path, {.mode = OpenMode::read_only})), options));
  return findings;
}

bool has_caches_in_use(const std::string& path) {
  const auto volume = must(Volume::open(must(open_file_device(path, {.mode = OpenMode::read_only}))));
  return volume->super().cache_generation == volume->super().generation;
}

std::set<uint64_t> caches_of(const std::string& path) {
  return must(find_old_space_caches(open_for_reading(path)->root_tree()));
}

std::set<uint64_t> groups_of_type(const std::string& path, uint64_t type) {
  std::set<uint64_t> groups;
  for (const auto& chunk : open_for_reading(path)->volume().chunks())
    if (chunk->type & type) groups.insert(chunk->start);
  return groups;
}

// The kernel, which then believes what is left, changes a little.
void use_in_kernel(const std::string& path, const TempDir& folder) {
  const KernelMount mount(path, folder / "mnt", "loop,space_cache=v1");
  REQUIRE(mount.mounted());
  std::ofstream(folder / "mnt/more") << std::string(kPage, 'x');
}

}  // namespace

TEST_CASE("the commit that changes a block group gives up its cache, and no other") {
  const TempDir folder;
  const std::string path = folder / "image";
  if (!make_image(path, folder)) return;
  // The kernel may leave a group without one that changed while it wrote them.
  std::set<uint64_t> of_data;
  for (const uint64_t group : groups_of_type(path, bg::kData))
    if (caches_of(path).contains(group)) of_data.insert(group);
  REQUIRE(!of_data.empty());
  {
    auto filesystem = open_image(path);
    CHECK_FALSE(filesystem->has_stale_space_caches());
    filesystem->set_label("another");  // the root tree is copied
    must(filesystem->close());
  }
  CHECK(caches_of(path) == of_data);
  CHECK(has_caches_in_use(path));
  CHECK(findings_of(path) == "");
  CHECK(btrfs_check(path) == "");
  use_in_kernel(path, folder);
  CHECK(findings_of(path) == "");
  CHECK(btrfs_check(path) == "");
}

TEST_CASE("space caches that somebody left stale are given up by the next mount that writes") {
  const TempDir folder;
  const std::string path = folder / "image";
  if (!make_image(path, folder)) return;
  {
    const auto volume = open_volume(path);
    DiskSuper super = volume->super();
    super.cache_generation = super.generation - 1;
    must(volume->write_supers(super));
  }
  const auto open = [&](bool read_only) {
    MountOptions options;
    options.read_only = read_only;
    return must(Mount::open(must(open_file_device(path, {})), options));
  };
  must(open(true)->close());
  CHECK_FALSE(caches_of(path).empty());
  must(open(false)->close());
  CHECK(caches_of(path).empty());
  CHECK_FALSE(has_caches_in_use(path));
  CHECK(btrfs_check(path) == "");
  use_in_kernel(path, folder);
  CHECK(has_caches_in_use(path));
  CHECK(findings_of(path) == "");
  CHECK(btrfs_check(path) == "");
}

TEST_CASE("a space cache that calls used space free is found, and repair has it given up") {
  const TempDir folder;
  const std::string path = folder / "image";
  if (!make_image(path, folder)) return;
  CHECK(has_caches_in_use(path));
  CHECK(findings_of(path) == "");
  edit_cache(path, true, [](std::vector<std::byte>& page, size_t entries) {
    auto entry = load<DiskFreeSpaceEntry>(ByteSpan(page).subspan(entries));
    entry.offset = entry.offset - kPage;
    store(MutableByteSpan(page).subspan(entries), entry);
  });
  CHECK(findings_of(path).find("but the extents leave") != std::string::npos);
  CHECK(btrfs_check(path) != "");

  const Repaired repaired = repair_file(path, folder / "undo");
  INFO(repaired.actions);
  CHECK(repaired.after == 0);
  CHECK(repaired.actions.find("trees written anew") == std::string::npos);
  CHECK_FALSE(has_caches_in_use(path));
  CHECK(btrfs_check(path) == "");
  {  // the kernel makes others
    const KernelMount mount(path, folder / "mnt", "loop,space_cache=v1");
    REQUIRE(mount.mounted());
    std::ofstream(folder / "mnt/more") << std::string(kPage, 'x');
  }
  CHECK(has_caches_in_use(path));
  CHECK(findings_of(path) == "");
  CHECK(btrfs_check(path) == "");
}

TEST_CASE("a space cache that nobody would use is worth a warning") {
  const TempDir folder;
  const std::string path = folder / "image";
  if (!make_image(path, folder)) return;
  edit_cache(path, false,
             [](std::vector<std::byte>& page, size_t entries) { page[entries] ^= std::byte{1}; });
  const std::string findings = findings_of(path);
  CHECK(findings.starts_with("warning: space cache"));
  CHECK(findings.find("bad checksum") != std::string::npos);
  CHECK(std::ranges::count(findings, '\n') == 1);
}

TEST_CASE("a space cache that lacks free space is no finding: log trees have it") {
  const TempDir folder;
  const std::string path = folder / "image";
  if (!make_image(path, folder)) return;
  edit_cache(path, true, [](std::vector<std::byte>& page, size_t entries) {
    auto entry = load<DiskFreeSpaceEntry>(ByteSpan(page).subspan(entries));
    entry.bytes = entry.bytes - kPage;
    store(MutableByteSpan(page).subspan(entries), entry);
  });
  CHECK(findings_of(path) == "");
}

}  // namespace butterfuse::space_cache_test
