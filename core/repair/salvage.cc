// Salvage: block by block, then item by item.
#include "core/repair/salvage.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "core/check/tree_walk.h"
#include "core/ondisk/entry_type.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/root_item.h"
#include "core/repair/subvolume_survey.h"

namespace butterfuse::repair {
namespace {

using check::TreeRoot;
using Block = std::vector<std::byte>;

constexpr uint64_t kAnyGeneration = ~uint64_t{0};

class Salvager {
 public:
  Salvager(Volume& volume, uint64_t generation, const ItemFilter& filter, LostNodes* lost)
      : volume_(volume),
        context_(volume.check_context(generation)),
        generation_(generation),
        filter_(filter),
        lost_(lost) {}

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
    for (int level = kMaxLevel - 2; level >= 0; --level)
      for (const LostNodes::Candidate& candidate : lost_->at(level)) visit_candidate(candidate, level);
  }

  bool lies_between(ByteSpan block) const {
    const uint32_t last = header_of(block).nritems - 1;
    const bool leaf = header_of(block).level == 0;
    const Key first_key = leaf ? LeafView(block).key(0) : NodeView(block).key(0);
    const auto known = std::ranges::lower_bound(known_keys_, first_key);
    return known == known_keys_.end() ||
           *known > (leaf ? LeafView(block).key(last) : NodeView(block).key(last));
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
    const Key first = level == 0 ? LeafView(*block).key(0) : NodeView(*block).key(0);
    const std::optional<KeyRange> home = candidate.ranges->above(level, first);
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
      take_leaf(*block, first, last);
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

  // Subvolumes share blocks with each other, and nothing else does. The extent tree may know better than the
  // block.
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
      // The very block that was meant is right where the keys here are not.
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

  void take_leaf(ByteSpan block, const Key& first, const Key& last) {
    const size_t room = block.size() - sizeof(DiskHeader);
    const uint32_t count =
        static_cast<uint32_t>(std::min<size_t>(header_of(block).nritems, room / sizeof(DiskItem)));
    const LeafView leaf(block);
    uint64_t taken_bytes = 0;  // no more than fit: items that overlap could be thousands of times that
    uint64_t end = room;       // where this item's data ends, if all items lie one behind the other
    for (uint32_t slot = 0; slot < count; ++slot) {
      std::optional<TreeItem> taken;
      for (const ByteRange& data : places_of(leaf, slot, count, end)) {
        if (data.end > room) continue;
        taken = take(block, leaf.item(slot).key, data.start, data.length());
        if (!taken) continue;
        end = data.start;
        break;
      }
      // A size that can't be is not believed for what comes behind it either.
      if (!taken && leaf.item(slot).size <= end) end -= leaf.item(slot).size;
      if (taken) taken_bytes += taken->data.size();
      if (taken && taken_bytes <= room && taken->key >= first && taken->key <= last) {
        found_.push_back({std::move(*taken), header_of(block).generation});
      } else {
        ++result_.items_lost;
      }
    }
  }

  // Where an item's data may lie, the likeliest first. Each item's data ends where that of the one before
  // begins: of an offset and a size, the one that meets both neighbours is right.
  static std::vector<ByteRange> places_of(const LeafView& leaf, uint32_t slot, uint32_t count, uint64_t end) {
    const uint64_t offset = leaf.item(slot).offset, size = leaf.item(slot).size;
    const bool meets_next =
        slot + 1 < count && offset == uint64_t{leaf.item(slot + 1).offset} + leaf.item(slot + 1).size;
    std::vector<ByteRange> places;
    if (meets_next && offset <= end && offset + size != end) places.push_back({offset, end});
    if (size <= end) places.push_back({end - size, end});
    if (offset + size != end) places.push_back({offset, offset + size});
    return places;
  }

  std::optional<TreeItem> take(ByteSpan block, const Key& key, uint64_t offset, uint64_t size) {
    TreeItem item;
    item.key = key;
    const ByteSpan data = block.subspan(sizeof(DiskHeader) + offset, size);
    item.data.assign(data.begin(), data.end());
    const std::vector<std::byte> original = item.data;
    const Key original_key = item.key;
    if (item.key == Key{} || !filter_(item.key, item.data)) return std::nullopt;
    if (!is_good(block, item)) {
      mend(item);
      if (!is_good(block, item)) return std::nullopt;
    }
    result_.items_mended += item.data != original || item.key != original_key;
    return item;
  }

  // By tree_checker, in a leaf of its own.
  bool is_good(ByteSpan block, const TreeItem& item) const {
    const size_t room = block.size() - sizeof(DiskHeader);
    if (item.data.size() + sizeof(DiskItem) > room) return false;
    Block leaf(block.size());
    auto header = load<DiskHeader>(block);
    header.nritems = 1;
    header.generation = std::min<uint64_t>(header.generation, generation_);
    store(MutableByteSpan(leaf), header);
    const auto offset = static_cast<uint32_t>(room - item.data.size());
    store(MutableByteSpan(leaf).subspan(sizeof header),
          DiskItem{item.key, offset, static_cast<uint32_t>(item.data.size())});
    std::copy(item.data.begin(), item.data.end(),
              leaf.begin() + static_cast<ptrdiff_t>(sizeof header + offset));
    return check_tree_block(context_, leaf).has_value();
  }

  void mend(TreeItem& item) {
    MutableByteSpan data(item.data);
    if (item.key.type == key_type::kInodeItem && data.size() == sizeof(DiskInodeItem)) {
      auto inode = load<DiskInodeItem>(data);
      inode.generation = std::min<uint64_t>(inode.generation, generation_);
      inode.transid = std::min<uint64_t>(inode.transid, generation_);
      inode.flags = inode.flags & kKnownInodeFlags;
      if (S_ISDIR(inode.mode)) inode.nlink = std::min<uint32_t>(inode.nlink, 1);
      // Names and content will tell which it was; here it only has to be one (see kindless).
      if (entry_type_of_mode(inode.mode) == file_type::kUnknown) {
        inode.mode = (inode.mode & 07777) | S_IFREG;
        result_.kindless.insert(item.key.objectid);
      }
      store(data, inode);
    } else if (item.key.type == key_type::kExtentData && data.size() >= sizeof(DiskFileExtentInline)) {
      auto extent = load<DiskFileExtentInline>(data);
      if (extent.type != file_extent_type::kInline || extent.compression != compression_type::kNone) return;
      extent.ram_bytes = data.size() - sizeof extent;
      store(data, extent);
    } else if (item.key.type == key_type::kRootItem && data.size() >= kRootItemV0Bytes) {
      DiskRootItem root = load_root_item(data);
      root.generation = std::min<uint64_t>(root.generation, generation_);
      root.generation_v2 = std::min<uint64_t>(root.generation_v2, generation_);
      root.last_snapshot = std::min<uint64_t>(root.last_snapshot, generation_);
      root.flags = root.flags & (root_flag::kReadonly | root_flag::kDead);
      if (root.refs > 0) root.drop_progress = Key{};
      if (root.refs > 0 || root.drop_level >= kMaxLevel) root.drop_level = 0;
      if (root.level >= kMaxLevel) root.level = 0;  // the block tells
      store_root_item(data, root);
    } else if (item.key.type == key_type::kDirItem || item.key.type == key_type::kXattrItem) {
      if (data.size() < sizeof(DiskDirItem)) return;
      const auto entry = load<DiskDirItem>(data);
      if (data.size() < sizeof entry + entry.name_len) return;
      item.key.offset = name_hash(as_text(ByteSpan(data).subspan(sizeof entry, entry.name_len)));
    }
  }

  Volume& volume_;
  const TreeCheckContext context_;
  const uint64_t generation_;
  const ItemFilter& filter_;
  LostNodes* const lost_;
  std::unordered_set<uint64_t> visited_;
  uint64_t root_id_ = 0;
  std::vector<Found> found_;
  std::vector<Key> known_keys_;  // of what the tree itself led to, sorted
  SalvagedTree result_;
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
