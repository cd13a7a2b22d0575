// SPDX-License-Identifier: GPL-2.0-or-later
// SubvolumePath: a walk that remembers where it came through, for "..".
#include "fs/mount/subvolume_path.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/items/dir_item.h"
#include "core/items/inode_item.h"
#include "core/items/root_ref.h"

namespace butterfuse {
namespace {

constexpr int kMostLinks = 40;  // the kernel's MAXSYMLINKS

// A directory.
struct Place {
  uint64_t root_id = objectid::kFsTree;
  uint64_t dir_ino = objectid::kFirstFree;
  bool is_subvolume = true;
};

// Each step is a look-up in a tree: there are no inodes in memory before it is known what is mounted. `way_`
// has the places from the top level to here, so that ".." needs no back references, and ends at the top.
class PathWalk {
 public:
  PathWalk(Filesystem& filesystem, ExtentReader& reader, std::string_view path)
      : filesystem_(filesystem), reader_(reader), rest_(path) {}

  Result<Place> run() {
    while (!rest_.empty()) {
      const size_t slash = rest_.find('/');
      const std::string name = rest_.substr(0, slash);
      rest_.erase(0, slash == std::string::npos ? slash : slash + 1);
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        if (way_.size() > 1) way_.pop_back();
        continue;
      }
      BF_TRY(step_into(name));
    }
    return way_.back();
  }

 private:
  Status step_into(const std::string& name) {
    const Place place = way_.back();
    BF_ASSIGN(Tree * tree, filesystem_.subvolume(place.root_id));
    BF_ASSIGN(auto entry, lookup_dir_entry(*tree, place.dir_ino, name));
    if (!entry)
      return make_error(ENOENT, "no \"{}\" in root {} directory {}", name, place.root_id, place.dir_ino);
    const Key to = entry->location;
    if (entry->type == file_type::kSymlink) return follow_link(*tree, to.objectid, name);
    if (entry->type != file_type::kDir) return make_error(ENOTDIR, "\"{}\" is not a directory", name);
    if (to.type != key_type::kRootItem) {
      way_.push_back({place.root_id, to.objectid, false});
      return {};
    }
    BF_ASSIGN(const bool real,
              subvolume_hangs_at(filesystem_, to.objectid, place.root_id, place.dir_ino, name));
    // In a snapshot the entry of a nested subvolume is still there, and leads to nothing of it.
    if (!real) return make_error(ENOENT, "\"{}\" is the shadow of a subvolume in a snapshot", name);
    BF_ASSIGN(const DiskRootItem item, filesystem_.root_item(to.objectid));
    way_.push_back({to.objectid, item.root_dirid, true});
    return {};
  }

  Status follow_link(Tree& tree, uint64_t ino, const std::string& name) {
    if (++links_ > kMostLinks) return make_error(ELOOP, "\"{}\" is one symbolic link too many", name);
    BF_ASSIGN(const InodeItem item, read_inode_item(tree, ino));
    if (item.size == 0 || item.size > kSectorSize)
      return make_error(EUCLEAN, "symbolic link {} of {} bytes", ino, item.size);
    std::string target(item.size, '\0');
    BF_TRY(reader_.read(tree, ino, (item.flags & inode_flag::kNoDataSum) != 0, {0, item.size},
                        {reinterpret_cast<std::byte*>(target.data()), target.size()}));
    if (target.front() == '/') way_.resize(1);
    rest_ = target + "/" + rest_;
    return {};
  }

  Filesystem& filesystem_;
  ExtentReader& reader_;
  std::string rest_;
  std::vector<Place> way_{Place{}};  // from the top level on
  int links_ = 0;
};

}  // namespace

Result<uint64_t> subvolume_by_path(Filesystem& filesystem, ExtentReader& reader, std::string_view path) {
  BF_ASSIGN(const Place place, PathWalk(filesystem, reader, path).run());
  if (!place.is_subvolume)
    return make_error(EINVAL, "the path names a directory of subvolume {}, not a subvolume", place.root_id);
  return place.root_id;
}

}  // namespace butterfuse
