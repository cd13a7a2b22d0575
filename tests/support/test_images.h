// SPDX-License-Identifier: GPL-2.0-or-later
// test_images: read-only images that tests use in place: the kernel's golden ones, a corpus of hostile ones.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

// From $BUTTERFUSE_GOLDEN or $BUTTERFUSE_CORPUS, or shared/golden, shared/corpus beside the source tree.
// Empty, with one line that says SKIP and why, when there is none or it cannot be unpacked.
std::string golden_dir();
std::string corpus_dir();

// Names without "NAME.0.img.zst", sorted; none, which says SKIP as above, where there is no folder.
std::vector<std::string> golden_names();
// Paths relative to the corpus, for example "fuzz/bad-superblock-1.tar.xz";
// folder "fuzz", "fsck", "thirdparty".
std::vector<std::string> corpus_names(const std::string& folder);

// Whether the corpus index calls the image healthy.
bool is_healthy_corpus_image(const std::string& name);

// The devices of one image, sparse, in a directory of their own.
class UnpackedImage {
 public:
  static UnpackedImage golden(const std::string& name);
  static UnpackedImage corpus(const std::string& name);
  const std::vector<std::string>& devices() const { return devices_; }

 private:
  UnpackedImage() : dir_(std::make_unique<TempDir>()) {}
  std::unique_ptr<TempDir> dir_;
  std::vector<std::string> devices_;
};
