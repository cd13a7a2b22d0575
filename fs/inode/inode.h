// SPDX-License-Identifier: GPL-2.0-or-later
// Inode: one inode in memory: its attributes, its data, and whether its item must be written.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <list>
#include <memory>
#include <string_view>

#include "core/base/mutex.h"
#include "core/file_data/file_data.h"
#include "core/items/dir_item.h"
#include "core/items/inode_item.h"
#include "fs/inode/mount_state.h"
#include "fs/inode/subvolume.h"

namespace butterfuse {

// Extended attributes the inode itself acts on.
namespace xattr_name {
constexpr std::string_view kCompression = "btrfs.compression";
constexpr std::string_view kCapability = "security.capability";
constexpr std::string_view kAccessAcl = "system.posix_acl_access";
constexpr std::string_view kDefaultAcl = "system.posix_acl_default";
}  // namespace xattr_name

// Which attributes an inode has that cost a look-up in its tree: asked at every write, chmod or create.
enum class KnownXattr : uint8_t { capability = 1, access_acl = 2, default_acl = 4 };

// Made by InodeTable, which also ends it. Memory is shared; being in the table is what makes it *the* inode.
//
// Attributes live in item_ under item_mutex_, a leaf lock. They reach the tree by save() inside a
// transaction: the first time in each transaction at once (so that its leaf is paid for by the handle's
// reservation), later by the commit hook.
class Inode final : public DataOwner, public DirtyInode {
 public:
  Inode(MountState& mount, Subvolume& subvolume, uint64_t ino, const InodeItem& item);
  ~Inode() override;
  Inode(const Inode&) = delete;

  Subvolume& subvolume() const { return subvolume_; }
  InodeKey key() const override { return {subvolume_.root_id, ino_}; }
  bool is_placeholder() const { return subvolume_.tree == nullptr; }
  uint32_t type() const { return type_; }  // S_IFMT bits
  bool is_dir() const;
  bool is_regular() const;
  bool is_symlink() const;
  uint8_t dir_entry_type() const;  // file_type::

  // ---- locks of operations (see README.md for the order) ----
  SharedMutex& names_lock() { return names_lock_; }  // directories: entries; others: nlink and xattrs
  SharedMutex& data_lock() { return data_lock_; }    // contents: read shared, write and truncate exclusive

  // ---- attributes ----
  InodeItem item() const;  // `size` is the current i_size
  uint32_t nlink() const;
  // Its last name was taken away, or it never had one: it has an orphan item, and is deleted when nobody uses
  // it. A link count of 0 does not say so: on a damaged image an inode may have that and names.
  bool is_unlinked() const { return unlinked_.load(std::memory_order_acquire); }
  void set_unlinked(bool unlinked) { unlinked_.store(unlinked, std::memory_order_release); }
  // Calls f(InodeItem&) with the attributes; follow with save(), or mark_dirty() outside of transactions.
  template <class F>
  void change(F&& f) BF_EXCLUDES(item_mutex_) {
    MutexLock lock(item_mutex_);
    f(item_);
  }
  // The item will be in the tree before `handle`'s transaction commits.
  Status save(TransactionHandle& handle);
  // As save, for changes that need no transaction of their own: the next commit writes them, and is made at
  // once where it would otherwise find no space. Hold no handle.
  void mark_dirty();
  // mark_dirty() would need no commit now: there is space for it, or nothing to add.
  bool has_room_to_be_dirty() const;
  Status write_if_dirty(TransactionHandle& handle) override;
  // The item has left the tree: never write it again.
  void forget_item();
  // True when all changes up to now are part of a committed transaction: an fsync has nothing to do. Data
  // counts that is dirty, or on its way to its extents.
  bool is_committed() const;
  // Nothing would be lost by dropping this object: what comes back from the tree is the same. False also
  // where that can't be told without waiting.
  bool is_clean() const;

  // ---- data ----
  FileData& data();  // REQUIRES is_regular(); made on first use
  FileData* data_if_any() const { return data_.load(std::memory_order_acquire); }
  // Reads the attributes we act on; needed before data is written. Cheap after the first time.
  Status load_properties();
  void set_compression_property(uint8_t packed);  // CompressionProperty::packed()
  uint8_t compression_property() const;
  // While a file is written anew (defragment.h). `codec` kNone: as the properties say.
  void set_rewriting(bool rewriting, uint8_t codec) {
    rewrite_codec_ = codec;
    rewriting_ = rewriting;
  }
  // REQUIRES load_properties() before.
  bool has(KnownXattr attribute) const { return known_xattrs_ & static_cast<uint8_t>(attribute); }
  // It is known, without a look-up, that there is no attribute `name`.
  bool is_known_to_lack(std::string_view name) const;
  // The attribute `name` appeared or went. Does nothing for names that are not in KnownXattr.
  void note_xattr(std::string_view name, bool present);

  // Null for a file that is not sealed by fs-verity. EIO when its descriptor is missing or wrong.
  Result<const VerityFile*> verity();

  // Made by O_TMPFILE: link(2) may give it its first name.
  void set_linkable(bool linkable) { linkable_.store(linkable, std::memory_order_release); }
  bool is_linkable() const { return linkable_.load(std::memory_order_acquire); }

  // The content went with a truncation to nothing: what replaces it is written back when the writer closes
  // the file, as the kernel does it for programs that save files that way.
  void note_emptied() { emptied_.store(true, std::memory_order_release); }
  bool take_emptied() { return emptied_.load(std::memory_order_acquire) && emptied_.exchange(false); }

  // The process whose request took security.capability last, until asked:
  // a change that takes privileges follows.
  void note_capability_taken(pid_t process) { capability_taker_.store(process); }
  bool lost_capability_to(pid_t process) { return capability_taker_.exchange(0) == process && process != 0; }

  // Open files through which it may be written.
  void add_writer() { writers_.fetch_add(1); }
  void remove_writer() { writers_.fetch_sub(1); }
  uint32_t writers() const { return writers_.load(); }
  // Open files through which bytes may be stored that only the kernel knows of so far.
  // `to_change`: what is there already, too, and not against chattr +a.
  void add_mapper(bool to_change) { (to_change ? changing_mappers_ : mappers_).fetch_add(1); }
  void remove_mapper(bool to_change) { (to_change ? changing_mappers_ : mappers_).fetch_sub(1); }
  bool may_be_mapped() const { return mappers_.load() != 0 || may_be_mapped_to_change(); }
  bool may_be_mapped_to_change() const { return changing_mappers_.load() != 0; }
  // Since this object was made, something was stored into a mapping.
  void note_stored_into() { stored_into_.store(true, std::memory_order_relaxed); }
  bool was_stored_into() const { return stored_into_.load(std::memory_order_relaxed); }

  // See drop_behind_size.
  bool may_have_extents_behind_size() const { return may_have_extents_behind_size_; }
  void set_no_extents_behind_size() { may_have_extents_behind_size_ = false; }

  // Next DIR_INDEX of a directory; counts up. REQUIRES names_lock() or the name-space lock, exclusive.
  Result<uint64_t> take_dir_index();
  // Knows the next index from now on. For whoever takes a name away: the highest index must not be used again
  // in the same transaction, since a log is replayed onto the names of the last commit. REQUIRES as above.
  Status load_dir_index();
  // What take_dir_index would return. REQUIRES the name-space lock and names_lock(), shared.
  Result<uint64_t> dir_index_end() {
    return next_dir_index_ != 0 ? Result<uint64_t>(next_dir_index_)
                                : butterfuse::next_dir_index(tree(), ino_);
  }

  // ---- DataOwner ----
  Tree& tree() override { return *subvolume_.tree; }
  uint64_t root_id() const override { return subvolume_.root_id; }
  uint64_t ino() const override { return ino_; }
  CompressChoice compress_choice() const override;
  bool nodatasum() const override;
  bool nodatacow() const override;
  bool has_prealloc() const override;
  bool is_rewritten() const override { return rewriting_; }
  void note_incompressible() override {}  // a bad stretch costs only itself: never sticky
  Status check_content(ByteRange range, ByteSpan content) override;
  void note_extents_changed(TransactionHandle& handle, int64_t nbytes_delta, uint64_t disk_size) override;

 private:
  friend class InodeTable;
  struct MustQueue {
    bool yes = false;
    bool owes_leaf = false;  // the item is in no leaf of the running transaction yet
  };
  MustQueue queue_locked() BF_REQUIRES(item_mutex_);
  bool owes_leaf() const BF_REQUIRES(item_mutex_);
  bool adds_debt() const BF_EXCLUDES(item_mutex_);
  void queue(MustQueue must);
  Status write_item(TransactionHandle& handle);

  MountState& mount_;
  Subvolume& subvolume_;
  const uint64_t ino_;
  const uint32_t type_;
  SharedMutex names_lock_{Precedence::writers};
  SharedMutex data_lock_{Precedence::writers};
  uint64_t next_dir_index_ = 0;  // 0: not known yet

  // Held over the tree change of one item, so that an older copy never replaces a newer one.
  mutable Mutex write_mutex_;
  mutable Mutex item_mutex_;
  InodeItem item_ BF_GUARDED_BY(item_mutex_);
  bool dirty_ BF_GUARDED_BY(item_mutex_) = false;
  bool queued_ BF_GUARDED_BY(item_mutex_) = false;  // in the mount's list of dirty inodes
  bool gone_ BF_GUARDED_BY(item_mutex_) = false;    // item removed from the tree
  // Transactions: the last that has the item in a leaf of its own, and the last that concerned this inode.
  uint64_t written_transid_ BF_GUARDED_BY(item_mutex_) = 0;
  uint64_t changed_transid_ BF_GUARDED_BY(item_mutex_);
  uint8_t compression_property_ BF_GUARDED_BY(item_mutex_) = 0;
  std::atomic<bool> properties_loaded_{false};
  std::atomic<uint8_t> known_xattrs_{0};  // KnownXattr bits
  std::atomic<bool> emptied_{false};
  std::atomic<bool> linkable_{false};
  std::atomic<bool> unlinked_{false};
  std::atomic<pid_t> capability_taker_{0};
  std::atomic<uint32_t> writers_{0}, mappers_{0}, changing_mappers_{0};
  std::atomic<bool> stored_into_{false};
  std::atomic<bool> may_have_extents_behind_size_{true};
  std::atomic<uint8_t> rewrite_codec_{0};
  std::atomic<bool> rewriting_{false};

  Mutex data_mutex_;  // making of data_
  std::unique_ptr<const VerityFile> verity_ BF_GUARDED_BY(data_mutex_);
  std::unique_ptr<FileData> data_owner_ BF_GUARDED_BY(data_mutex_);
  std::atomic<FileData*> data_{nullptr};

  // Owned by InodeTable, under its shard's mutex.
  uint32_t pins_ = 0;
  bool idle_ = false;
  std::list<Inode*>::iterator idle_position_;
};

}  // namespace butterfuse
