// SPDX-License-Identifier: GPL-2.0-or-later
// What one fsync logs, and when the log can't tell.
//
// The steps of a session, each of which may find that only a commit will do:
//
//   catch_up           what earlier sessions logged, and what is no longer true of it
//   the inode itself   log_file, or a directory in the queue; its parents where they are new (log_parents)
//   log_directories    entries that came and went, and with each the inode behind it (log_child)
//                      a new directory in one comes into the queue; the queue is empty in the end
//
// What a replay does to names, by four examples. C is the last commit; an fsync of 7, in the last two of 8:
//
//   C: a -> 7             now: b -> 7              log. 7 has one name in this directory, and it is not a
//   C: a -> 7             now: sub/b -> 7          commit. Of this directory a log of 7 would say nothing: 7
//                                                  would still be a, beside sub/b
//   C: a -> 7, b -> 8     now: a -> 8, c -> 7      commit. a goes to 8 in a replay, and 7, which is c by now,
//                                                  would have no name
//   C: a -> 7, b -> 8     now: a -> 8              log. 7 has lost its last name in truth, too
//
// So it is asked who had a name before, whether that inode lives on, and where. Whenever the answer is not
// simple it is a commit: slower, and always right.
#include "fs/durability/log_session.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/items/file_extent.h"

namespace butterfuse {
namespace {

constexpr int kDepthMax = 200;  // of new directories in each other: each level takes stack
// In one session, of inodes, of entries of a directory, and of names taken from one. A session holds the
// name-space lock alone: with more of them a commit, which lets others at names meanwhile, is the better way.
constexpr size_t kInodesMax = 5000;
constexpr size_t kGapsMax = 20'000;  // of one file, which become holes in the log

// Copying a run of items takes a fraction of the time of as many ranges, under the name-space lock: what
// lies between two changes that are near comes along. A run mostly stays far below what LogWriter copies at
// once; one that does not ends in a commit.
constexpr uint64_t kNearBytes = 16u << 10;
constexpr size_t kRangesOfRun = 1000;

std::vector<ByteRange> runs_of(const RangeSet& changed) {
  std::vector<ByteRange> runs;
  size_t ranges = 0;  // in the last run
  for (const ByteRange& range : changed.ranges()) {
    if (runs.empty() || range.start > runs.back().end + kNearBytes || ranges == kRangesOfRun) {
      runs.push_back(range);
      ranges = 1;
    } else {
      runs.back().end = range.end;
      ++ranges;
    }
  }
  return runs;
}

bool has_parent(const std::vector<InodeRef>& refs, uint64_t dir_ino) {
  return std::any_of(refs.begin(), refs.end(),
                     [&](const InodeRef& ref) { return ref.parent_ino == dir_ino; });
}

}  // namespace

// As BF_ASSIGN, for questions of this file: false means that the log can't tell it, and ends the function.
#define BF_SAFE(expression)                    \
  do {                                         \
    BF_ASSIGN(const bool bf_safe, expression); \
    if (!bf_safe) return false;                \
  } while (false)

Result<Tree*> LogSession::tree_of(uint64_t root_id) { return parts_.filesystem.subvolume(root_id); }

Result<LogWriter> LogSession::writer_of(uint64_t root_id) {
  BF_ASSIGN(Tree * tree, tree_of(root_id));
  BF_ASSIGN(Tree * log, parts_.log.tree_of(root_id));
  return LogWriter(parts_.filesystem, *tree, *log, parts_.log.space());
}

Result<uint64_t> LogSession::generation_of(const InodeKey& key) {
  BF_ASSIGN(Tree * tree, tree_of(key.root_id));
  BF_ASSIGN(const InodeItem item, read_inode_item(*tree, key.ino));
  return item.generation;
}

Result<bool> LogSession::log(Inode& inode) {
  // Without a name nothing of it is replayed.
  if (inode.nlink() == 0) return false;
  if (with_names([](NameChanges& names) { return names.overflown(); })) return false;
  // A subvolume that is not in the last commit can't be replayed, and blocks shared since are not told apart.
  BF_ASSIGN(const DiskRootItem root, parts_.filesystem.root_item(inode.key().root_id));
  if (root.otransid >= handle_.transid() || inode.tree().last_snapshot() >= handle_.transid()) return false;
  current_ = inode.key();
  BF_SAFE(catch_up());
  if (inode.is_dir()) {
    queue_directory(inode.key());
  } else {
    BF_SAFE(log_file(inode));
  }
  return log_directories();
}

// ---- what is in the log already, and no longer true ----

Result<bool> LogSession::catch_up() {
  const auto touched = with_names([](NameChanges& names) { return names.take_touched(); });
  for (const InodeKey& key : touched) {
    auto logged = parts_.logged.find(key);
    if (logged != parts_.logged.end()) BF_SAFE(catch_up_names(key, logged->second));
  }
  const auto short_lived = with_names([](NameChanges& names) { return names.take_short_lived(); });
  for (const auto& [dir, index] : short_lived) {
    if (!parts_.logged.contains(dir)) continue;
    BF_ASSIGN(LogWriter writer, writer_of(dir.root_id));
    BF_TRY(writer.forget_entry(dir.ino, index));
  }
  // What took the place of a forgotten entry, or where its inode is now, must be told with it.
  const auto changed = with_names([](NameChanges& names) { return names.take_changed_dirs(); });
  for (const InodeKey& dir : changed) {
    auto logged = parts_.logged.find(dir);
    if (logged != parts_.logged.end() && logged->second.has_data) queue_directory(dir);
  }
  return true;
}

void LogSession::queue_directory(const InodeKey& key) {
  if (seen_.insert(key).second) directories_.push_back(key);
}

// Whoever takes over its name must not meet the old reference in a replay.
Result<bool> LogSession::catch_up_names(const InodeKey& key, LoggedInode& logged) {
  BF_ASSIGN(LogWriter writer, writer_of(key.root_id));
  BF_ASSIGN(Tree * tree, tree_of(key.root_id));
  BF_ASSIGN(const std::vector<InodeRef> refs, list_inode_refs(*tree, key.ino));
  BF_SAFE(losses_are_safe(key, refs));
  // It came and went within the transaction: for a replay it never was.
  if (refs.empty() && logged.is_new) {
    parts_.logged.erase(key);
    BF_TRY(writer.remove_inode(key.ino));
    return true;
  }
  if (refs.empty()) {
    if (logged.lost_name) return false;  // it would come back under a name older than the log's
    BF_TRY(writer.copy_refs(key.ino));
    return true;
  }
  if (key == current_) return true;  // comes anyway
  BF_ASSIGN(const InodeItem item, read_inode_item(*tree, key.ino));
  if (S_ISREG(item.mode)) return log_child_file(key);
  BF_SAFE(names_are_safe(key, refs, logged.is_new, S_ISDIR(item.mode)));
  BF_TRY(writer.copy_refs(key.ino));
  logged.lost_name = !logged.is_new && lost_name(key);
  return log_parents(key, refs);
}

// ---- names ----

Result<bool> LogSession::names_are_safe(const InodeKey& key, const std::vector<InodeRef>& refs,
                                        bool is_new_inode, bool is_dir) {
  BF_ASSIGN(Tree * tree, tree_of(key.root_id));
  for (const InodeRef& ref : refs) {
    const auto before = with_names([&](NameChanges& names) {
      return names.removed({key.root_id, ref.parent_ino}, ref.name);
    });
    if (!before || before->ino == key.ino) continue;
    if (before->is_dir) return false;  // what it held may have moved on
    BF_ASSIGN(const std::vector<InodeRef> left, list_inode_refs(*tree, before->ino));
    if (!left.empty()) return false;
  }
  if (is_new_inode) return true;
  const auto lost = with_names([&](NameChanges& names) { return names.lost_by(key); });
  if (is_dir) return lost.empty();
  return std::all_of(lost.begin(), lost.end(),
                     [&](const NameIn& name) { return has_parent(refs, name.dir_ino); });
}

// Whoever has such a name now is told with its directory. Where nobody has,
// its owner in the last commit would be back.
Result<bool> LogSession::losses_are_safe(const InodeKey& key, const std::vector<InodeRef>& refs) {
  std::set<NameIn> had = with_names([&](NameChanges& names) { return names.lost_by(key); });
  if (parts_.logged.contains(key)) {
    BF_ASSIGN(Tree * log, parts_.log.tree_of(key.root_id));
    BF_ASSIGN(const std::vector<InodeRef> logged, list_inode_refs(*log, key.ino));
    for (const InodeRef& ref : logged) had.insert({ref.parent_ino, ref.name});
  }
  for (const InodeRef& ref : refs) had.erase({ref.parent_ino, ref.name});
  BF_ASSIGN(Tree * tree, tree_of(key.root_id));
  for (const NameIn& name : had) {
    const InodeKey dir{key.root_id, name.dir_ino};
    BF_ASSIGN(const auto taken, lookup_dir_entry(*tree, name.dir_ino, name.name));
    if (taken) {
      queue_directory(dir);
      continue;
    }
    const auto before = with_names([&](NameChanges& names) { return names.removed(dir, name.name); });
    if (before && before->ino != key.ino) return false;
  }
  return true;
}

// A name that the last commit has.
bool LogSession::lost_name(const InodeKey& key) {
  return with_names([&](NameChanges& names) { return !names.lost_by(key).empty(); });
}

// The directory's log will say which indexes are gone. Who had one of these names must have no other, or one
// in this directory, which is logged along with it.
Result<bool> LogSession::removals_are_safe(const InodeKey& dir) {
  BF_ASSIGN(Tree * tree, tree_of(dir.root_id));
  const auto removed = with_names([&](NameChanges& names) { return names.removed_from(dir); });
  if (removed.size() > kInodesMax) return false;
  for (const RemovedName& name : removed) {
    if (name.is_dir) return false;
    BF_ASSIGN(const std::vector<InodeRef> left, list_inode_refs(*tree, name.ino));
    if (!left.empty() && !has_parent(left, dir.ino)) return false;
  }
  return true;
}

// A reference leads nowhere in a replay unless its directory is there: the last commit has it, or
// the log must.
Result<bool> LogSession::log_parents(const InodeKey& key, const std::vector<InodeRef>& refs) {
  for (const InodeRef& ref : refs) {
    const InodeKey parent{key.root_id, ref.parent_ino};
    if (parts_.logged.contains(parent)) continue;
    BF_ASSIGN(const uint64_t generation, generation_of(parent));
    if (is_new(generation)) BF_SAFE(log_existence(parent));
  }
  return true;
}

// ---- inodes ----

Result<bool> LogSession::log_inode(Inode& inode, const InodeItem& item) {
  if (++inodes_ > kInodesMax) return false;
  BF_ASSIGN(LogWriter writer, writer_of(inode.key().root_id));
  BF_ASSIGN(const std::vector<InodeRef> refs, list_inode_refs(inode.tree(), inode.ino()));
  if (refs.empty() || item.nlink == 0) return false;
  BF_SAFE(names_are_safe(inode.key(), refs, is_new(item.generation), inode.is_dir()));
  BF_SAFE(losses_are_safe(inode.key(), refs));
  InodeItem logged = item;
  logged.transid = handle_.transid();
  BF_TRY(writer.put_inode(inode.ino(), logged));
  BF_TRY(writer.copy_refs(inode.ino()));
  BF_TRY(writer.copy_xattrs(inode.ino()));
  LoggedInode& entry = parts_.logged[inode.key()];
  entry.is_new = is_new(item.generation);
  entry.lost_name = !entry.is_new && lost_name(inode.key());
  return log_parents(inode.key(), refs);
}

// A new inode that others need: a directory, or what has no data of its own.
Result<bool> LogSession::log_existence(const InodeKey& key) {
  if (depth_ >= kDepthMax) return false;
  ++depth_;
  Result<bool> logged = log_one_existence(key);
  --depth_;
  return logged;
}

Result<bool> LogSession::log_one_existence(const InodeKey& key) {
  BF_ASSIGN(InodePtr inode, parts_.inodes.get(key));
  Inode& found = *inode;
  pins_.push_back(std::move(inode));
  const InodeItem item = found.item();
  BF_SAFE(log_inode(found, item));
  if (!found.is_symlink()) return true;
  BF_ASSIGN(LogWriter writer, writer_of(key.root_id));
  BF_TRY(writer.copy_extents(key.ino, {0, kSectorSize}, item.size));
  return true;
}

Result<bool> LogSession::log_file(Inode& inode) {
  InodeItem item = inode.item();
  if (const FileData* data = inode.data_if_any()) item.size = data->disk_size();
  BF_SAFE(log_inode(inode, item));
  return inode.is_regular() ? log_extents(inode, item.size) : Result<bool>(true);
}

// What changed since the last time: all else is in the log, or in the last commit. Bytes that came with a
// bigger size are hole where no extent says otherwise, whatever the last commit has there. Behind the size a
// replay drops what the log does not name.
Result<bool> LogSession::log_extents(Inode& inode, uint64_t size) {
  BF_ASSIGN(LogWriter writer, writer_of(inode.key().root_id));
  LoggedInode& logged = parts_.logged[inode.key()];
  std::optional<RangeSet> changed = parts_.notes.take_changed_extents(inode.key());
  if (!changed) return false;
  const uint64_t end = round_up(size, kSectorSize);
  if (logged.has_data && logged.size < size) changed->add({round_down(logged.size, kSectorSize), end});
  changed->add({end, uint64_t{1} << 63});
  // Where holes need items, the size may cover bytes that have none yet: what is written there is on its way.
  if (!parts_.filesystem.has_incompat(incompat::kNoHoles)) {
    BF_ASSIGN(const auto gaps, ranges_without_items(inode.tree(), inode.ino(), {0, end}));
    if (gaps.size() > kGapsMax) return false;
    for (const ByteRange gap : gaps) changed->add(gap);
  }
  for (const ByteRange& range : runs_of(*changed)) BF_TRY(writer.copy_extents(inode.ino(), range, size));
  logged.has_data = true;
  logged.size = size;
  return true;
}

// ---- directories ----

Result<bool> LogSession::log_directories() {
  while (!directories_.empty()) {
    const InodeKey key = directories_.front();
    directories_.pop_front();
    BF_ASSIGN(InodePtr inode, parts_.inodes.get(key));
    Inode& dir = *inode;
    pins_.push_back(std::move(inode));
    BF_SAFE(removals_are_safe(key));
    BF_SAFE(log_inode(dir, dir.item()));
    BF_SAFE(log_entries(dir));
    parts_.logged[key].has_data = true;
  }
  return true;
}

Result<bool> LogSession::log_entries(Inode& dir) {
  BF_ASSIGN(LogWriter writer, writer_of(dir.key().root_id));
  const IndexChanges changes = with_names([&](NameChanges& names) { return names.take_unlogged(dir.key()); });
  if (changes.added.size() + changes.removed.size() > kInodesMax) return false;
  for (const uint64_t index : changes.removed) {
    BF_TRY(writer.forget_entry(dir.ino(), index));
    BF_TRY(writer.put_removal(dir.ino(), index));
  }
  for (const uint64_t index : changes.added) {
    std::optional<DirEntry> entry;
    BF_TRY(for_each_dir_entry(dir.tree(), dir.ino(), index, [&](const DirEntry& found) {
      if (found.index == index) entry = found;
      return false;
    }));
    if (!entry) return false;  // the notes are wrong: a commit is always right
    BF_TRY(writer.put_entry(dir.ino(), *entry));
    BF_SAFE(log_child(dir, *entry));
  }
  return true;
}

// A file whose name becomes durable comes as it is now: it may have replaced another one, whose data would
// else give way to nothing. Its locks come before those that are held here, so they are tried.
Result<bool> LogSession::log_child_file(const InodeKey& key) {
  BF_ASSIGN(InodePtr inode, parts_.inodes.get(key));
  Inode& file = *inode;
  pins_.push_back(std::move(inode));
  const TryReaderLock contents(file.data_lock());
  if (!contents) return false;
  FileData* data = file.data_if_any();
  if (data == nullptr) return log_file(file);
  const TryMutexLock items(data->items_mutex());
  return items ? log_file(file) : Result<bool>(false);
}

Result<bool> LogSession::log_child(Inode& dir, const DirEntry& entry) {
  if (entry.location.type != key_type::kInodeItem) return false;
  const InodeKey child{dir.key().root_id, entry.location.objectid};
  const bool is_dir = entry.type == file_type::kDir;
  if (entry.type == file_type::kRegular)
    return child == current_ ? Result<bool>(true) : log_child_file(child);
  BF_ASSIGN(const uint64_t generation, generation_of(child));
  if (is_new(generation)) {
    if (is_dir) queue_directory(child);
    return is_dir || parts_.logged.contains(child) ? Result<bool>(true) : log_existence(child);
  }
  if (is_dir) return false;  // moved here
  BF_ASSIGN(const std::vector<InodeRef> refs, list_inode_refs(dir.tree(), child.ino));
  return names_are_safe(child, refs, false, false);
}

}  // namespace butterfuse
