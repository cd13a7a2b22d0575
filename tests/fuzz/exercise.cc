// SPDX-License-Identifier: GPL-2.0-or-later
// exercise: within bounds, since a damaged tree may be endless.
#include "tests/fuzz/exercise.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/falloc.h>

#include "fs/attributes/attr.h"
#include "fs/attributes/xattr.h"
#include "fs/control/ioctl.h"
#include "fs/data/copy_range.h"
#include "fs/data/fallocate.h"
#include "fs/data/file.h"
#include "fs/data/seek.h"
#include "fs/data/set_attr.h"
#include "fs/mount/statfs.h"
#include "fs/names/create.h"
#include "fs/names/link.h"
#include "fs/names/lookup.h"
#include "fs/names/readdir.h"
#include "fs/names/rename.h"
#include "fs/names/unlink.h"

namespace butterfuse::fuzz {
namespace {

constexpr int kDepthMax = 24;
constexpr size_t kListBytes = 64 << 10, kEntryBytes = 64;
constexpr size_t kFileBytesMax = 1 << 20;

class Reader {
 public:
  explicit Reader(Mount& mount) : mount_(mount) {}

  void visit(InodePtr inode, int depth) {
    if (entries_left_ == 0) return;
    --entries_left_;
    (void)get_attr(mount_, *inode);
    read_xattrs(*inode);
    if (inode->is_symlink()) (void)read_link(mount_, *inode);
    if (inode->is_dir()) read_entries(*inode, depth);
    if (inode->is_regular()) read_content(std::move(inode));
  }

 private:
  void read_xattrs(Inode& inode) {
    const auto names = list_xattr(mount_, inode);
    if (!names) return;
    for (const std::string& name : *names) (void)get_xattr(mount_, inode, name);
  }

  void read_content(InodePtr inode) {
    const uint64_t size = inode->item().size;
    auto file = open_file(mount_, std::move(inode), O_RDONLY, {});
    if (!file) return;
    (void)seek_data(mount_, *(*file)->inode, 0);
    (void)seek_hole(mount_, *(*file)->inode, 0);
    const auto read = [&](uint64_t from) {
      const size_t length = std::min<size_t>({kFileBytesMax, bytes_left_});
      bytes_left_ -= std::min<size_t>(length, size > from ? size - from : 0);
      (void)read_file(mount_, **file, from, length, [](const std::vector<ByteSpan>&) {});
    };
    read(0);
    if (size > 2 * kFileBytesMax) read(size - kFileBytesMax);
  }

  void read_entries(Inode& dir, int depth) {
    if (depth == kDepthMax) return;
    const auto end = listing_end(mount_, dir);
    if (!end) return;
    const auto entries = list_directory(mount_, dir, 0, *end, kListBytes, kEntryBytes);
    if (!entries) return;
    for (const ListedEntry& entry : *entries) {
      if (entry.is_dot) continue;
      if (auto child = lookup_existing(mount_, dir, entry.name)) visit(std::move(*child), depth + 1);
    }
    ask_ioctls(dir);
  }

  void ask_ioctls(Inode& dir) {
    const std::vector<std::byte> zeros(16 << 10);
    const IoctlCall call{.mount = mount_,
                         .inode = dir,
                         .in = zeros,
                         .credentials = [] { return Credentials{.known = true, .serves = true}; },
                         .mounted_read_only = [] { return false; },
                         .cancelled = [] { return false; }};
    for (const uint32_t command :
         {BTRFS_IOC_INO_LOOKUP, BTRFS_IOC_GET_SUBVOL_INFO, BTRFS_IOC_GET_SUBVOL_ROOTREF, BTRFS_IOC_FS_INFO,
          BTRFS_IOC_DEV_INFO, BTRFS_IOC_SPACE_INFO})
      (void)ioctl(command, call);
  }

  Mount& mount_;
  int entries_left_ = 600;
  size_t bytes_left_ = 8 << 20;
};

class Writer {
 public:
  explicit Writer(Mount& mount) : mount_(mount), text_(70'000, 'x') {}

  void run() {
    Inode& root = mount_.root();
    const auto end = listing_end(mount_, root);
    const auto entries = end ? list_directory(mount_, root, 0, *end, 4096, kEntryBytes)
                             : Result<std::vector<ListedEntry>>(std::vector<ListedEntry>());
    NewInode directory;
    directory.mode = S_IFDIR | 0755;
    (void)create(mount_, root, "fuzz-dir", directory, {});
    if (auto file = make(root, "fuzz-file")) change_content(**file, "fuzz-file");
    if (!entries) return;
    int count = 0;
    for (const ListedEntry& entry : *entries) {
      if (entry.is_dot) continue;
      if (++count > 8) break;
      change_entry(root, entry.name, count);
    }
    (void)mount_.sync();
  }

 private:
  Result<InodePtr> make(Inode& dir, const std::string& name) {
    NewInode what;
    what.mode = S_IFREG | 0644;
    return create(mount_, dir, name, what, {});
  }

  void write(OpenFile& file, uint64_t offset, size_t length) {
    WriteRequest request;
    request.offset = offset;
    request.pieces.push_back(as_bytes(std::string_view(text_).substr(0, length)));
    (void)write_file(mount_, file, request, {});
  }

  void change_content(Inode& inode, const std::string& name) {
    auto pin = mount_.inodes().get(inode.key());
    if (!pin || !inode.is_regular()) return;
    auto file = open_file(mount_, std::move(*pin), O_RDWR, {});
    if (!file) return;
    write(**file, 0, text_.size());
    write(**file, inode.item().size / 2, 5000);
    (void)fallocate(mount_, inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, ByteRange::at(8192, 4096));
    (void)fallocate(mount_, inode, 0, ByteRange::at(100'000, 20'000));
    (void)sync_file(mount_, **file);
    if (auto copy = make(mount_.root(), name + "-copy"))
      (void)copy_range(mount_, {.from = inode, .to = **copy, .length = 65536});
    AttrChange change;
    change.size = inode.item().size / 3;
    (void)set_attr(mount_, inode, change);
    (void)sync_file(mount_, **file);
  }

  void change_entry(Inode& root, const std::string& name, int number) {
    {
      auto child = lookup_existing(mount_, root, name);
      if (!child) {
        (void)unlink(mount_, root, name);
        return;
      }
      (void)set_xattr(mount_, **child, {.name = "user.fuzz", .value = as_bytes("value")});
      change_content(**child, name);
      (void)link(mount_, **child, root, name + "-link");
      if ((*child)->is_dir()) {
        if (auto made = make(**child, "made")) change_content(**made, name + "-made");
        (void)rmdir(mount_, root, name);
      }
    }
    if (number % 2 == 0)
      (void)rename(mount_, {.old_dir = root, .old_name = name, .new_dir = root, .new_name = "fuzz-file"});
    if (number % 3 == 0) (void)unlink(mount_, root, name);
  }

  Mount& mount_;
  const std::string text_;
};

}  // namespace

void read_all(Mount& mount) {
  (void)get_statfs(mount);
  if (auto root = mount.inodes().get(mount.root().key())) Reader(mount).visit(std::move(*root), 0);
}

void change_some(Mount& mount) { Writer(mount).run(); }

}  // namespace butterfuse::fuzz
