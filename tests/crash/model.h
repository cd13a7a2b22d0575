// SPDX-License-Identifier: GPL-2.0-or-later
// Model: what a crash may leave of a series of changes.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/crash/found_tree.h"

namespace butterfuse::crash {

// One change that was made, or one promise of durability that was given.
struct Change {
  enum class Kind {
    create,  // of `mode`'s type, as `name` in `dir`; `text` is a symbolic link's target
    link,
    unlink,
    rename,
    exchange,
    write,    // `text` at `offset`
    replace,  // `text` is all that it holds
    clear,    // [offset, offset + length) reads as zeros; does not grow the file
    resize,   // to `length`
    set_mode,
    set_flags,
    set_xattr,
    remove_xattr,
    fsync,
    sync
  };
  Kind kind = Kind::sync;
  uint64_t ino = 0;  // of the inode that is changed; of rename and exchange the one that comes from `name`
  uint64_t dir = 0, to_dir = 0;
  std::string name = {}, to_name = {};  // of xattrs: `name`
  uint64_t offset = 0, length = 0;
  uint32_t mode = 0;
  uint32_t flags = 0;  // FS_*_FL, of set_flags and create
  std::string text = {};
  std::string to_text() const;
};

// An inode as it is now, and all it has been since it was last durable.
struct ModelInode {
  uint64_t ino = 0;
  uint32_t mode = 0, flags = 0;
  bool durable = false;      // it exists after a crash
  bool data_synced = false;  // its content was durable at some time, not only its name
  std::string content;
  std::map<std::string, std::string> xattrs;
  std::set<std::pair<uint64_t, std::string>> names;
  std::map<std::string, uint64_t> entries;

  std::vector<std::string> contents;
  std::set<uint32_t> modes, flag_states;
  std::vector<std::map<std::string, std::string>> xattr_states;
  std::set<std::pair<uint64_t, std::string>> past_names;
  std::map<std::string, std::set<uint64_t>> entry_history;  // 0: absent

  bool is_dir() const;
  bool is_file() const;
  bool in_place() const;  // written without copy-on-write, now or since it was last durable
};

class Model {
 public:
  // A durable root directory, empty.
  explicit Model(uint64_t root);
  // Durable, as it was found.
  explicit Model(const FoundTree& found);

  // The change is made, or is being made.
  void apply(const Change& change);
  // The call has returned: of fsync and sync, what they promise holds from now on.
  void acknowledge(const Change& change);

  // What a mount after the crash shows that it must not; empty when all is well. `atom`: bytes that are
  // written all or not at all; of what is written in place that is never more than a sector of the device.
  std::vector<std::string> problems(const FoundTree& found, size_t atom) const;

  uint64_t root() const { return root_; }
  const std::map<uint64_t, ModelInode>& inodes() const { return inodes_; }
  const ModelInode& at(uint64_t ino) const { return inodes_.at(ino); }

 private:
  void add_name(uint64_t dir, const std::string& name, uint64_t ino);
  void drop_name(uint64_t dir, const std::string& name);
  void set_content(ModelInode& inode, std::string content);
  void make_durable(ModelInode& inode);

  uint64_t root_;
  std::map<uint64_t, ModelInode> inodes_;
};

}  // namespace butterfuse::crash
