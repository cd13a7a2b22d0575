// SPDX-License-Identifier: GPL-2.0-or-later
// Inode: attributes, their way into the tree, and what the data side asks of them.
//
// How a change comes into the tree:
//
//   change()  ->  item_ in memory
//      save(handle)                                     mark_dirty()
//        | first time in this transaction?                 | room for one leaf more, or a commit makes it
//        yes: write_item at once,                          |
//        |    the handle pays for the leaf                 |
//        no:  queue ----------------> DirtyInodes <--------+
//                                         | commit: write_if_dirty, when all handles are gone
//
// As a rule an inode is written twice in a transaction at most, however often it changes: the tree is not
// searched for each write(2). From the second change on the leaf is the transaction's own, so that the hook
// needs no space for it.
//
// Two locks: write_mutex_ over a whole write of the item, so that an older copy never replaces a newer one;
// item_mutex_, a leaf, over the attributes alone, since tree locks must not be waited for under it.
#include "fs/inode/inode.h"

#include <sys/stat.h>

#include "core/items/xattr_item.h"
#include "core/ondisk/entry_type.h"
#include "fs/inode/compression_property.h"

namespace butterfuse {
namespace {

// 0: of no attribute that is known.
uint8_t bit_of_known(std::string_view name) {
  const auto attribute = name == xattr_name::kCapability   ? KnownXattr::capability
                         : name == xattr_name::kAccessAcl  ? KnownXattr::access_acl
                         : name == xattr_name::kDefaultAcl ? KnownXattr::default_acl
                                                           : KnownXattr{};
  return static_cast<uint8_t>(attribute);
}

}  // namespace

Inode::Inode(MountState& mount, Subvolume& subvolume, uint64_t ino, const InodeItem& item)
    : mount_(mount),
      subvolume_(subvolume),
      ino_(ino),
      type_(item.mode & S_IFMT),
      item_(item),
      changed_transid_(item.transid) {}

Inode::~Inode() {
  if (FileData* data = data_if_any(); data != nullptr && data->has_dirty_or_ordered()) data->invalidate();
}

bool Inode::is_dir() const { return type_ == S_IFDIR; }
bool Inode::is_regular() const { return type_ == S_IFREG; }
bool Inode::is_symlink() const { return type_ == S_IFLNK; }

uint8_t Inode::dir_entry_type() const { return entry_type_of_mode(type_); }

InodeItem Inode::item() const {
  InodeItem copy;
  {
    MutexLock lock(item_mutex_);
    copy = item_;
  }
  if (const FileData* data = data_if_any()) copy.size = data->size();
  return copy;
}

uint32_t Inode::nlink() const {
  MutexLock lock(item_mutex_);
  return item_.nlink;
}

// What gets dirty behind the hook is the next transaction's.
bool Inode::owes_leaf() const {
  const uint64_t running = mount_.filesystem->running_transid();
  return written_transid_ != running || mount_.dirty_inodes->hook_transid() == running;
}

Inode::MustQueue Inode::queue_locked() {
  dirty_ = true;
  return {.yes = !std::exchange(queued_, true), .owes_leaf = owes_leaf()};
}

void Inode::queue(MustQueue must) {
  if (must.yes) mount_.dirty_inodes->add(*this, must.owes_leaf);
}

Status Inode::save(TransactionHandle& handle) {
  bool written_before = false;
  MustQueue must;
  {
    MutexLock lock(item_mutex_);
    changed_transid_ = handle.transid();
    written_before = written_transid_ == handle.transid();
    if (written_before) must = queue_locked();
  }
  if (!written_before) return write_item(handle);
  queue(must);
  return {};
}

// mark_dirty() now would make the commit copy a leaf that nobody has paid for.
bool Inode::adds_debt() const {
  MutexLock lock(item_mutex_);
  return !queued_ && owes_leaf();
}

bool Inode::has_room_to_be_dirty() const {
  return !adds_debt() || mount_.filesystem->has_room_for_debt(subvolume_.root_id);
}

void Inode::mark_dirty() {
  if (adds_debt())
    mount_.filesystem->make_room_for_debt(subvolume_.root_id);  // without room the reserve has to do
  MustQueue must;
  {
    MutexLock lock(item_mutex_);
    must = queue_locked();
  }
  queue(must);
}

// As writeback adds extents, inside its own transaction. The item is left to the hook: its leaf is in the
// debt if this is the first change.
void Inode::note_extents_changed(TransactionHandle& handle, int64_t nbytes_delta, uint64_t) {
  MustQueue must;
  {
    MutexLock lock(item_mutex_);
    item_.nbytes += static_cast<uint64_t>(nbytes_delta);
    changed_transid_ = handle.transid();
    must = queue_locked();
  }
  queue(must);
}

Status Inode::write_if_dirty(TransactionHandle& handle) {
  {
    MutexLock lock(item_mutex_);
    queued_ = false;
    if (!dirty_ || gone_) return {};
  }
  return write_item(handle);
}

// disk_size() is read after dirty_ is cleared: whoever raises it later marks the inode dirty again.
Status Inode::write_item(TransactionHandle& handle) {
  MutexLock writing(write_mutex_);
  InodeItem copy;
  {
    MutexLock lock(item_mutex_);
    if (gone_) return {};
    dirty_ = false;
    item_.transid = changed_transid_ = written_transid_ = handle.transid();
    copy = item_;
  }
  if (const FileData* data = data_if_any()) copy.size = data->disk_size();
  return write_inode_item(tree(), handle, ino_, copy);
}

void Inode::forget_item() {
  MutexLock lock(item_mutex_);
  gone_ = true;
  dirty_ = false;
}

bool Inode::is_committed() const {
  if (const FileData* data = data_if_any(); data != nullptr && data->has_dirty_or_ordered()) return false;
  MutexLock lock(item_mutex_);
  return !dirty_ && changed_transid_ <= mount_.filesystem->last_committed();
}

// Data first: what writeback changes as it ends makes the item dirty, and may do so while this looks. An item
// on its way into the tree is not there yet.
bool Inode::is_clean() const {
  if (is_placeholder()) return false;  // nothing can bring it back
  const FileData* data = data_if_any();
  const bool data_clean =
      data == nullptr || (!data->has_dirty_or_ordered() && data->disk_size() == data->size());
  TryMutexLock writing(write_mutex_);
  if (!writing) return false;
  MutexLock lock(item_mutex_);
  if (gone_) return true;
  if (!data_clean || dirty_ || queued_) return false;
  // Its next index must not fall back to one that a name of this transaction has had: logs rely on it.
  return !is_dir() || changed_transid_ <= mount_.filesystem->last_committed();
}

// Made under data_mutex_, looked at without: most inodes are only stat(2)ed, and have none.
FileData& Inode::data() {
  if (FileData* data = data_if_any()) return *data;
  MutexLock lock(data_mutex_);
  if (data_owner_ == nullptr) {
    uint64_t size = 0;
    change([&](InodeItem& item) { size = item.size; });
    data_owner_ = std::make_unique<FileData>(*mount_.engine, *this, size);
    data_.store(data_owner_.get(), std::memory_order_release);
  }
  return *data_owner_;
}

Result<const VerityFile*> Inode::verity() {
  const InodeItem sealed = item();
  if (!(sealed.flags & inode_flag::kRoVerity) || !is_regular()) return nullptr;
  MutexLock lock(data_mutex_);
  if (verity_ == nullptr) {
    BF_ASSIGN(VerityFile opened, VerityFile::open(tree(), ino_, sealed.size, mount_.verified_blocks));
    verity_ = std::make_unique<const VerityFile>(std::move(opened));
  }
  return verity_.get();
}

Status Inode::check_content(ByteRange range, ByteSpan content) {
  BF_ASSIGN(const VerityFile* const sealed, verity());
  if (sealed == nullptr) return {};
  return sealed->check(range, content, [&](ByteRange part, MutableByteSpan into) {
    return mount_.reader->read(tree(), ino_, nodatasum(), part, into);
  });
}

Status Inode::load_dir_index() {
  if (next_dir_index_ != 0) return {};
  BF_ASSIGN(next_dir_index_, butterfuse::next_dir_index(tree(), ino_));
  return {};
}

Result<uint64_t> Inode::take_dir_index() {
  BF_TRY(load_dir_index());
  return next_dir_index_++;
}

Status Inode::load_properties() {
  if (properties_loaded_.load(std::memory_order_acquire) || is_placeholder()) return {};
  BF_ASSIGN(const auto names, list_xattrs(tree(), ino_));
  CompressionProperty property;
  for (const std::string& name : names) {
    note_xattr(name, true);
    if (name != xattr_name::kCompression) continue;
    BF_ASSIGN(auto value, read_xattr(tree(), ino_, name));
    if (value) property = parse_compression_property(as_text(*value)).value_or(CompressionProperty{});
  }
  set_compression_property(property.packed());
  return {};
}

bool Inode::is_known_to_lack(std::string_view name) const {
  const uint8_t bit = bit_of_known(name);
  return bit != 0 && properties_loaded_.load(std::memory_order_acquire) && !(known_xattrs_ & bit);
}

void Inode::note_xattr(std::string_view name, bool present) {
  const uint8_t bit = bit_of_known(name);
  present ? known_xattrs_.fetch_or(bit) : known_xattrs_.fetch_and(static_cast<uint8_t>(~bit));
}

void Inode::set_compression_property(uint8_t packed) {
  {
    MutexLock lock(item_mutex_);
    compression_property_ = packed;
  }
  properties_loaded_.store(true, std::memory_order_release);
}

uint8_t Inode::compression_property() const {
  MutexLock lock(item_mutex_);
  return compression_property_;
}

// The kernel's rule: force wins over the NOCOMPRESS flag; then the option, the COMPRESS flag or the
// property turn it on, and the property names the codec and the level. Without an option the codec of a
// flagged file is zlib.
CompressChoice Inode::compress_choice() const {
  MutexLock lock(item_mutex_);
  if (item_.flags & (inode_flag::kNoDataCow | inode_flag::kNoDataSum)) return {};
  if (const uint8_t wish = rewrite_codec_; wish != compression_type::kNone) return {.type = wish};
  CompressChoice choice = mount_.options.compress;
  if (!choice.force && (item_.flags & inode_flag::kNoCompress)) return {};
  const auto property = CompressionProperty::unpacked(compression_property_);
  if (property.names_codec() && (property.type != choice.type || property.level != 0)) {
    choice.type = property.type;
    choice.level = property.level;
  }
  if (choice.type == compression_type::kNone && (item_.flags & inode_flag::kCompress)) {
    choice.type = compression_type::kZlib;
  }
  return choice;
}

bool Inode::nodatasum() const {
  if (!mount_.options.check_data_csums) return true;
  MutexLock lock(item_mutex_);
  return (item_.flags & inode_flag::kNoDataSum) != 0;
}

bool Inode::nodatacow() const {
  MutexLock lock(item_mutex_);
  return (item_.flags & inode_flag::kNoDataCow) != 0;
}

bool Inode::has_prealloc() const {
  MutexLock lock(item_mutex_);
  return (item_.flags & inode_flag::kPrealloc) != 0;
}

}  // namespace butterfuse
