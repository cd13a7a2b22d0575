// SPDX-License-Identifier: GPL-2.0-or-later
// MkfsImage: running mkfs.btrfs, opening, checking.
#include "tests/support/mkfs_image.h"

#include "core/device/block_device.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/run_command.h"

using namespace butterfuse;

std::unique_ptr<Filesystem> open_image(const std::string& path) {
  FilesystemOptions options;
  options.commit_interval_s = 0;
  return must(Filesystem::open(must(open_file_device(path, {})), options));
}

MkfsImage::MkfsImage(const std::vector<std::string>& arguments, unsigned long long bytes) {
  make_sparse_file(path_, bytes);
  std::vector<std::string> command{"mkfs.btrfs", "-q", "-f"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.push_back(path_);
  const CommandResult made = run_command(command);
  if (!made.ok()) throw std::runtime_error(made.output);
  open();
}

MkfsImage::~MkfsImage() {
  if (filesystem_) (void)filesystem_->close();
}

void MkfsImage::open() { filesystem_ = open_image(path_); }

Tree& MkfsImage::fs_tree() { return *must(filesystem_->subvolume(objectid::kFsTree)); }

void MkfsImage::reopen() {
  must(filesystem_->close());
  filesystem_.reset();
  open();
}

std::string MkfsImage::close_and_check() {
  must(filesystem_->close());
  filesystem_.reset();
  return btrfs_check(path_);
}
