// SPDX-License-Identifier: GPL-2.0-or-later
// BlockWalk: visits the blocks of one tree straight from the volume, whatever state it is in; for dumps.
#pragma once

#include <functional>
#include <unordered_set>

#include "core/ondisk/leaf_view.h"
#include "core/volume/volume.h"

namespace butterfuse {

struct WalkRoot {
  uint64_t bytenr = 0;
  uint64_t generation = 0;  // 0: unknown
  int level = -1;           // -1: unknown
};

// Depth first, parents before children. Ends on any input: a child must be one level below its parent, and no
// block is visited twice. A block that fails is reported, and the walk goes on behind it.
class BlockWalk {
 public:
  using Visitor = std::function<void(ByteSpan block)>;
  using ErrorSink = std::function<void(const Error& error)>;
  BlockWalk(Volume& volume, Visitor visit, ErrorSink report)
      : volume_(volume), visit_(std::move(visit)), report_(std::move(report)) {}

  void walk(const WalkRoot& root);

 private:
  Volume& volume_;
  const Visitor visit_;
  const ErrorSink report_;
  std::unordered_set<uint64_t> visited_;
};

// Reads a tree block; when no copy is what the parent promised, any intact copy, and says what differs.
Status read_any_tree_block(Volume& volume, const WalkRoot& root, MutableByteSpan into,
                           const BlockWalk::ErrorSink& report);

// Adds the chunks and devices of the chunk tree to the volume; reports what cannot be read or added.
void load_chunk_tree(Volume& volume, const BlockWalk::ErrorSink& report);

}  // namespace butterfuse
