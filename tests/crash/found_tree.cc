// SPDX-License-Identifier: GPL-2.0-or-later
// FoundTree: walking a mount.
#include "tests/crash/found_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "fs/attributes/xattr.h"
#include "fs/control/inode_flags.h"
#include "fs/data/file.h"
#include "fs/names/create.h"
#include "fs/names/lookup.h"
#include "fs/names/readdir.h"
#include "tests/crash/work_folder.h"

namespace butterfuse::crash {
namespace {

class Walk {
 public:
  Walk(Mount& mount, FoundTree& tree) : mount_(mount), tree_(tree) {}

  Status run() {
    BF_ASSIGN(InodePtr root, work_folder(mount_));
    tree_.root = root->ino();
    return visit(std::move(root), "");
  }

 private:
  Status visit(InodePtr inode, const std::string& path) {
    FoundInode& found = tree_.inodes[inode->ino()];
    found.mode = inode->item().mode;
    found.flags = get_fs_flags(*inode);
    BF_TRY(read_xattrs(*inode, found));
    if (inode->is_dir()) return read_entries(*inode, path);
    if (inode->is_symlink()) {
      BF_ASSIGN(found.content, read_link(mount_, *inode));
      return {};
    }
    return read_content(std::move(inode), found);
  }

  Status read_xattrs(Inode& inode, FoundInode& found) {
    BF_ASSIGN(const std::vector<std::string> names, list_xattr(mount_, inode));
    for (const std::string& name : names) {
      if (!name.starts_with("user.")) continue;
      BF_ASSIGN(const std::vector<std::byte> value, get_xattr(mount_, inode, name));
      found.xattrs[name] = as_text(value);
    }
    return {};
  }

  Status read_content(InodePtr inode, FoundInode& found) {
    const uint64_t size = inode->item().size;
    BF_ASSIGN(auto file, open_file(mount_, std::move(inode), O_RDONLY, {}));
    return read_file(mount_, *file, 0, size, [&](const std::vector<ByteSpan>& pieces) {
      for (const ByteSpan piece : pieces) found.content += as_text(piece);
    });
  }

  Status read_entries(Inode& dir, const std::string& path) {
    BF_ASSIGN(const uint64_t end, listing_end(mount_, dir));
    BF_ASSIGN(const auto entries, list_directory(mount_, dir, 0, end, 1 << 20, 64));
    for (const ListedEntry& entry : entries) {
      if (entry.is_dot) continue;
      const std::string child_path = path + "/" + entry.name;
      BF_TRY(visit_entry(dir, entry.name, child_path));
    }
    return {};
  }

  Status visit_entry(Inode& dir, const std::string& name, const std::string& path) {
    auto child = lookup_existing(mount_, dir, name);
    if (!child) return make_error(child.error().code, "{}: {}", path, child.error().message);
    const uint64_t ino = (*child)->ino();
    const bool seen = tree_.inodes.contains(ino);
    tree_.inodes[dir.ino()].entries[name] = ino;
    tree_.inodes[ino].names.insert({dir.ino(), name});
    if (seen) return {};
    const Status visited = visit(std::move(*child), path);
    return visited ? Status{} : make_error(visited.error().code, "{}: {}", path, visited.error().message);
  }

  Mount& mount_;
  FoundTree& tree_;
};

}  // namespace

Result<FoundTree> find_tree(Mount& mount) {
  FoundTree tree;
  BF_TRY(Walk(mount, tree).run());
  return tree;
}

}  // namespace butterfuse::crash
