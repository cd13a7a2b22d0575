// SPDX-License-Identifier: GPL-2.0-or-later
// ReadAhead: a window of batches under way.
//
//     children   │ taken │ batch_ ...│ window_: 6 batches at work, or done │ not started │
//                         ^ next()                                          ^ started_
//
// The order in which blocks are judged does not depend on the workers: findings come in the same order in
// each run.
#include "core/check/read_ahead.h"

namespace butterfuse::check {
ReadAhead::ReadAhead(CheckState& state, std::vector<ChildPointer> children, uint64_t newest)
    : state_(state), children_(std::move(children)), newest_(newest) {}

ReadAhead::~ReadAhead() {
  // Tasks use this object.
  for (auto& block : window_) block.wait();
}

Result<std::vector<std::byte>> ReadAhead::read(const ChildPointer& child) const {
  Block block(state_.volume.nodesize());
  BF_TRY(state_.volume.read_tree_block(child.bytenr, block, child.generation, child.level, newest_));
  return block;
}

void ReadAhead::fill() {
  while (started_ < children_.size() && window_.size() < kBatches) {
    const size_t first = started_;
    started_ = std::min(children_.size(), first + kBlocksInBatch);
    auto task = std::make_shared<std::packaged_task<Batch()>>([this, first, end = started_] {
      Batch blocks;
      for (size_t i = first; i < end; ++i) blocks.push_back(read(children_[i]));
      return blocks;
    });
    window_.push_back(task->get_future());
    state_.workers->submit([task] { (*task)(); });
  }
}

Result<std::vector<std::byte>> ReadAhead::next() {
  state_.summary.blocks_read += 1;
  // A root, mostly: a task would only be waited for.
  if (children_.size() == 1) return read(children_.front());
  if (taken_ == batch_.size()) {
    fill();
    batch_ = window_.front().get();
    window_.pop_front();
    taken_ = 0;
    fill();
  }
  return std::move(batch_[taken_++]);
}

}  // namespace butterfuse::check
