// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged images, mounted read-only with what rescue= may overlook.
#include <catch2/catch.hpp>

#include "core/device/memory_device.h"
#include "core/volume/superblock.h"
#include "fs/data/file.h"
#include "fs/names/lookup.h"
#include "fs/options/parse_options.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_mount.h"

namespace butterfuse::rescue_test {
namespace {

constexpr uint64_t kFileBytes = 10'000;
constexpr uint64_t kInItems = 200;  // bytes into a tree block

// Root blocks of an image with three files, which are damaged in memory.
class DamagedImage {
 public:
  DamagedImage() {
    TestMount test;
    for (const char* name : {"file1", "file2", "file3"}) {
      auto file = test.create(test.root(), name);
      test.write(*file, 0, std::string(kFileBytes, 'x'));
      file.reset();
      must(test.mount().sync());
    }
    auto& filesystem = test.mount().filesystem();
    const auto block_of = [&](const Tree& tree) {
      Block block{tree.root().bytenr, {}};
      const auto chunk = filesystem.volume().chunk_at(block.bytenr);
      for (const ChunkStripe& stripe : chunk->stripes)
        block.copies.push_back(stripe.physical + block.bytenr - chunk->start);
      return block;
    };
    root_tree = block_of(filesystem.root_tree());
    csum_tree = block_of(filesystem.csum_tree());
    extent_tree = block_of(filesystem.extent_tree());
    fs_tree = block_of(*must(filesystem.subvolume(objectid::kFsTree)));
    test.remount("ro");  // readers may share it
    // The open file outlives its name.
    std::shared_ptr<BlockDevice> file = must(open_file_device(test.path(), {.mode = OpenMode::read_only}));
    device_ = std::make_shared<MemoryDevice>(std::move(file));
  }

  struct Block {
    uint64_t bytenr = 0;
    std::vector<uint64_t> copies;  // where on the device
  };
  Block root_tree, csum_tree, extent_tree, fs_tree;

  // Turns one bit in every copy, `at` bytes from the begin: 0 is in the checksum itself.
  void damage(const Block& block, uint64_t at) {
    for (uint64_t physical : block.copies) {
      std::byte byte{};
      must(device_->read(physical + at, {&byte, 1}));
      byte ^= std::byte{1};
      must(device_->write(physical + at, {&byte, 1}, WriteKind::metadata));
    }
  }

  // In all superblocks, with a checksum that is right.
  void set_super_flags(uint64_t flags) {
    for (int mirror = 0; mirror < kSuperMirrors; ++mirror) {
      auto super = read_super_mirror(*device_, mirror);
      if (!super || super->magic != kSuperMagic) continue;
      super->flags = super->flags | flags;
      seal_super(*super, mirror);
      must(device_->write(super_mirror_offset(mirror), object_bytes(*super), WriteKind::super));
    }
  }

  Result<std::unique_ptr<Mount>> mount(const std::string& options) {
    MountOptions parsed;
    must(parse_mount_options(options, parsed));
    return Mount::open(std::make_unique<MemoryDevice>(device_), parsed);
  }

 private:
  std::shared_ptr<MemoryDevice> device_;
};

uint64_t readable_bytes(Mount& mount, const std::string& name) {
  auto file = must(open_file(mount, must(lookup_existing(mount, mount.root(), name)), 0, Caller{}));
  uint64_t bytes = 0;
  must(read_file(mount, *file, 0, 1 << 20, [&](const std::vector<ByteSpan>& pieces) {
    for (ByteSpan piece : pieces) bytes += piece.size();
  }));
  return bytes;
}

}  // namespace

TEST_CASE("where the newest root tree is unreadable, an older one is used if asked for") {
  if (!have_btrfs_progs()) return;
  DamagedImage image;
  image.damage(image.root_tree, kInItems);
  CHECK_FALSE(image.mount("ro"));
  CHECK_FALSE(image.mount("usebackuproot"));  // not for writing
  for (const char* options : {"ro,usebackuproot", "ro,rescue=usebackuproot", "ro,rescue=all"}) {
    auto mount = must(image.mount(options));
    CHECK(readable_bytes(*mount, "file1") == kFileBytes);
  }
}

TEST_CASE("without the extent tree or the checksum tree, files can still be read") {
  if (!have_btrfs_progs()) return;
  DamagedImage image;
  image.damage(image.extent_tree, kInItems);
  image.damage(image.csum_tree, kInItems);
  CHECK_FALSE(image.mount("ro"));
  auto mount = must(image.mount("ro,rescue=ibadroots"));
  for (const char* name : {"file1", "file2", "file3"}) CHECK(readable_bytes(*mount, name) == kFileBytes);
}

TEST_CASE("an unreadable file tree is replaced by an older one, or the error names it") {
  if (!have_btrfs_progs()) return;
  DamagedImage image;
  image.damage(image.fs_tree, kInItems);
  const auto refused = image.mount("ro,rescue=ignorebadroots");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find(std::to_string(image.fs_tree.bytenr)) != std::string::npos);
  CHECK(readable_bytes(*must(image.mount("ro,rescue=all")), "file1") == kFileBytes);
}

TEST_CASE("a tree block with nothing but its checksum wrong is used if asked for") {
  if (!have_btrfs_progs()) return;
  DamagedImage image;
  image.damage(image.fs_tree, 0);
  CHECK_FALSE(image.mount("ro"));
  CHECK(readable_bytes(*must(image.mount("ro,rescue=imetacsums")), "file3") == kFileBytes);
}

TEST_CASE(
    "superblock flags that nobody knows, or of a conversion caught half way, are overlooked if asked for") {
  for (const uint64_t flags :
       {uint64_t{1} << 50, super_flag::kChangingBlockGroupTree | super_flag::kChangingDataCsum}) {
    DamagedImage image;
    image.set_super_flags(flags);
    const auto refused = image.mount("ro");
    REQUIRE_FALSE(refused);
    INFO(refused.error().message);
    const bool is_conversion = flags & super_flag::kConversions;
    CHECK((refused.error().message.find("was interrupted") != std::string::npos) == is_conversion);
    CHECK((refused.error().message.find("unknown flags 0x4000000000000") != std::string::npos) ==
          !is_conversion);
    CHECK_FALSE(image.mount("rescue=ignoresuperflags"));  // not for writing
    for (const char* options : {"ro,rescue=ignoresuperflags", "ro,rescue=isuperflags", "ro,rescue=all"})
      CHECK(readable_bytes(*must(image.mount(options)), "file1") == kFileBytes);
  }
}

}  // namespace butterfuse::rescue_test
