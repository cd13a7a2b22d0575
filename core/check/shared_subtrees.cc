// SPDX-License-Identifier: GPL-2.0-or-later
// SharedSubtrees: sums flow up from the leaves, and stay where another tree will come by.
//
//     root of 256            root of 257
//       │    └──────┐   ┌──────┘    │
//      leaf        node (sum kept)  leaf'        what is below the node is read for 256 only
//                   │     │
//                  leaf  leaf
#include "core/check/shared_subtrees.h"

#include <cstring>

#include "core/base/uuid.h"

namespace butterfuse::check {
namespace {

uint64_t random_seed() {
  uint64_t seed = 0;
  std::memcpy(&seed, Uuid::random().bytes.data(), sizeof seed);
  return seed;
}

}  // namespace

class SharedSubtrees::Walk : public TreeVisitor {
 public:
  explicit Walk(SharedSubtrees& shared) : shared_(shared), whole_(shared.state_, shared.seed_) {}

  bool enter(ByteSpan block, bool as_promised) override {
    if (!as_promised) has_findings_ = true;
    open_.emplace_back(shared_.state_, shared_.seed_);
    if (header_of(block).level > 0) return true;
    const LeafView leaf(block);
    for (uint32_t slot = 0; slot < leaf.count(); ++slot) open_.back().add(leaf.key(slot), leaf.data(slot));
    return true;
  }
  void leave(ByteSpan block) override {
    SubtreeSum sum = std::move(open_.back());
    open_.pop_back();
    SubtreeSum& above = open_.empty() ? whole_ : open_.back();
    above.join(sum);
    if (stopped() || shared_.state_.options.interrupted()) return;  // it may lack what was not visited
    const uint64_t bytenr = header_of(block).bytenr;
    const auto walked = shared_.state_.walked.find(bytenr);
    if (walked != shared_.state_.walked.end() && walked->second.is_shared)
      shared_.sums_.emplace(bytenr, std::move(sum));
  }
  bool knows(const ChildPointer& child, const Key& first_key) override {
    return shared_.sums_.contains(child.bytenr) && walked_as_promised(shared_.state_, child, first_key);
  }
  void pass(const ChildPointer& child) override { open_.back().join(shared_.sums_.at(child.bytenr)); }
  void tell(const std::string&) override { has_findings_ = true; }
  bool stopped() override {
    return has_findings_ || !whole_.is_sound() || (!open_.empty() && !open_.back().is_sound());
  }

  // When it is over; nothing where something is wrong.
  const SubtreeSum* result() { return !stopped() && whole_.finish() ? &whole_ : nullptr; }

 private:
  SharedSubtrees& shared_;
  bool has_findings_ = false;
  std::vector<SubtreeSum> open_;  // of the blocks between the root and where the walk is
  SubtreeSum whole_;
};

SharedSubtrees::SharedSubtrees(CheckState& state) : state_(state), seed_(random_seed()) {}

bool SharedSubtrees::is_sound(const TreeRoot& root) {
  Walk walk(*this);
  walk_tree(state_, root, walk);
  const SubtreeSum* sum = walk.result();
  if (!sum || state_.options.interrupted()) return false;
  state_.summary.inodes += sum->inodes();
  for (SubvolumeName name : sum->subvolume_names()) {
    name.parent = root.id;
    state_.subvolume_names.insert(std::move(name));
  }
  return true;
}

}  // namespace butterfuse::check
