// SPDX-License-Identifier: GPL-2.0-or-later
// Engine files: files on a real file system under a DataEngine: the least that fs does for its inodes.
#pragma once

#include "core/file_data/data_engine.h"
#include "core/file_data/file_data.h"
#include "core/items/file_extent.h"
#include "tests/core/items/item_files.h"
#include "tests/support/mkfs_image.h"

// One file in the root directory, with its inode item kept as fs/inode would keep it.
class EngineFile final : public butterfuse::DataOwner {
 public:
  EngineFile(butterfuse::Filesystem& filesystem, butterfuse::DataEngine& engine, uint64_t ino,
             butterfuse::CompressChoice choice)
      : filesystem_(filesystem),
        tree_(*must(filesystem.subvolume(butterfuse::objectid::kFsTree))),
        ino_(ino),
        choice_(choice) {
    auto handle = must(filesystem.begin(8));
    item_ = butterfuse::new_inode(handle.transid(), S_IFREG | 0644, 1);
    must(butterfuse::write_inode_item(tree_, handle, ino, item_));
    butterfuse::add_name(tree_, handle, ino, "file" + std::to_string(ino),
                         must(butterfuse::next_dir_index(tree_, 256)));
    data = std::make_unique<butterfuse::FileData>(engine, *this, 0);
  }
  butterfuse::Tree& tree() override { return tree_; }
  uint64_t root_id() const override { return tree_.id(); }
  uint64_t ino() const override { return ino_; }
  butterfuse::CompressChoice compress_choice() const override { return choice_; }
  bool nodatasum() const override { return false; }
  bool nodatacow() const override { return false; }
  void note_incompressible() override {}
  void note_extents_changed(butterfuse::TransactionHandle& handle, int64_t nbytes_delta,
                            uint64_t disk_size) override {
    butterfuse::MutexLock lock(mutex_);
    item_.nbytes += static_cast<uint64_t>(nbytes_delta);
    item_.size = disk_size;
    must(butterfuse::write_inode_item(tree_, handle, ino_, item_));
  }
  void truncate(uint64_t size) {
    if (size > data->size()) {
      must(data->zero_old_end());
      data->extend(size);
    }
    must(data->truncate_pages(size));
    for (bool done = false; !done;) {
      auto handle = must(filesystem_.begin_freeing(4));
      const auto step = must(butterfuse::truncate_file_extents(tree_, handle, ino_, size, 64));
      done = step.done;
      butterfuse::MutexLock lock(mutex_);
      item_.nbytes -= step.nbytes_dropped;
      if (done) data->lower_disk_size(size);
      item_.size = data->disk_size();
      must(butterfuse::write_inode_item(tree_, handle, ino_, item_));
    }
  }

  std::unique_ptr<butterfuse::FileData> data;

 private:
  butterfuse::Filesystem& filesystem_;
  butterfuse::Tree& tree_;
  const uint64_t ino_;
  const butterfuse::CompressChoice choice_;
  butterfuse::Mutex mutex_;
  butterfuse::InodeItem item_;
};
