// SPDX-License-Identifier: GPL-2.0-or-later
// Salvage: block by block, down from the root, then from what else is known of blocks that were not reached.
//
//     root ─> node ─> leaf ─> items                     visit: keys between those of the parent
//               x  lost: its key range goes to LostNodes
//     LostNodes ─> candidates, highest level first ─> visit as before, between the keys of the lost node
//
// A block is believed for what it says of itself (checksum, bytenr, level, owner), and its items only between
// the keys where it was looked for. So a block of an older time, or one that belongs elsewhere, brings
// nothing that was deleted since, but for what lies in that gap. Each block is visited once: a damaged
// pointer may lead back up, and the walk ends all the same. Several blocks may have the same keys, where an
// old one was found beside its successor: the younger wins, item by item.
#include "core/survey/salvage.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "core/check/tree_walk.h"
#include "core/ondisk/item_checks.h"
#include "core/survey/salvage_leaf.h"

namespace butterfuse::repair {
namespace {

using check::TreeRoot;
using Block = std::vector<std::byte>;

class Salvager {
 public:
  Salvager(Volume& volume, uint64_t generation, const ItemFilter& filter, LostNodes* lost)
      : volume_(volume), leaves_(volume, generation, filter, result_), lost_(lost) {}

  SalvagedTree run(const TreeRoot& root) {
    root_id_ = root.id;
    visit({root.bytenr, root.generation, root.level}, {}, kMaxKey);
    if (lost_ != nullptr && lost_->any()) visit_lost();
    // Of two items with one key the one from the younger block counts.
    std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
      return a.item.key != b.item.key ? a.item.key < b.item.key : a.generation > b.generation;
    });
    for (Found& found : found_)
      if (result_.items.empty() || result_.items.back().key != found.item.key)
        result_.items.push_back(std::move(found.item));
    return std::move(result_);
  }

 private:
  struct Place {
    uint64_t bytenr = 0, generation = 0;
    int level = 0;
  };
  struct Found {
    TreeItem item;
    uint64_t generation = 0;  // of its block
  };

  void visit_lost() {
    for (const Found& found : found_) known_keys_.push_back(found.item.key);
    std::ranges::sort(known_keys_);
    // From the top down: what is found may be a node, whose lost children are candidates of the next level.
    for (int level = kMaxLevel - 2; level >= 0; --level)
      for (const LostNodes::Candidate& candidate : lost_->at(level)) visit_candidate(candidate, level);
  }

  // The block fills a gap: no key that the tree itself led to is among its own.
  bool lies_between(ByteSpan block) const {
    const auto known = std::ranges::lower_bound(known_keys_, key_at(block, 0));
    return known == known_keys_.end() || *known > key_at(block, header_of(block).nritems - 1);
  }

  void visit_candidate(const LostNodes::Candidate& candidate, int level) {
    const Place place{candidate.bytenr, 0, level};
    if (visited_.contains(place.bytenr)) return;
    std::optional<Block> block = read(place);
    if (!block && !candidate.of_nobody && candidate.unreached == 0) {
      visited_.insert(place.bytenr);
      ++result_.blocks_lost;
      lost_->add(candidate, level);
    }
    if (!block || header_of(*block).nritems == 0) return;
    if (candidate.of_nobody && header_of(*block).owner != root_id_) return;
    if (candidate.unreached != 0 &&
        (header_of(*block).generation != candidate.unreached || !lies_between(*block)))
      return;
    const std::optional<KeyRange> home = candidate.ranges->above(level, key_at(*block, 0));
    if (!home) return;
    ++result_.blocks_found;
    visit(place, home->first, home->last, std::move(block));
  }

  // Keys are of [first, last]: a block that is not the one meant brings others, which are not taken.
  void visit(const Place& place, const Key& first, const Key& last, std::optional<Block> block = {}) {
    if (place.level < 0 || place.level >= kMaxLevel || !visited_.insert(place.bytenr).second) return;
    if (!block) block = read(place);
    const bool empty = block && place.level > 0 && header_of(*block).nritems == 0;  // no node is
    if (!block || empty) {
      ++result_.blocks_lost;
      if (lost_ != nullptr) lost_->add(place.bytenr, place.level, {first, last});
    } else if (place.level == 0) {
      const uint64_t generation = header_of(*block).generation;
      leaves_.take(*block, first, last, [&](TreeItem item) {
        found_.push_back({std::move(item), generation});
      });
    } else {
      take_node(*block, place.level, first, last);
    }
  }

  // The block that was promised; else a good one of another generation; else one that is at least this block
  // by its checksum and header.
  std::optional<Block> read(const Place& place) {
    Block block(volume_.nodesize());
    for (const uint64_t generation : {place.generation, uint64_t{0}})
      if (volume_.read_tree_block(place.bytenr, block, generation, place.level, kAnyGeneration) &&
          is_own(block))
        return block;
    const auto chunk = volume_.chunk_at(place.bytenr);
    if (!chunk || place.bytenr + block.size() > chunk->start + chunk->length) return std::nullopt;
    for (const int mirror : Volume::distinct_mirrors(*chunk)) {
      if (!volume_.read(place.bytenr, block, mirror)) continue;
      const DiskHeader& header = header_of(block);
      const CsumValue sum = checksum(volume_.csum_type(), ByteSpan(block).subspan(kCsumMaxBytes));
      if (std::memcmp(sum.data(), block.data(), volume_.csum_size_bytes()) == 0 &&
          header.bytenr == place.bytenr && header.level == place.level && is_own(block))
        return block;
    }
    return std::nullopt;
  }

  std::optional<Block> read_as_promised(const Place& place) {
    Block block(volume_.nodesize());
    if (place.generation == 0 || place.level < 0 ||
        !volume_.read_tree_block(place.bytenr, block, place.generation, place.level, kAnyGeneration) ||
        !is_own(block))
      return std::nullopt;
    return block;
  }

  // Subvolumes share blocks with each other, and nothing else does. Where the block says another owner, the
  // extent tree may know better.
  bool is_own(ByteSpan block) const {
    const DiskHeader& header = header_of(block);
    const bool shared =
        is_fs_tree(root_id_) &&
        (is_fs_tree(header.owner) || (lost_ != nullptr && lost_->recorded().is_of_subvolumes(header.bytenr)));
    return (header.owner == root_id_ || shared) && volume_.is_block_fsid(header.fsid);
  }

  void take_node(ByteSpan block, int level, const Key& first, const Key& last) {
    const size_t fits = (block.size() - sizeof(DiskHeader)) / sizeof(DiskKeyPtr);
    const NodeView node(block);
    const uint32_t count = static_cast<uint32_t>(std::min<size_t>(node.count(), fits));
    for (uint32_t slot = 0; slot < count; ++slot) {
      const Place child{node.ptr(slot).blockptr, node.ptr(slot).generation, level - 1};
      // The very block that was meant is right where the keys here are not. A child of the promised
      // generation at the promised place is no accident; a key may be one flipped bit.
      if (auto promised = read_as_promised(child)) {
        visit(child, first, last, std::move(promised));
        continue;
      }
      const Key from = slot == 0 ? first : std::max(first, node.key(slot));
      const Key to = slot + 1 < count ? std::min(last, node.key(slot + 1)) : last;
      if (from <= to) {
        visit(child, from, to);
      } else {
        ++result_.blocks_lost;
      }
    }
  }

  Volume& volume_;
  SalvagedTree result_;
  LeafSalvager leaves_;
  LostNodes* const lost_;
  std::unordered_set<uint64_t> visited_;
  uint64_t root_id_ = 0;
  std::vector<Found> found_;
  std::vector<Key> known_keys_;  // of what the tree itself led to, sorted
};

}  // namespace

bool is_sound(Volume& volume, const TreeRoot& root, const ItemFilter& filter) {
  const CheckOptions silent;
  check::CheckState state(volume, silent);
  bool content = true;
  std::vector<std::byte> copy;
  check::walk_items(state, root, [&](const Key& key, ByteSpan data, ByteSpan) {
    copy.assign(data.begin(), data.end());
    content &= filter(key, copy) && std::equal(copy.begin(), copy.end(), data.begin(), data.end());
  });
  return content && state.summary.errors == 0;
}

SalvagedTree salvage_tree(Volume& volume, const TreeRoot& root, uint64_t generation, const ItemFilter& filter,
                          LostNodes* lost) {
  return Salvager(volume, generation, filter, lost).run(root);
}

}  // namespace butterfuse::repair
