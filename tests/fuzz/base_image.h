// SPDX-License-Identifier: GPL-2.0-or-later
// BaseImage: a sound (or already broken) file system that fuzzing damages, and where its tree blocks lie.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/checksum.h"
#include "core/ondisk/format.h"
#include "core/volume/volume.h"

namespace butterfuse::fuzz {

using Disks = std::vector<std::shared_ptr<BlockDevice>>;

// One tree block and the places that hold a copy of it.
struct BlockCopies {
  uint64_t bytenr = 0, generation = 0, owner = 0;
  struct Place {
    size_t device = 0;
    uint64_t physical = 0;
  };
  std::vector<Place> places;
};

struct BaseImage {
  std::string name;
  Disks devices;  // only read
  DiskSuper super{};
  std::vector<BlockCopies> blocks;  // by bytenr

  CsumType csum_type() const { return static_cast<CsumType>(uint16_t{super.csum_type}); }
};

// Images made at the first call, by mkfs and random operations: several profiles, node sizes and features;
// with `logs`, as after a crash: with log trees that wait for replay. Then those of the folder that
// $BUTTERFUSE_FUZZ_IMAGES names: each an image file, or a folder with one file a device.
class BaseImages {
 public:
  explicit BaseImages(bool logs);
  size_t count() const { return sources_.size(); }
  // Made, or read and scanned, when first asked for. Without blocks when it is no btrfs.
  const BaseImage& at(size_t index);

 private:
  struct Source {
    uint64_t seed = 0;
    std::vector<std::string> files;  // empty: of the seed
  };
  const bool logs_;
  std::vector<Source> sources_;
  std::map<size_t, BaseImage> made_;
};

}  // namespace butterfuse::fuzz
