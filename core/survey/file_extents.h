// SPDX-License-Identifier: GPL-2.0-or-later
// FileExtentFilter: file extents that lie where they can't be get their place back from the extent tree.
#pragma once

#include "core/survey/recorded_extents.h"

namespace butterfuse::repair {

// No extent can be where no data can, or over a part of another one. What lies where no data can be, and is
// not recorded elsewhere, goes.
class FileExtentFilter {
 public:
  FileExtentFilter(Volume& volume, const RecordedExtents& recorded, uint64_t root_id)
      : volume_(volume), recorded_(recorded), root_id_(root_id) {}

  // False for an EXTENT_DATA item whose extent lies in no data chunk. May change where it lies, and how long
  // it is there, and a generation that is yet to come.
  bool accept(const Key& key, std::vector<std::byte>& data) const;

 private:
  bool is_possible(const DiskFileExtent& extent) const;
  bool cuts_recorded(const DiskFileExtent& extent) const;  // lies over a part of one that is recorded

  Volume& volume_;
  const RecordedExtents& recorded_;
  const uint64_t root_id_;
};

}  // namespace butterfuse::repair
