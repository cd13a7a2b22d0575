// SPDX-License-Identifier: GPL-2.0-or-later
// TestMount: a fresh image mounted in process, without FUSE, judged by btrfs check at its end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/mount/mount.h"
#include "tests/support/mkfs_image.h"
#include "tests/support/temp_dir.h"

class TestMount {
 public:
  // `arguments` go to mkfs.btrfs. Throws when that or the mount fails. REQUIRES have_btrfs_progs().
  explicit TestMount(const std::string& options = "", const std::vector<std::string>& arguments = {});
  // An existing image, copied first.
  static std::unique_ptr<TestMount> of_copy(const std::string& image, const std::string& options = "");
  ~TestMount();

  butterfuse::Mount& mount() { return *mount_; }
  butterfuse::Inode& root() { return mount_->root(); }
  const std::string& path() const { return path_; }

  butterfuse::InodePtr create(butterfuse::Inode& dir, const std::string& name, uint32_t mode = 0100644);
  butterfuse::InodePtr mkdir(butterfuse::Inode& dir, const std::string& name) {
    return create(dir, name, 040755);
  }
  bool exists(butterfuse::Inode& dir, const std::string& name);
  butterfuse::InodePtr get(butterfuse::Inode& dir, const std::string& name);
  void write(butterfuse::Inode& inode, uint64_t offset, const std::string& text);
  std::string read(butterfuse::Inode& inode);
  void remount(const std::string& options = "");
  void close();
  void open(const std::string& options);  // after close() or close_and_check()
  // As after a power cut: the image as of the last commit, mounted again. All pins must be gone.
  void crash();
  std::string close_and_check();
  uint64_t close_and_count_errors();  // by our own checker, which is stricter

 private:
  enum class NoImage { yet };
  explicit TestMount(NoImage) {}
  TempDir directory_;
  std::string path_ = directory_ / "image";
  std::unique_ptr<butterfuse::Mount> mount_;
};
