// SPDX-License-Identifier: GPL-2.0-or-later
// ReadAhead: the children of one tree node, read and verified by other threads ahead of who looks at them.
#pragma once

#include <deque>
#include <future>

#include "core/check/check_state.h"

namespace butterfuse::check {

struct ChildPointer {
  uint64_t bytenr = 0, generation = 0;
  int level = 0;
};

// Not thread-safe. Holds at most (kBatches + 1) * kBlocksInBatch blocks. They are read in batches, since a
// task for each would cost more than it does.
class ReadAhead {
 public:
  // `newest`: the highest generation a block may have.
  ReadAhead(CheckState& state, std::vector<ChildPointer> children, uint64_t newest);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  // The next child's block, in order. REQUIRES that there is one.
  Result<std::vector<std::byte>> next();

 private:
  using Block = std::vector<std::byte>;
  using Batch = std::vector<Result<Block>>;
  // Of 16 KiB each that is 256 KiB a batch, and at most 1.8 MiB held for each level of the tree.
  static constexpr size_t kBlocksInBatch = 16, kBatches = 6;
  void fill();
  Result<Block> read(const ChildPointer& child) const;
  CheckState& state_;
  const std::vector<ChildPointer> children_;
  const uint64_t newest_;
  size_t started_ = 0;
  Batch batch_;
  size_t taken_ = 0;  // of the batch
  std::deque<std::future<Batch>> window_;
};

}  // namespace butterfuse::check
