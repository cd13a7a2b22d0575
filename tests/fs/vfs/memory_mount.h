// MemoryMount: a file system in memory, mounted in process, that commits when told, and whose writes fail
// there too.
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
#include "fs/vfs/create.h"
#include "fs/vfs/file.h"
#include "tests/support/mkfs_image.h"

class MemoryMount {
 public:
  explicit MemoryMount(const std::string& options = "", const std::string& features = "") {
    butterfuse::MkfsOptions wanted;
    must(apply_feature_list(features, wanted.features));
    must(make_filesystem(*disk_, wanted));
    butterfuse::MountOptions parsed;
    must(parse_mount_options(options + ",commit=3600", parsed));
    mount_ = must(butterfuse::Mount::open(std::make_unique<butterfuse::SharedDevice>(fault_), parsed));
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
  uint64_t close_and_count_errors() {
    must(mount_->close());
    mount_.reset();
    return must(check_filesystem(std::make_unique<butterfuse::SharedDevice>(disk_), {})).errors;
  }

 private:
  std::shared_ptr<butterfuse::MemoryDevice> disk_ = std::make_shared<butterfuse::MemoryDevice>(256u << 20);
  std::shared_ptr<butterfuse::FaultDevice> fault_ = std::make_shared<butterfuse::FaultDevice>(disk_);
  std::unique_ptr<butterfuse::Mount> mount_;
};
