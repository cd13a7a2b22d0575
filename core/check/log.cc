// SPDX-License-Identifier: GPL-2.0-or-later
// Log trees: whole, in space that the last commit left free, and with checksums for the data they bring.
//
// A log is written between two commits and replayed after a crash. Its blocks and its new data must lie
// where the last commit has nothing: else writing them has destroyed that commit, which is all there is
// besides the log. An extent that the last commit has, too, must be the very same one: a log may add a
// reference to it. A log is read twice: read_log gathers before checksums are judged, check_log judges when
// the checksums are known.
#include "core/check/tree_walk.h"
#include "core/ondisk/root_item.h"

namespace butterfuse::check {
namespace {

// The extent of the last commit that holds or follows `range.start`, if it begins below `range.end`.
const std::pair<const uint64_t, ExtentRecord>* committed_in(const CheckState& state, ByteRange range) {
  auto extent = state.extents.upper_bound(range.start);
  if (extent != state.extents.begin() &&
      std::prev(extent)->first + std::prev(extent)->second.length > range.start)
    --extent;
  return extent != state.extents.end() && extent->first < range.end ? &*extent : nullptr;
}

ByteRange stored_range(const DiskFileExtent& extent) {
  return ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes);
}

class LogReader {
 public:
  explicit LogReader(CheckState& state) : state_(state) {}

  LogRecord read(const TreeRoot& root) {
    walk_blocks(state_, root, [&](ByteSpan block) {
      check_place(block);
      if (header_of(block).level == 0) gather(block);
      return true;
    });
    return std::move(record_);
  }

 private:
  void check_place(ByteSpan block) {
    const ByteRange range = ByteRange::at(header_of(block).bytenr, block.size());
    if (const auto* other = committed_in(state_, range))
      state_.error("log tree block {}: lies in extent {} of the last commit", range.start, other->first);
  }

  void gather(ByteSpan block) {
    LeafView leaf(block);
    for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
      const Key key = leaf.key(slot);
      const ByteSpan data = leaf.data(slot);
      if (key.type == key_type::kInodeItem) {
        if (load<DiskInodeItem>(data).flags & inode_flag::kNoDataSum) record_.unsummed.insert(key.objectid);
        record_.inodes.insert(key.objectid);
      } else if (key.type == key_type::kExtentCsum) {
        record_.summed.push_back(state_.volume.csum_geometry().sectors(key.offset, data));
      } else if (key.type == key_type::kExtentData && data.size() >= sizeof(DiskFileExtent)) {
        const auto extent = load<DiskFileExtent>(data);
        if (extent.type != file_extent_type::kInline && extent.disk_bytenr != 0)
          record_.extents.push_back({key, extent});
      }
    }
  }

  CheckState& state_;
  LogRecord record_;
};

class LogCheck {
 public:
  LogCheck(CheckState& state, const LogRecord& log) : state_(state), log_(log), summed_(log.summed) {}

  void run() {
    summed_.insert(summed_.end(), state_.summed.begin(), state_.summed.end());
    std::sort(summed_.begin(), summed_.end(), [](ByteRange a, ByteRange b) { return a.start < b.start; });
    for (const LogRecord::Extent& extent : log_.extents) check_extent(extent);
  }

 private:
  void check_extent(const LogRecord::Extent& file) {
    const DiskFileExtent& extent = file.item;
    const ByteRange stored = stored_range(extent);
    const auto* other = committed_in(state_, stored);
    if (other && (other->first != stored.start || other->second.length != stored.length() ||
                  other->second.is_tree_block))
      return state_.error("log: inode {} extent at {}: [{}, {}) lies across extent {} of the last commit",
                          file.key.objectid, file.key.offset, stored.start, stored.end, other->first);
    if (extent.type != file_extent_type::kRegular || log_.unsummed.contains(file.key.objectid) ||
        !log_.inodes.contains(file.key.objectid))
      return;
    ByteRange used = ByteRange::at(extent.disk_bytenr + extent.offset, extent.num_bytes);
    if (extent.compression) used = stored;
    if (!is_summed(used))
      state_.error("log: inode {} extent at {}: data [{}, {}) lacks checksums", file.key.objectid,
                   file.key.offset, used.start, used.end);
  }

  // By the log and by the last commit together.
  bool is_summed(ByteRange range) const {
    auto next = std::upper_bound(summed_.begin(), summed_.end(), range.start,
                                 [](uint64_t start, ByteRange one) { return start < one.start; });
    while (next != summed_.begin() && std::prev(next)->end > range.start) --next;
    for (uint64_t cursor = range.start; cursor < range.end; ++next) {
      if (next == summed_.end() || next->start > cursor) return false;
      cursor = std::max(cursor, next->end);
    }
    return true;
  }

  CheckState& state_;
  const LogRecord& log_;
  std::vector<ByteRange> summed_;
};

}  // namespace

// A log belongs to the transaction behind the last commit; that of a subvolume that is gone has no meaning.
void read_log(CheckState& state) {
  const DiskSuper& super = state.volume.super();
  if (super.log_root == 0) return;
  TreeRoot log_roots{
      objectid::kTreeLog, super.log_root, super.generation + 1, super.log_root_level, {}, true};
  std::vector<TreeRoot> roots;
  walk_items(state, log_roots, [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type != key_type::kRootItem || data.size() < kRootItemV0Bytes) return;
    const DiskRootItem item = load_root_item(data);
    if (!state.roots.contains(key.offset))
      return state.warning("log: is of subvolume {}, which does not exist", key.offset);
    roots.push_back({objectid::kTreeLog, item.bytenr, item.generation, item.level, {}, true});
  });
  for (const TreeRoot& root : roots) {
    state.logs.push_back(LogReader(state).read(root));
    for (const LogRecord::Extent& extent : state.logs.back().extents)
      state.logged_data[extent.item.disk_bytenr] =
          std::max(state.logged_data[extent.item.disk_bytenr], stored_range(extent.item).end);
  }
}

void check_log(CheckState& state) {
  for (const LogRecord& log : state.logs) LogCheck(state, log).run();
}

}  // namespace butterfuse::check
