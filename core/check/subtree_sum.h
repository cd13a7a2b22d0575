// SPDX-License-Identifier: GPL-2.0-or-later
// SubtreeSum: what the items below one tree block add to each subvolume that has it, as sums.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/checksum.h"
#include "core/check/inode_record.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse::check {

// Each statement of an item about a name, hashed, and added or taken away: zero once every statement has met
// its counterpart, and else not (but for one case in 2^64 and less). Addition has no order.
class NameBalance {
 public:
  void add(Hash128 statement, uint64_t times = 1) {
    low_ += statement.low * times;
    high_ += statement.high * times;
  }
  void take(Hash128 statement, uint64_t times = 1) { add(statement, 0 - times); }
  void join(const NameBalance& other) { low_ += other.low_, high_ += other.high_; }
  bool is_even() const { return low_ == 0 && high_ == 0; }

 private:
  uint64_t low_ = 0, high_ = 0;  // modulo 2^64
};

// The items of a subtree, or of several side by side, in the order of keys. They are judged as far as can be
// without what is outside; finish() judges the rest when all of a subvolume is joined. It says only whether
// there is anything to tell: what, and of which inode, SubvolumeRecords finds.
//
//     items    │ 257 ..│258│259│ ... │ 270 .. │           the first inode may have begun in front, the last
//                 head  └─ judged ─┘    tail              may go on behind
//
// Some 400 bytes, and 130 for each doubtful inode.
class SubtreeSum {
 public:
  // `seed` of the hashes: one for all sums that are joined.
  SubtreeSum(const CheckState& state, uint64_t seed) : state_(&state), seed_(seed) {}
  // In the order of keys.
  void add(const Key& key, ByteSpan data);
  // `next` lies behind this one.
  void join(const SubtreeSum& next);
  // False: something here is wrong whatever is outside. May be asked at any time.
  bool is_sound() const { return sound_; }
  // When it has all items of a subvolume. False: something is to be told.
  bool finish();
  uint64_t inodes() const { return inodes_; }  // after finish()
  // Entries that lead into subvolumes; `parent` is not set.
  const std::vector<SubvolumeName>& subvolume_names() const { return subvolume_names_; }

 private:
  struct OpenInode {
    uint64_t ino = 0;
    uint64_t names = 0;  // in back references, without the ".." of the top directory
    InodeRecord record{};
  };
  // What outside items may excuse, as an orphan item: kept for finish(). More of them is not sound here.
  static constexpr size_t kMostKept = 4096;

  OpenInode& open(uint64_t ino);
  void close(const OpenInode& inode);
  void join_head(const OpenInode& next);
  void expect_order(const Key& first);
  void add_refs(const Key& key, ByteSpan data);
  void add_dir_entries(const Key& key, ByteSpan data);
  void add_dir_entry(const Key& key, const NameEntry& entry);

  const CheckState* state_;
  uint64_t seed_;
  bool sound_ = true;
  std::optional<Key> last_;  // key; nothing as long as there are no items
  Key first_;
  NameBalance names_;
  uint64_t inodes_ = 0;
  std::optional<OpenInode> head_, tail_;
  std::vector<OpenInode> doubtful_;
  std::vector<uint64_t> orphans_;
  std::vector<SubvolumeName> subvolume_names_;
};

}  // namespace butterfuse::check
