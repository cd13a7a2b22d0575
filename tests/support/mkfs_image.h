// SPDX-License-Identifier: GPL-2.0-or-later
// MkfsImage: a fresh file system by mkfs.btrfs for one test, opened by the engine, judged by btrfs check.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/transaction/filesystem.h"
#include "tests/support/temp_dir.h"

class MkfsImage {
 public:
  // `arguments` go to mkfs.btrfs. Throws when that fails. REQUIRES have_btrfs_progs().
  explicit MkfsImage(const std::vector<std::string>& arguments = {}, unsigned long long bytes = 256ull << 20);
  ~MkfsImage();

  butterfuse::Filesystem& filesystem() { return *filesystem_; }
  butterfuse::Tree& fs_tree();
  void reopen();  // commits, closes, opens
  // Closes the file system; empty when btrfs check is content.
  std::string close_and_check();

 private:
  void open();
  TempDir directory_;
  const std::string path_ = directory_ / "image";
  std::unique_ptr<butterfuse::Filesystem> filesystem_;
};

// Opens an image read-write; throws with the error's message.
std::unique_ptr<butterfuse::Filesystem> open_image(const std::string& path);

// The value, or a throw with the error's message: Catch prints it as the failure.
template <class T>
T must(butterfuse::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
