// SPDX-License-Identifier: GPL-2.0-or-later
// ChangeNotes: bounded; what is too much to note makes the next fsync a commit.
#include "fs/durability/change_notes.h"

#include <algorithm>

namespace butterfuse {
namespace {

constexpr uint64_t kRangeUnit = 1u << 20;  // RangeSet counts in it; not used here
constexpr uint64_t kRangeEndMax = uint64_t{1} << 63;
// Of one file: as many extents as a log takes (kExtentsMax of LogWriter), each of which may be a place of its
// own. All of them are copied under the name-space lock, so that more are a commit's work, which lets others
// at names meanwhile.
constexpr size_t kRangesOfFileMax = 20'000;
// Of at least a hundred bytes for each file and 64 for each range: some 10 MiB and 13 MiB. With more of them
// every fsync is a commit until the next transaction.
constexpr size_t kChangedFilesMax = 100'000;
constexpr size_t kRangesMax = 200'000;

}  // namespace

// The first note of a transaction throws away those of the one before: nobody has to say that it has begun.
void ChangeNotes::are_of(uint64_t transid) {
  if (transid_ == transid) return;
  transid_ = transid;
  names_.clear();
  extents_.clear();
  ranges_ = 0;
}

void ChangeNotes::name_added(TransactionHandle& handle, const InodeKey& dir, uint64_t index,
                             const InodeKey& child) {
  with_names(handle, [&](NameChanges& names) { names.add(dir, index, child); });
}

void ChangeNotes::name_removed(TransactionHandle& handle, const InodeKey& dir, uint64_t index,
                               const std::string& name, const InodeKey& child, bool is_dir) {
  with_names(handle, [&](NameChanges& names) { names.remove(dir, index, name, child, is_dir); });
}

void ChangeNotes::require_commit(TransactionHandle& handle) {
  with_names(handle, [](NameChanges& names) { names.overflow(); });
}

void ChangeNotes::extents_changed(const InodeKey& key, ByteRange range, uint64_t transid) {
  // Sizes of files end there: what is "up to the end" is cut, so that sums do not overflow.
  range = {std::min(range.start, kRangeEndMax), std::min(range.end, kRangeEndMax)};
  if (range.empty()) return;
  MutexLock lock(mutex_);
  are_of(transid);
  if (names_.overflown()) return;
  ChangedExtents& changed = extents_.try_emplace(key, RangeSet(kRangeUnit)).first->second;
  if (changed.too_many) return;
  ranges_ -= changed.ranges.count();
  changed.ranges.add(range);
  changed.too_many = changed.ranges.count() > kRangesOfFileMax;
  if (changed.too_many) changed.ranges.remove({0, kRangeEndMax});
  ranges_ += changed.ranges.count();
  if (extents_.size() <= kChangedFilesMax && ranges_ <= kRangesMax) return;
  names_.overflow();
  extents_.clear();
  ranges_ = 0;
}

std::optional<RangeSet> ChangeNotes::take_changed_extents(const InodeKey& key) {
  MutexLock lock(mutex_);
  auto node = extents_.extract(key);
  if (!node) return RangeSet(kRangeUnit);
  ranges_ -= node.mapped().ranges.count();
  if (node.mapped().too_many) return std::nullopt;
  return std::move(node.mapped().ranges);
}

}  // namespace butterfuse
