// SPDX-License-Identifier: GPL-2.0-or-later
// Shared extents: surgery on files of kernel-made images with snapshots and reflinks spares all other files.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "core/items/file_extent.h"
#include "core/items/root_ref.h"
#include "core/read/extent_reader.h"
#include "tests/core/items/item_files.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_images.h"

namespace butterfuse::shared_extents_test {
namespace {

constexpr uint64_t kFileMax = 8u << 20;  // longer files are left alone

using Bytes = std::vector<std::byte>;
using FileId = std::pair<uint64_t, uint64_t>;  // root, inode

class SurgeryOnImage {
 public:
  explicit SurgeryOnImage(const std::string& path) : path_(path), filesystem_(open_image(path)) {
    std::vector<uint64_t> roots{objectid::kFsTree};
    for (const SubvolumeLink& link : must(list_subvolumes(*filesystem_))) roots.push_back(link.root_id);
    for (uint64_t root_id : roots) remember_files(root_id);
  }

  void operate() {
    for (auto& [id, bytes] : files_) {
      if ((must(filesystem_->root_item(id.first)).flags & root_flag::kReadonly) != 0) continue;
      Tree& tree = *must(filesystem_->subvolume(id.first));
      switch (random_() % 4) {
        case 0:
          punch(tree, id.second, bytes);
          break;
        case 1:
          truncate(tree, id.second, bytes);
          break;
        case 2:
          append_clone(tree, id.second, bytes);
          break;
        default:
          break;
      }
    }
  }

  void reopen() {
    must(filesystem_->close());
    filesystem_.reset();
    filesystem_ = open_image(path_);
  }

  void check_content() {
    for (const auto& [id, bytes] : files_) {
      INFO("root " << id.first << " inode " << id.second << " of " << bytes.size() << " bytes");
      CHECK(read(*must(filesystem_->subvolume(id.first)), id.second, bytes.size()) == bytes);
    }
  }

  std::string close_and_check() {
    must(filesystem_->close());
    filesystem_.reset();
    return btrfs_check(path_);
  }

 private:
  void remember_files(uint64_t root_id) {
    Tree& tree = *must(filesystem_->subvolume(root_id));
    std::map<uint64_t, uint64_t> sizes;
    {
      ReadCursor cursor(tree);
      must(cursor.seek({objectid::kFirstFree, 0, 0}));
      for (; cursor.valid() && cursor.key().objectid <= objectid::kLastFree; must(cursor.next())) {
        if (cursor.key().type != key_type::kInodeItem) continue;
        const InodeItem inode = InodeItem::decode(cursor.as<DiskInodeItem>());
        if (S_ISREG(inode.mode) && inode.size <= kFileMax) sizes[cursor.key().objectid] = inode.size;
      }
    }
    for (const auto& [ino, size] : sizes) files_[{root_id, ino}] = read(tree, ino, size);
  }

  Bytes read(Tree& tree, uint64_t ino, uint64_t size) {
    const bool nodatasum = (must(read_inode_item(tree, ino)).flags & inode_flag::kNoDataSum) != 0;
    Bytes bytes(size);
    ExtentReader reader(*filesystem_);
    must(reader.read(tree, ino, nodatasum, {0, size}, bytes));
    return bytes;
  }

  static bool is_inline(Tree& tree, uint64_t ino) {
    return must(list_file_extents(tree, ino, {0, 4096})).front().kind == ExtentKind::inline_data;
  }

  static void store(Tree& tree, TransactionHandle& handle, uint64_t ino, uint64_t size,
                    int64_t nbytes_change) {
    InodeItem inode = must(read_inode_item(tree, ino));
    inode.size = size;
    inode.nbytes += static_cast<uint64_t>(nbytes_change);
    inode.transid = handle.transid();
    must(write_inode_item(tree, handle, ino, inode));
  }

  void punch(Tree& tree, uint64_t ino, Bytes& bytes) {
    const ByteRange range{round_down(bytes.size() / 3, 4096), round_up(bytes.size() * 2 / 3, 4096)};
    if (range.empty()) return;
    auto handle = must(filesystem_->begin(60));
    const uint64_t dropped = must(drop_file_extents(tree, handle, ino, range));
    must(insert_hole(tree, handle, ino, range));
    const uint64_t end = std::min<uint64_t>(range.end, bytes.size());
    std::fill(bytes.begin() + static_cast<ptrdiff_t>(range.start),
              bytes.begin() + static_cast<ptrdiff_t>(end), std::byte{0});
    store(tree, handle, ino, bytes.size(), -static_cast<int64_t>(dropped));
  }

  void truncate(Tree& tree, uint64_t ino, Bytes& bytes) {
    const uint64_t new_size = random_() % (bytes.size() + 1);
    for (bool done = false; !done;) {
      auto handle = must(filesystem_->begin_freeing(60));
      const TruncateStep step = must(truncate_file_extents(tree, handle, ino, new_size, 3));
      store(tree, handle, ino, step.done ? new_size : std::min<uint64_t>(step.new_end, bytes.size()),
            -static_cast<int64_t>(step.nbytes_dropped));
      done = step.done;
    }
    bytes.resize(new_size);
  }

  // The file once more behind its end, sharing its extents.
  void append_clone(Tree& tree, uint64_t ino, Bytes& bytes) {
    if (bytes.empty() || bytes.size() % 4096 != 0 || is_inline(tree, ino)) return;
    const uint64_t size = bytes.size();
    const auto extents = must(list_file_extents(tree, ino, {0, size}));
    int64_t added = 0;
    auto handle = must(filesystem_->begin(200));
    const uint64_t dropped = must(drop_file_extents(tree, handle, ino, {size, ~uint64_t{0}}));
    for (FileExtent extent : extents) {
      extent.num_bytes = std::min(extent.end(), size) - extent.start;
      extent.start += size;
      if (extent.disk_bytenr == 0) {
        must(insert_hole(tree, handle, ino, {extent.start, extent.end()}));
        continue;
      }
      must(insert_file_extent(tree, handle, ino, extent, false));
      added += static_cast<int64_t>(extent.num_bytes);
    }
    bytes.reserve(2 * size);
    std::copy_n(bytes.begin(), size, std::back_inserter(bytes));
    store(tree, handle, ino, bytes.size(), added - static_cast<int64_t>(dropped));
  }

  const std::string path_;
  std::unique_ptr<Filesystem> filesystem_;
  std::map<FileId, Bytes> files_;
  std::mt19937 random_{11};
};

}  // namespace

TEST_CASE(
    "cutting and sharing extents of kernel-made files changes those files only, and the image stays clean") {
  if (!have_btrfs_progs()) return;
  for (const std::string name :
       {"subvols", "ext-reflink", "balanced", "ext-frag", "ext-prealloc", "ext-inline", "ext-nocow",
        "old-format", "no-holes-off", "convert", "mixed-bg", "comp-mixed", "comp-zstd", "node-64k",
        "csum-sha256", "cache-fst-bitmap", "bgt", "full"}) {
    if (golden_dir().empty()) return;
    INFO(name);
    const UnpackedImage image = UnpackedImage::golden(name);
    SurgeryOnImage surgery(image.devices().front());
    surgery.operate();
    surgery.check_content();
    surgery.reopen();
    surgery.check_content();
    CHECK(surgery.close_and_check() == "");
  }
}

}  // namespace butterfuse::shared_extents_test
