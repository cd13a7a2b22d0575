// SPDX-License-Identifier: GPL-2.0-or-later
// The queue of reference changes: merged as they come, so that what cancels never reaches the extent tree.
//
//     add_newborn ──┐
//     change +1 ────┼──> Head of an extent: a sum for each reference ──take──> ExtentChange ──> ExtentRefs
//     change -1 ────┘                    nothing but sums of 0: dropped here
//
// What it saves: a tree block that is copied and freed again in one transaction never has an item, and a
// reference that is dropped and made again changes none.
//
// Changes of one extent are applied together and never one by one: in between its count could be 0, which
// means free, or a reference could be there twice. Flags have to come with them for the same reason:
// FULL_BACKREF says how the references of the block's children are to be read.
#include "core/extent_tree/delayed_refs.h"

#include <algorithm>
#include <unordered_set>

#include "core/ondisk/constants.h"

namespace butterfuse {

int64_t ExtentChange::total() const {
  int64_t sum = 0;
  for (const RefDelta& delta : deltas) sum += delta.delta;
  return sum;
}

bool ExtentChange::has_effect() const {
  if (newborn || add_flags != 0) return true;
  return std::any_of(deltas.begin(), deltas.end(), [](const RefDelta& delta) { return delta.delta != 0; });
}

// An ExtentChange that is found by reference quickly also when there are thousands of them (mass reflinks).
struct DelayedRefs::Head {
  ExtentChange change;
  std::unique_ptr<std::unordered_map<ExtentRef, size_t, ExtentRefHash>> index;

  void add(const ExtentRef& ref, int64_t delta, CommitDebt& debt) {
    if (RefDelta* known = find(ref)) {
      known->delta += delta;
      return;
    }
    change.deltas.push_back({ref, delta});
    debt.add_refs(1);
    if (index) index->emplace(ref, change.deltas.size() - 1);
  }

 private:
  // Nearly all extents have one or two changes queued: an index for each would cost more than the extent.
  static constexpr size_t kIndexAbove = 32;  // fewer are looked through one by one

  RefDelta* find(const ExtentRef& ref) {
    if (change.deltas.size() <= kIndexAbove) {
      for (RefDelta& delta : change.deltas)
        if (delta.ref == ref) return &delta;
      return nullptr;
    }
    if (!index) build_index();
    auto found = index->find(ref);
    return found == index->end() ? nullptr : &change.deltas[found->second];
  }
  void build_index() {
    index = std::make_unique<std::unordered_map<ExtentRef, size_t, ExtentRefHash>>();
    for (size_t i = 0; i < change.deltas.size(); ++i) index->emplace(change.deltas[i].ref, i);
  }
};

struct DelayedRefs::Shard {
  mutable Mutex mutex;
  std::unordered_map<uint64_t, Head> heads BF_GUARDED_BY(mutex);
  // Data extents that were taken with several references, those that had gone again included. Who asks
  // whether an extent is a file's alone (is_exclusive) must hear of those, though the queue is empty.
  std::unordered_set<uint64_t> once_shared BF_GUARDED_BY(mutex);

  // The head of an extent, made when it is not there yet.
  Result<Head*> head(uint64_t bytenr, uint64_t num_bytes, bool data, int level, DelayedRefs& queue)
      BF_REQUIRES(mutex) {
    auto [place, is_new] = heads.try_emplace(bytenr);
    ExtentChange& change = place->second.change;
    if (is_new) {
      change.bytenr = bytenr, change.num_bytes = num_bytes, change.data = data, change.level = level;
      queue.size_.fetch_add(1, std::memory_order_relaxed);
    }
    // Two callers that know one extent by two lengths: one of them read it from a damaged leaf.
    if (change.data != data || change.num_bytes != num_bytes || change.level != level)
      return make_error(EUCLEAN,
                        "extent {}: used as {} of {} bytes level {}, before as {} of {} bytes level {}",
                        bytenr, data ? "data" : "tree block", num_bytes, level,
                        change.data ? "data" : "tree block", change.num_bytes, change.level);
    return &place->second;
  }
};

DelayedRefs::DelayedRefs(uint32_t nodesize, CommitDebt& debt)
    : nodesize_(nodesize), debt_(debt), shards_(std::make_unique<Shard[]>(kShards)) {}
DelayedRefs::~DelayedRefs() = default;

DelayedRefs::Shard& DelayedRefs::shard_of(uint64_t bytenr) const {
  // Bytenrs are multiples of a sector, so that their low 12 bits say nothing. Neighbours, which are
  // allocated one behind the other, spread by the multiplication (by 2^64 / golden ratio), whose top four
  // bits are the best.
  return shards_[((bytenr >> 12) * 0x9E3779B97F4A7C15ull) >> 60];
}

Status DelayedRefs::add_newborn_tree_block(const TreeRef& first_ref, const Key& first_key) {
  Shard& shard = shard_of(first_ref.bytenr);
  MutexLock lock(shard.mutex);
  BF_ASSIGN(Head * head, shard.head(first_ref.bytenr, nodesize_, false, first_ref.level, *this));
  if (head->change.has_effect())
    return make_error(EUCLEAN, "free space: tree block {} was given out while in use", first_ref.bytenr);
  head->change.newborn = true;
  head->change.first_key = first_key;
  if (first_ref.parent != 0) head->change.add_flags = extent_flag::kFullBackref;
  head->add(extent_ref_of(first_ref), 1, debt_);
  return {};
}

Status DelayedRefs::add_newborn_data(const DataRef& first_ref) {
  Shard& shard = shard_of(first_ref.bytenr);
  MutexLock lock(shard.mutex);
  BF_ASSIGN(Head * head, shard.head(first_ref.bytenr, first_ref.num_bytes, true, 0, *this));
  if (head->change.has_effect())
    return make_error(EUCLEAN, "free space: data extent {} was given out while in use", first_ref.bytenr);
  head->change.newborn = true;
  head->add(extent_ref_of(first_ref), 1, debt_);
  return {};
}

Status DelayedRefs::change(const TreeRef& ref, int64_t delta) {
  Shard& shard = shard_of(ref.bytenr);
  MutexLock lock(shard.mutex);
  BF_ASSIGN(Head * head, shard.head(ref.bytenr, nodesize_, false, ref.level, *this));
  head->add(extent_ref_of(ref), delta, debt_);
  return {};
}

Status DelayedRefs::change(const DataRef& ref, int64_t delta) {
  Shard& shard = shard_of(ref.bytenr);
  MutexLock lock(shard.mutex);
  BF_ASSIGN(Head * head, shard.head(ref.bytenr, ref.num_bytes, true, 0, *this));
  head->add(extent_ref_of(ref), delta, debt_);
  return {};
}

Status DelayedRefs::set_full_backref(uint64_t bytenr, int level) {
  Shard& shard = shard_of(bytenr);
  MutexLock lock(shard.mutex);
  BF_ASSIGN(Head * head, shard.head(bytenr, nodesize_, false, level, *this));
  head->change.add_flags |= extent_flag::kFullBackref;
  return {};
}

Result<bool> DelayedRefs::drop_and_forget_newborn(const TreeRef& ref) {
  Shard& shard = shard_of(ref.bytenr);
  MutexLock lock(shard.mutex);
  BF_ASSIGN(Head * head, shard.head(ref.bytenr, nodesize_, false, ref.level, *this));
  head->add(extent_ref_of(ref), -1, debt_);
  const auto& deltas = head->change.deltas;
  const bool forgotten =
      head->change.newborn &&
      std::all_of(deltas.begin(), deltas.end(), [](const RefDelta& delta) { return delta.delta == 0; });
  if (forgotten) {
    settle(head->change);
    shard.heads.erase(ref.bytenr);
    size_.fetch_sub(1, std::memory_order_relaxed);
  }
  return forgotten;
}

DelayedRefs::Queued DelayedRefs::queued(uint64_t bytenr) const {
  const Shard& shard = shard_of(bytenr);
  MutexLock lock(shard.mutex);
  auto found = shard.heads.find(bytenr);
  if (found == shard.heads.end()) return {};
  const ExtentChange& change = found->second.change;
  return {change.newborn, change.total(), change.add_flags};
}

ExtentChange DelayedRefs::queued_change(uint64_t bytenr) const {
  const Shard& shard = shard_of(bytenr);
  MutexLock lock(shard.mutex);
  auto found = shard.heads.find(bytenr);
  ExtentChange change = found == shard.heads.end() ? ExtentChange{} : found->second.change;
  change.once_shared = shard.once_shared.contains(bytenr);
  return change;
}

template <class Keep>
std::vector<ExtentChange> DelayedRefs::take(const Keep& wanted) {
  std::vector<ExtentChange> taken;
  for (int i = 0; i < kShards; ++i) {
    Shard& shard = shards_[i];
    MutexLock lock(shard.mutex);
    for (auto head = shard.heads.begin(); head != shard.heads.end();) {
      if (!wanted(head->second.change)) {
        ++head;
        continue;
      }
      const ExtentChange& change = head->second.change;
      if (change.data && change.deltas.size() > 1) shard.once_shared.insert(change.bytenr);
      if (change.has_effect()) {
        taken.push_back(std::move(head->second.change));
      } else {
        settle(head->second.change);
      }
      head = shard.heads.erase(head);
      size_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  std::sort(taken.begin(), taken.end(),
            [](const ExtentChange& a, const ExtentChange& b) { return a.bytenr < b.bytenr; });
  return taken;
}

std::vector<ExtentChange> DelayedRefs::take_all() {
  return take([](const ExtentChange&) { return true; });
}

std::vector<ExtentChange> DelayedRefs::take_newborn_data() {
  return take([](const ExtentChange& change) { return change.newborn && change.data && change.total() > 0; });
}

}  // namespace butterfuse
