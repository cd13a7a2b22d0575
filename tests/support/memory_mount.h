// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryMount: a file system in memory, mounted in process, which commits when told; its writes can fail.
#pragma once

#include <fcntl.h>

#include <memory>
#include <string>
#include <vector>

#include "core/check/checker.h"
#include "core/device/fault_device.h"
#include "core/device/memory_device.h"
#include "core/device/shared_device.h"
#include "core/mkfs/mkfs.h"
#include "fs/data/file.h"
#include "fs/names/create.h"
#include "fs/options/parse_options.h"
#include "tests/support/mkfs_image.h"

class MemoryMount {
 public:
  explicit MemoryMount(const std::string& options = "", const std::string& features = "") {
    butterfuse::MkfsOptions wanted;
    must(apply_feature_list(features, wanted.features));
    must(make_filesystem(*disk_, wanted));
    must(parse_mount_options(options + ",commit=3600", options_));
    mount_ = must(butterfuse::Mount::open(std::make_unique<butterfuse::SharedDevice>(fault_), options_));
  }
  ~MemoryMount() {
    if (mount_) (void)mount_->close();
  }

  butterfuse::Mount& mount() { return *mount_; }
  void fail_next_write() { fault_->fail_nth(butterfuse::FaultOperation::write, 1, EIO); }

  butterfuse::Result<std::unique_ptr<butterfuse::OpenFile>> try_create(const std::string& name) {
    BF_ASSIGN(butterfuse::InodePtr made,
              butterfuse::create(*mount_, mount_->root(), name, {.mode = 0100644}, {}));
    return open_file(*mount_, std::move(made), O_RDWR, {});
  }
  std::unique_ptr<butterfuse::OpenFile> create(const std::string& name) { return must(try_create(name)); }
  butterfuse::Result<size_t> try_write(butterfuse::OpenFile& file, uint64_t offset, const std::string& text) {
    return write_file(*mount_, file, {.offset = offset, .pieces = {butterfuse::as_bytes(text)}}, {});
  }
  void write(butterfuse::OpenFile& file, uint64_t offset, const std::string& text) {
    must(try_write(file, offset, text));
  }
  std::string read(butterfuse::OpenFile& file, uint64_t offset, size_t bytes) {
    std::string text;
    must(read_file(*mount_, file, offset, bytes, [&](const std::vector<butterfuse::ByteSpan>& pieces) {
      for (const butterfuse::ByteSpan piece : pieces) text += butterfuse::as_text(piece);
    }));
    return text;
  }
  // Mounts again, with another size in the item of an inode of the top level. All files must be closed.
  void set_size_on_disk(uint64_t ino, uint64_t size) {
    must(mount_->close());
    mount_.reset();
    {
      auto filesystem =
          must(butterfuse::Filesystem::open(std::make_unique<butterfuse::SharedDevice>(disk_), {}));
      butterfuse::Tree& tree = *must(filesystem->subvolume(butterfuse::objectid::kFsTree));
      butterfuse::TransactionHandle handle = must(filesystem->begin(1));
      butterfuse::InodeItem item = must(butterfuse::read_inode_item(tree, ino));
      item.size = size;
      must(butterfuse::write_inode_item(tree, handle, ino, item));
      { const butterfuse::TransactionHandle ended = std::move(handle); }
      must(filesystem->close());
    }
    mount_ = must(butterfuse::Mount::open(std::make_unique<butterfuse::SharedDevice>(fault_), options_));
  }
  uint64_t close_and_count_errors() {
    must(mount_->close());
    mount_.reset();
    return must(check_filesystem(std::make_unique<butterfuse::SharedDevice>(disk_), {})).errors;
  }

 private:
  std::shared_ptr<butterfuse::MemoryDevice> disk_ = std::make_shared<butterfuse::MemoryDevice>(256u << 20);
  std::shared_ptr<butterfuse::FaultDevice> fault_ = std::make_shared<butterfuse::FaultDevice>(disk_);
  butterfuse::MountOptions options_;
  std::unique_ptr<butterfuse::Mount> mount_;
};
