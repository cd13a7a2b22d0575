// SPDX-License-Identifier: GPL-2.0-or-later
// CheckState: what the phases of a check hand to each other. Internal to the room.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "compress/executor.h"
#include "core/base/byte_range.h"
#include "core/check/check_options.h"
#include "core/ondisk/leaf_view.h"
#include "core/volume/volume.h"

namespace butterfuse::check {

// One reference to an extent, as the extent tree records it and as the trees make it. For tree blocks
// objectid and offset are zero; a shared one has parent != 0, and root, objectid and offset zero.
struct Backref {
  uint64_t parent = 0, root = 0, objectid = 0, offset = 0;
  friend auto operator<=>(const Backref&, const Backref&) = default;
};

struct ExtentRecord {
  uint64_t length = 0;
  uint64_t refs = 0;           // by the extent item
  uint64_t recorded_refs = 0;  // counted over its inline and keyed references
  uint64_t generation = 0;
  uint64_t flags = 0;
  bool has_item = false;
  bool is_tree_block = false;
  int level = -1;
  std::map<Backref, int64_t> balance;  // recorded minus found; all zero in a sound file system
};

struct TreeRoot {
  uint64_t id = 0;
  uint64_t bytenr = 0;
  uint64_t generation = 0;
  int level = 0;
  DiskRootItem item{};
  bool is_log = false;  // its blocks are of the transaction behind the last commit
};

// A directory entry that leads into a subvolume; ROOT_REFs say the same.
struct SubvolumeName {
  uint64_t parent = 0, child = 0;  // subvolumes
  uint64_t dir = 0, index = 0;
  std::string name;
  friend auto operator<=>(const SubvolumeName&, const SubvolumeName&) = default;
};

// What the log tree of one subvolume brings.
struct LogRecord {
  struct Extent {
    Key key;
    DiskFileExtent item;
  };
  std::set<uint64_t> inodes, unsummed;
  std::vector<Extent> extents;
  std::vector<ByteRange> summed;
};

struct BlockGroupRecord {
  uint64_t length = 0, used = 0, flags = 0, found_used = 0;
};

// A tree block that was walked, as far as the promises of other parents that lead to it are concerned.
struct WalkedBlock {
  Key first_key;
  uint64_t generation = 0, owner = 0;
  uint8_t level = 0;
  bool is_copy = false;      // by a balance
  bool as_promised = false;  // nothing was told of it: another parent that promises the same is right, too
  bool is_shared = false;    // several parents led to it
};

// Used by one thread, but for `workers`, whose tasks touch nothing but the volume.
struct CheckState {
  CheckState(Volume& opened, const CheckOptions& chosen);
  Volume& volume;
  const CheckOptions& options;
  const std::unique_ptr<Executor> workers;  // read and verify; everything else is done by one thread
  CheckSummary summary;
  std::map<uint64_t, ExtentRecord> extents;           // by bytenr
  std::map<uint64_t, BlockGroupRecord> block_groups;  // by start
  std::map<uint64_t, TreeRoot> roots;                 // by id; root and chunk tree included
  std::set<SubvolumeName> subvolume_names;
  std::vector<TreeRoot> reloc_roots;  // of an interrupted balance: all have one id
  std::vector<ByteRange> summed;      // data bytes that have checksums, in order
  std::vector<LogRecord> logs;
  std::map<uint64_t, uint64_t> logged_data;          // extents that logs bring: start, end
  std::unordered_map<uint64_t, WalkedBlock> walked;  // by bytenr: tree blocks whose references are counted

  bool has_incompat(uint64_t bit) const { return volume.super().incompat_flags & bit; }
  bool has_compat_ro(uint64_t bit) const { return volume.super().compat_ro_flags & bit; }

  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    if (summary.errors++ < options.max_errors)
      options.on_error(fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warning(fmt::format_string<Args...> format, Args&&... args) {
    if (summary.warnings++ < options.max_errors)
      options.on_warning(fmt::format(format, std::forward<Args>(args)...));
  }
};

// Phases, in the order they run. Each reports into state.error and goes on.
void check_supers(CheckState& state);
void load_roots(CheckState& state);
void read_extent_tree(CheckState& state);
void count_references(CheckState& state);
void compare_references(CheckState& state);
void check_chunks(CheckState& state);
void check_free_space(CheckState& state);
void check_space_cache(CheckState& state);  // done by check_free_space where there is no free space tree
void read_log(CheckState& state);
void check_csums(CheckState& state);
void check_subvolumes(CheckState& state);
void check_quotas(CheckState& state);
void check_log(CheckState& state);

}  // namespace butterfuse::check
