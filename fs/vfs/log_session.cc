// What one fsync logs, and when the log can't tell.
#include "fs/vfs/log_session.h"

#include <sys/stat.h>

#include <algorithm>

namespace butterfuse {
namespace {

constexpr int kDepthMax = 200;       // of new directories in each other: each level takes stack
constexpr size_t kInodesMax = 5000;  // in one session: more is a commit's work

bool has_parent(const std::vector<InodeRef>& refs, uint64_t dir_ino) {
  return std::any_of(refs.begin(), refs.end(),
                     [&](const InodeRef& ref) { return ref.parent_ino == dir_ino; });
}

}  // namespace

#define BF_SAFE(expression)                    \
  do {                                         \
    BF_ASSIGN(const bool bf_safe, expression); \
    if (!bf_safe) return false;                \
  } while (false)

template <class F>
auto LogSession::with_names(F&& f) {
  MutexLock lock(owner_.notes_mutex_);
  owner_.notes_are_of(handle_.transid());
  return f(owner_.names_);
}

Result<Tree*> LogSession::tree_of(uint64_t root_id) { return owner_.filesystem_.subvolume(root_id); }

Result<LogWriter> LogSession::writer_of(uint64_t root_id) {
  BF_ASSIGN(Tree * tree, tree_of(root_id));
  BF_ASSIGN(Tree * log, owner_.log_.tree_of(root_id));
  return LogWriter(owner_.filesystem_, *tree, *log, owner_.log_.space());
}

Result<uint64_t> LogSession::generation_of(const InodeKey& key) {
  BF_ASSIGN(Tree * tree, tree_of(key.root_id));
  BF_ASSIGN(const InodeItem item, read_inode_item(*tree, key.ino));
  return item.generation;
}

Result<bool> LogSession::log(Inode& inode) {
  if (inode.nlink() == 0) return false;
  if (with_names([](NameChanges& names) { return names.overflown(); })) return false;
  // A subvolume that is not in the last commit can't be replayed, and blocks shared since are not told apart.
  BF_ASSIGN(const DiskRootItem root, owner_.filesystem_.root_item(inode.key().root_id));
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

// ---- what is in the log already, and no longer true

Result<bool> LogSession::catch_up() {
  const auto touched = with_names([](NameChanges& names) { return names.take_touched(); });
  for (const InodeKey& key : touched) {
    auto logged = owner_.logged_.find(key);
    if (logged != owner_.logged_.end()) BF_SAFE(catch_up_names(key, logged->second));
  }
  const auto short_lived = with_names([](NameChanges& names) { return names.take_short_lived(); });
  for (const auto& [dir, index] : short_lived) {
    if (!owner_.logged_.contains(dir)) continue;
    BF_ASSIGN(LogWriter writer, writer_of(dir.root_id));
    BF_TRY(writer.forget_entry(dir.ino, index));
  }
  // What took the place of a forgotten entry, or where its inode is now, must be told with it.
  const auto changed = with_names([](NameChanges& names) { return names.take_changed_dirs(); });
  for (const InodeKey& dir : changed) {
    auto logged = owner_.logged_.find(dir);
    if (logged != owner_.logged_.end() && logged->second.has_data) queue_directory(dir);
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
  if (refs.empty() && logged.is_new) {
    owner_.logged_.erase(key);
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

// ---- names

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

// Whoever has such a name now is told with its directory. Where nobody has, its owner in the last commit
// would be back.
Result<bool> LogSession::losses_are_safe(const InodeKey& key, const std::vector<InodeRef>& refs) {
  std::set<NameIn> had = with_names([&](NameChanges& names) { return names.lost_by(key); });
  if (owner_.logged_.contains(key)) {
    BF_ASSIGN(Tree * log, owner_.log_.tree_of(key.root_id));
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

bool LogSession::lost_name(const InodeKey& key) {
  return with_names([&](NameChanges& names) { return !names.lost_by(key).empty(); });
}

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

Result<bool> LogSession::log_parents(const InodeKey& key, const std::vector<InodeRef>& refs) {
  for (const InodeRef& ref : refs) {
    const InodeKey parent{key.root_id, ref.parent_ino};
    if (owner_.logged_.contains(parent)) continue;
    BF_ASSIGN(const uint64_t generation, generation_of(parent));
    if (is_new(generation)) BF_SAFE(log_existence(parent));
  }
  return true;
}

// ---- inodes

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
  LoggedInode& entry = owner_.logged_[inode.key()];
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
  BF_ASSIGN(InodePtr inode, owner_.mount_.inodes().get(key));
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
  if (inode.is_regular()) BF_TRY(log_extents(inode, item.size));
  return true;
}

// What changed since the last time. Bytes that came with a bigger size are hole where no extent says
// otherwise, whatever the last commit has there. Behind the size a replay drops what the log does not name.
Status LogSession::log_extents(Inode& inode, uint64_t size) {
  BF_ASSIGN(LogWriter writer, writer_of(inode.key().root_id));
  LoggedInode& logged = owner_.logged_[inode.key()];
  RangeSet changed = owner_.take_changed_extents(inode.key());
  const uint64_t end = round_up(size, kSectorSize);
  if (logged.has_data && logged.size < size) changed.add({round_down(logged.size, kSectorSize), end});
  changed.add({end, uint64_t{1} << 63});
  // Where holes need items, the size may cover bytes that have none yet: what is written there is on its way.
  if (!owner_.filesystem_.has_incompat(incompat::kNoHoles)) changed.add({0, end});
  for (const ByteRange& range : changed.ranges()) BF_TRY(writer.copy_extents(inode.ino(), range, size));
  logged.has_data = true;
  logged.size = size;
  return {};
}

// ---- directories

Result<bool> LogSession::log_directories() {
  while (!directories_.empty()) {
    const InodeKey key = directories_.front();
    directories_.pop_front();
    BF_ASSIGN(InodePtr inode, owner_.mount_.inodes().get(key));
    Inode& dir = *inode;
    pins_.push_back(std::move(inode));
    BF_SAFE(removals_are_safe(key));
    BF_SAFE(log_inode(dir, dir.item()));
    BF_SAFE(log_entries(dir));
    owner_.logged_[key].has_data = true;
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
  BF_ASSIGN(InodePtr inode, owner_.mount_.inodes().get(key));
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
    return is_dir || owner_.logged_.contains(child) ? Result<bool>(true) : log_existence(child);
  }
  if (is_dir) return false;  // moved here
  BF_ASSIGN(const std::vector<InodeRef> refs, list_inode_refs(dir.tree(), child.ino));
  return names_are_safe(child, refs, false, false);
}

}  // namespace butterfuse
