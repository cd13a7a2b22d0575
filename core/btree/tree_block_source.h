// SPDX-License-Identifier: GPL-2.0-or-later
// TreeBlockSource: where the block cache reads blocks from, and what every header of the file system carries.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/base/uuid.h"

namespace butterfuse {

class Volume;

// Thread-safe. A Volume in the program, a map in tests of the tree code.
class TreeBlockSource {
 public:
  virtual ~TreeBlockSource() = default;
  virtual uint32_t nodesize() const = 0;
  virtual Uuid metadata_fsid() const = 0;
  virtual Uuid chunk_tree_uuid() const = 0;
  // Fills `into` with a block whose content passed tree_checker. Generation 0 and level -1: unknown.
  virtual Status read(uint64_t bytenr, MutableByteSpan into, uint64_t expected_generation, int expected_level,
                      uint64_t generation_limit) = 0;
};

std::unique_ptr<TreeBlockSource> volume_source(Volume& volume);  // `volume` must outlive it

}  // namespace butterfuse
