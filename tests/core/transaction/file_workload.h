// SPDX-License-Identifier: GPL-2.0-or-later
// FileWorkload: seeded random changes of files in one subvolume, each in a transaction handle of its own.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "core/base/checksum.h"
#include "core/csum/csum_tree.h"
#include "core/items/file_extent.h"
#include "core/items/xattr_item.h"
#include "tests/core/items/item_files.h"

namespace butterfuse {

class FileWorkload {
 public:
  FileWorkload(Filesystem& filesystem, Tree& tree, unsigned seed)
      : filesystem_(filesystem),
        tree_(tree),
        random_(seed),
        next_ino_(must(highest_ino(tree)) + 1),
        next_index_(must(next_dir_index(tree, objectid::kFirstFree))) {
    find_existing_files();
  }

  void step() {
    const unsigned kind = static_cast<unsigned>(random_() % 12);
    if (files_.empty() || kind < 4) return create();
    if (kind < 6) return overwrite();
    if (kind < 8) return clone();
    if (kind < 9) return set_xattr();
    if (kind < 10 && !existing_.empty()) return punch_existing();
    remove();
  }
  void steps(int count) {
    while (count-- > 0) step();
  }
  void remove_all() {
    while (!files_.empty()) remove();
  }
  size_t file_count() const { return files_.size(); }

 private:
  struct File {
    std::string name;
    InodeItem inode;
  };
  static constexpr uint64_t kSector = 4096;

  // Regular files that were there before, to punch holes in: their extents may be shared with snapshots.
  void find_existing_files() {
    ReadCursor cursor(tree_);
    must(cursor.seek({objectid::kFirstFree, 0, 0}));
    for (; cursor.valid(); must(cursor.next())) {
      if (cursor.key().type != key_type::kExtentData || cursor.data().size() < sizeof(DiskFileExtent))
        continue;
      if (cursor.as<DiskFileExtent>().type == file_extent_type::kRegular)
        existing_.insert(cursor.key().objectid);
    }
  }

  std::map<uint64_t, File>::iterator pick_file() {
    return std::next(files_.begin(), static_cast<ptrdiff_t>(random_() % files_.size()));
  }

  void create() {
    auto handle = must(filesystem_.begin(20));
    const uint64_t ino = next_ino_++;
    File file{"workload-" + std::to_string(ino), new_inode(handle.transid(), S_IFREG | 0644, 1)};
    add_name(tree_, handle, ino, file.name, next_index_++);
    for (int extents = static_cast<int>(random_() % 4); extents > 0; --extents)
      append_fresh(handle, ino, file, (1 + random_() % 32) * kSector);
    store_inode(handle, ino, file);
    files_.emplace(ino, std::move(file));
  }

  void overwrite() {
    auto place = pick_file();
    auto& [ino, file] = *place;
    auto handle = must(filesystem_.begin(20));
    if (file.inode.size > 0) {
      const uint64_t start = random_() % (file.inode.size / kSector) * kSector;
      const uint64_t end = std::min(start + (1 + random_() % 8) * kSector, file.inode.size);
      file.inode.nbytes -= must(drop_file_extents(tree_, handle, ino, {start, end}));
      if (!insert_fresh(handle, ino, file, start, end - start))
        must(insert_hole(tree_, handle, ino, {start, end}));
    } else {
      append_fresh(handle, ino, file, kSector);
    }
    store_inode(handle, ino, file);
  }

  // Makes the file longer by references to an extent of any file.
  void clone() {
    auto source = pick_file();
    auto extents = must(list_file_extents(tree_, source->first, {0, source->second.inode.size}));
    std::erase_if(extents, [](const FileExtent& extent) { return extent.kind != ExtentKind::regular; });
    if (extents.empty()) return;
    FileExtent extent = extents[random_() % extents.size()];
    auto target = pick_file();
    auto& [ino, file] = *target;
    auto handle = must(filesystem_.begin(20));
    extent.start = file.inode.size;
    must(insert_file_extent(tree_, handle, ino, extent, false));
    file.inode.size += extent.num_bytes;
    file.inode.nbytes += extent.num_bytes;
    store_inode(handle, ino, file);
  }

  void set_xattr() {
    auto place = pick_file();
    auto& [ino, file] = *place;
    auto handle = must(filesystem_.begin(20));
    std::vector<std::byte> value(random_() % 900, std::byte{'x'});
    must(write_xattr(tree_, handle, ino, "user.workload" + std::to_string(random_() % 5), value));
    store_inode(handle, ino, file);
  }

  void punch_existing() {
    const uint64_t ino = *std::next(existing_.begin(), static_cast<ptrdiff_t>(random_() % existing_.size()));
    auto handle = must(filesystem_.begin(20));
    InodeItem inode = must(read_inode_item(tree_, ino));
    const uint64_t sectors = (inode.size + kSector - 1) / kSector;
    if (sectors == 0) return;
    const uint64_t start = random_() % sectors * kSector;
    const uint64_t end = std::min(start + (1 + random_() % 16) * kSector, sectors * kSector);
    inode.nbytes -= must(drop_file_extents(tree_, handle, ino, {start, end}));
    must(insert_hole(tree_, handle, ino, {start, end}));
    must(write_inode_item(tree_, handle, ino, inode));
  }

  void remove() {
    auto place = pick_file();
    auto& [ino, file] = *place;
    auto handle = must(filesystem_.begin_freeing(20));
    must(drop_file_extents(tree_, handle, ino, {0, ~uint64_t{0}}));
    for (const std::string& name : must(list_xattrs(tree_, ino)))
      must(remove_xattr(tree_, handle, ino, name));
    remove_name(tree_, handle, ino, file.name);
    must(remove_inode_item(tree_, handle, ino));
    files_.erase(place);
  }

  void append_fresh(TransactionHandle& handle, uint64_t ino, File& file, uint64_t bytes) {
    if (insert_fresh(handle, ino, file, file.inode.size, bytes)) file.inode.size += bytes;
  }

  // Data, checksums and file extent items of [start, start + bytes), which is a gap. Any number of extents.
  // False, and nothing done, when there is no space.
  bool insert_fresh(TransactionHandle& handle, uint64_t ino, File& file, uint64_t start, uint64_t bytes) {
    auto& allocator = filesystem_.allocator();
    auto promise = allocator.reserve(SpaceClass::data, bytes);
    if (!promise && promise.error().code == ENOSPC) return false;
    const Reservation held = must(std::move(promise));
    while (bytes > 0) {
      const ByteRange disk = must(allocator.alloc_data(bytes, kSector, 0));
      write_data(handle, disk);
      FileExtent extent;
      extent.kind = ExtentKind::regular;
      extent.start = start;
      extent.num_bytes = extent.ram_bytes = extent.disk_num_bytes = disk.length();
      extent.disk_bytenr = disk.start;
      extent.generation = handle.transid();
      must(insert_file_extent(tree_, handle, ino, extent, true));
      start += disk.length(), bytes -= disk.length();
      file.inode.nbytes += disk.length();
    }
    return true;
  }

  void write_data(TransactionHandle& handle, ByteRange disk) {
    std::vector<std::byte> data(disk.length());
    for (size_t at = 0; at < data.size(); at += 64) data[at] = static_cast<std::byte>(random_());
    must(filesystem_.volume().write(disk.start, data, WriteKind::data));
    const uint32_t csum_bytes = filesystem_.csum_size_bytes();
    CsumBytes csums;
    for (size_t at = 0; at < data.size(); at += kSector) {
      CsumValue csum = checksum(filesystem_.volume().csum_type(), ByteSpan(data).subspan(at, kSector));
      csums.insert(csums.end(), csum.begin(), csum.begin() + csum_bytes);
    }
    must(insert_csums(filesystem_.csum_tree(), handle, disk.start, csums, kSector, csum_bytes));
  }

  void store_inode(TransactionHandle& handle, uint64_t ino, File& file) {
    file.inode.transid = handle.transid();
    must(write_inode_item(tree_, handle, ino, file.inode));
  }

  Filesystem& filesystem_;
  Tree& tree_;
  std::mt19937_64 random_;
  uint64_t next_ino_;
  uint64_t next_index_;
  std::map<uint64_t, File> files_;
  std::set<uint64_t> existing_;
};

}  // namespace butterfuse
