// SPDX-License-Identifier: GPL-2.0-or-later
// Extended attributes: which names are taken, and what the special ones do.
//
// What becomes of a name:
//
//   user. trusted. security.       stored as they are; the kernel guards who may read and write which
//   btrfs.compression              checked, stored, and acted on: the flags of chattr go along
//   btrfs.ANYTHING ELSE            read if it is there; EINVAL for who sets it
//   system.posix_acl_access        checked, ids as on disk, coupled with the mode; ENOTSUP with `noacl`
//   system.posix_acl_default       the same, of directories, without the mode
//   user.butterfuse.stats/options  made up, of the top directory; never listed; EPERM for who sets them
//   all others                     ENOTSUP
#include "fs/attributes/xattr.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include "core/items/xattr_item.h"
#include "fs/attributes/acl.h"
#include "fs/inode/clock.h"
#include "fs/inode/compression_property.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

constexpr std::string_view kStats = "user.butterfuse.stats";
constexpr std::string_view kOptions = "user.butterfuse.options";
constexpr uint32_t kXattrItems = 2;  // the attribute, the inode

// What the mount tells of itself, as attributes of its top directory that are never listed.
std::optional<std::string> own_text(Mount& mount, const Inode& inode, std::string_view name) {
  if ((name != kStats && name != kOptions) || inode.key() != mount.root().key()) return std::nullopt;
  if (name == kStats) return mount.stats_text();
  return mount.options().text + (mount.is_read_only() ? ",ro" : "");
}

bool is_acl(std::string_view name) {
  return name == xattr_name::kAccessAcl || name == xattr_name::kDefaultAcl;
}

constexpr std::string_view kProperties = "btrfs.";

Status check_xattr_name(const Mount& mount, std::string_view name) {
  // As the kernel says it: not ENAMETOOLONG.
  if (name.size() > kNameMax) return make_error(ERANGE, "attribute name of {} bytes", name.size());
  for (std::string_view prefix : {"user.", "trusted.", "security."}) {
    if (name.starts_with(prefix))
      return name.size() > prefix.size() ? Status{} : make_error(EINVAL, "empty name");
  }
  if (name.starts_with(kProperties) || (is_acl(name) && mount.options().acl)) return {};
  return make_error(ENOTSUP, "attribute '{}' is not supported", name);
}

Status check_change(Mount& mount, Inode& inode, std::string_view name) {
  BF_TRY(check_xattr_name(mount, name));
  if (name.starts_with(kProperties) && name != xattr_name::kCompression)
    return make_error(EINVAL, "'{}' is no property, only '{}' is", name, xattr_name::kCompression);
  BF_TRY(mount.check_writable(inode));
  BF_TRY(check_not_immutable(inode));
  // trusted.*, security.* and access control lists ask for other rights than that to write.
  if (name.starts_with("user.") || name.starts_with(kProperties)) BF_TRY(check_not_readonly(inode));
  BF_TRY(inode.load_properties());
  if (own_text(mount, inode, name)) return make_error(EPERM, "'{}' is read-only", name);
  return {};
}

// "" takes it away. Data that is written in place, or has no checksums, is never compressed.
Result<CompressionProperty> parse_property(const Inode& inode, std::string_view value) {
  const auto property = parse_compression_property(value);
  if (!property) return make_error(EINVAL, "'{}' is no compression method", value);
  if (!value.empty() && (inode.item().flags & (inode_flag::kNoDataCow | inode_flag::kNoDataSum)))
    return make_error(EINVAL, "inode {}: compression needs copy-on-write and checksums", inode.ino());
  return *property;
}

// The flags go along, as the kernel keeps them.
void apply_property(Mount& mount, Inode& inode, const CompressionProperty& property) {
  if (property.type == compression_type::kLzo) mount.filesystem().set_incompat(incompat::kCompressLzo);
  if (property.type == compression_type::kZstd) mount.filesystem().set_incompat(incompat::kCompressZstd);
  inode.set_compression_property(property.packed());
  inode.change([&](InodeItem& item) {
    item.flags &= ~(inode_flag::kCompress | inode_flag::kNoCompress);
    if (property.names_codec()) item.flags |= inode_flag::kCompress;
    if (property.forbids) item.flags |= inode_flag::kNoCompress;
  });
}

Status save_changed(TransactionHandle& handle, Inode& inode) {
  inode.change([](InodeItem& item) {
    item.ctime = current_time();
    ++item.sequence;
  });
  return or_abort(handle, inode.save(handle));
}

Status check_presence(Inode& inode, const XattrChange& change) {
  if (!(change.flags & (XATTR_CREATE | XATTR_REPLACE))) return {};
  BF_ASSIGN(const auto old, read_xattr(inode.tree(), inode.ino(), change.name));
  if (old && (change.flags & XATTR_CREATE)) return make_error(EEXIST, "attribute '{}' exists", change.name);
  if (!old && (change.flags & XATTR_REPLACE)) return make_error(ENODATA, "no attribute '{}'", change.name);
  return {};
}

// What is there already may be removed, and what is not need not be.
Status remove_if_there(TransactionHandle& handle, Inode& inode, std::string_view name) {
  auto removed = butterfuse::remove_xattr(inode.tree(), handle, inode.ino(), name);
  if (!removed && removed.error().code != ENODATA) return removed;
  inode.note_xattr(name, false);
  return {};
}

Status write_one(TransactionHandle& handle, Inode& inode, std::string_view name, ByteSpan value) {
  BF_TRY(write_xattr(inode.tree(), handle, inode.ino(), name, value));
  inode.note_xattr(name, true);
  return {};
}

// The group bits of the mode show the mask; a list that the mode expresses is not stored.
Status set_access_acl(TransactionHandle& handle, Inode& inode, const Acl& acl, bool kill_sgid) {
  BF_TRY(acl.is_mode_only() ? remove_if_there(handle, inode, xattr_name::kAccessAcl)
                            : write_one(handle, inode, xattr_name::kAccessAcl, acl.encode()));
  inode.change([&](InodeItem& item) {
    item.mode = (item.mode & ~0777u) | acl.mode_bits();
    if (kill_sgid) item.mode &= ~uint32_t{S_ISGID};
  });
  return save_changed(handle, inode);
}

// A large value fills more of a leaf than the item that a reservation is made for.
Result<TransactionHandle> begin_set(Mount& mount, Inode& inode, size_t bytes) {
  constexpr size_t kBytesPerItem = 2048;
  return mount.filesystem().begin(kXattrItems + static_cast<uint32_t>(bytes / kBytesPerItem),
                                  inode.root_id());
}

// REQUIRES names_lock() exclusive.
Status set_plain(Mount& mount, Inode& inode, const XattrChange& change) {
  BF_ASSIGN(TransactionHandle handle, begin_set(mount, inode, change.value.size()));
  BF_TRY(write_one(handle, inode, change.name, change.value));
  return save_changed(handle, inode);
}

bool owners_are_as_stored(const Mount& mount) {
  return mount.options().uids.is_identity() && mount.options().gids.is_identity();
}

// Lists hold ids, too: those of named users and groups, as the mount shows owners.
Result<std::vector<std::byte>> shown_acl(const Mount& mount, ByteSpan stored) {
  BF_ASSIGN(Acl acl, Acl::parse(stored));
  BF_TRY(acl.map_ids([&](uint32_t id) { return Result<uint32_t>(mount.options().uids.to_shown(id)); },
                     [&](uint32_t id) { return Result<uint32_t>(mount.options().gids.to_shown(id)); }));
  return acl.encode();
}

Result<Acl> stored_acl(const Mount& mount, ByteSpan shown) {
  BF_ASSIGN(Acl acl, Acl::parse(shown));
  if (owners_are_as_stored(mount)) return acl;
  BF_TRY(acl.map_ids([&](uint32_t id) { return mount.options().uids.of_maker(id); },
                     [&](uint32_t id) { return mount.options().gids.of_maker(id); }));
  return acl;
}

Status check_no_symlink(const Inode& inode) {
  return inode.is_symlink() ? make_error(EOPNOTSUPP, "access control list of a symbolic link") : Status{};
}

// A list that is not there is taken away all the same, as the kernel does it: that is a change with its time.
Status remove_acl(Mount& mount, Inode& inode, std::string_view name) {
  BF_TRY(check_no_symlink(inode));
  if (name == xattr_name::kDefaultAcl && !inode.is_dir()) return {};
  WriterLock lock(inode.names_lock());
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_freeing(kXattrItems, inode.root_id()));
  BF_TRY(remove_if_there(handle, inode, name));
  return save_changed(handle, inode);
}

// XATTR_CREATE and XATTR_REPLACE mean nothing here, as with the kernel, where a list is no attribute by then.
Status set_acl(Mount& mount, Inode& inode, const XattrChange& change) {
  if (Acl::has_no_entries(change.value)) return remove_acl(mount, inode, change.name);
  const bool is_default = change.name == xattr_name::kDefaultAcl;
  BF_TRY(check_no_symlink(inode));
  if (is_default && !inode.is_dir())
    return make_error(EACCES, "default access control list of inode {}, which is no directory", inode.ino());
  BF_ASSIGN(const Acl acl, stored_acl(mount, change.value));
  WriterLock lock(inode.names_lock());
  BF_ASSIGN(TransactionHandle handle, begin_set(mount, inode, change.value.size()));
  if (!is_default) return set_access_acl(handle, inode, acl, change.kill_sgid);
  BF_TRY(write_one(handle, inode, change.name, acl.encode()));
  return save_changed(handle, inode);
}

}  // namespace

Result<std::vector<std::byte>> get_xattr(Mount& mount, Inode& inode, std::string_view name) {
  if (const auto text = own_text(mount, inode, name)) {
    const ByteSpan bytes = as_bytes(*text);
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  BF_TRY(check_xattr_name(mount, name));
  // The kernel asks for a capability at the first write to each file.
  if (inode.is_placeholder() || inode.is_known_to_lack(name)) return make_error(ENODATA, "no attribute");
  BF_ASSIGN(auto value, read_xattr(inode.tree(), inode.ino(), name));
  if (!value) return make_error(ENODATA, "no attribute");
  if (is_acl(name) && !owners_are_as_stored(mount)) return shown_acl(mount, *value);
  return std::move(*value);
}

Result<std::vector<std::string>> list_xattr(Mount& mount, Inode& inode) {
  if (inode.is_placeholder()) return std::vector<std::string>{};
  BF_ASSIGN(auto names, list_xattrs(inode.tree(), inode.ino()));
  std::erase_if(names, [&](const std::string& name) { return !check_xattr_name(mount, name); });
  return names;
}

Status set_xattr(Mount& mount, Inode& inode, const XattrChange& change) {
  BF_TRY(check_change(mount, inode, change.name));
  if (is_acl(change.name)) return set_acl(mount, inode, change);
  {
    WriterLock lock(inode.names_lock());
    BF_TRY(check_presence(inode, change));
    if (change.name != xattr_name::kCompression) return set_plain(mount, inode, change);
  }
  return set_compression(mount, inode, as_text(change.value));
}

Status set_compression(Mount& mount, Inode& inode, std::string_view value) {
  WriterLock lock(inode.names_lock());
  BF_ASSIGN(const CompressionProperty property, parse_property(inode, value));
  // Nothing of others could be compressed, and the kernel says yes.
  if (!inode.is_regular() && !inode.is_dir()) return {};
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_freeing(kXattrItems, inode.root_id()));
  BF_TRY(value.empty() ? remove_if_there(handle, inode, xattr_name::kCompression)
                       : write_one(handle, inode, xattr_name::kCompression, as_bytes(value)));
  apply_property(mount, inode, property);
  return save_changed(handle, inode);
}

Status remove_xattr(Mount& mount, Inode& inode, std::string_view name) {
  BF_TRY(check_change(mount, inode, name));
  if (is_acl(name)) return remove_acl(mount, inode, name);
  WriterLock lock(inode.names_lock());
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_freeing(kXattrItems, inode.root_id()));
  BF_TRY(butterfuse::remove_xattr(inode.tree(), handle, inode.ino(), name));
  if (name == xattr_name::kCompression) apply_property(mount, inode, {});
  inode.note_xattr(name, false);
  return save_changed(handle, inode);
}

Status update_acl_mode(TransactionHandle& handle, Inode& inode, uint32_t mode) {
  if (!inode.has(KnownXattr::access_acl)) return {};
  BF_ASSIGN(const auto bytes, read_xattr(inode.tree(), inode.ino(), xattr_name::kAccessAcl));
  if (!bytes) return {};
  auto acl = Acl::parse(*bytes);
  if (!acl) return {};  // not a list we could have made sense of: it is left as it is
  acl->change_mode(mode);
  return write_one(handle, inode, xattr_name::kAccessAcl, acl->encode());
}

Status drop_capability(Mount& mount, Inode& inode) {
  BF_TRY(inode.load_properties());
  if (!inode.has(KnownXattr::capability)) return {};
  auto status = remove_xattr(mount, inode, xattr_name::kCapability);
  if (!status && status.error().code == ENODATA) return {};  // someone else was faster
  return status;
}

}  // namespace butterfuse
