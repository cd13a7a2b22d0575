// Extended attributes: which names are taken, and what the special ones do.
#include "fs/vfs/xattr.h"

#include <sys/xattr.h>

#include "compress/codec.h"
#include "core/items/xattr_item.h"
#include "fs/vfs/clock.h"
#include "fs/vfs/names.h"

namespace butterfuse {
namespace {

constexpr std::string_view kStats = "user.butterfuse.stats";
constexpr uint32_t kXattrItems = 2;

bool is_stats(const Mount& mount, const Inode& inode, std::string_view name) {
  return name == kStats && inode.key() == const_cast<Mount&>(mount).root().key();
}

// Access control lists of other systems are shown, so that a copy keeps them, but can't be set yet.
bool is_acl(std::string_view name) {
  return name == "system.posix_acl_access" || name == "system.posix_acl_default";
}

Status check_xattr_name(std::string_view name) {
  if (name.size() > kNameMax) return make_error(ERANGE, "attribute name of {} bytes", name.size());
  for (std::string_view prefix : {"user.", "trusted.", "security."}) {
    if (name.starts_with(prefix))
      return name.size() > prefix.size() ? Status{} : make_error(EINVAL, "empty name");
  }
  if (name == xattr_name::kCompression) return {};
  return make_error(ENOTSUP, "attribute '{}' is not supported", name);
}

Status check_change(Mount& mount, Inode& inode, std::string_view name) {
  BF_TRY(check_xattr_name(name));
  BF_TRY(mount.check_writable(inode));
  BF_TRY(check_not_immutable(inode));
  BF_TRY(inode.load_properties());
  if (is_stats(mount, inode, name)) return make_error(EPERM, "'{}' is read-only", name);
  return {};
}

struct CompressionProperty {
  uint8_t type = compression_type::kNone;
  uint64_t set_flags = 0;
};

// "" clears; "no" and "none" forbid; a codec's name asks for it. The flags go along, as the kernel keeps
// them.
Result<CompressionProperty> parse_property(const Inode& inode, std::string_view value) {
  if (!inode.is_regular() && !inode.is_dir())
    return make_error(EINVAL, "'{}' on inode {}", xattr_name::kCompression, inode.ino());
  if (value.empty()) return CompressionProperty{};
  if (value == "no" || value == "none") return CompressionProperty{.set_flags = inode_flag::kNoCompress};
  const Codec* codec = codec_by_name(value);
  if (codec == nullptr || codec->type() == compression_type::kNone) {
    return make_error(EINVAL, "'{}' is no compression method", value);
  }
  return CompressionProperty{codec->type(), inode_flag::kCompress};
}

void apply_property(Mount& mount, Inode& inode, const CompressionProperty& property) {
  if (property.type == compression_type::kLzo) mount.filesystem().set_incompat(incompat::kCompressLzo);
  if (property.type == compression_type::kZstd) mount.filesystem().set_incompat(incompat::kCompressZstd);
  inode.set_compression_property(property.type);
  inode.change([&](InodeItem& item) {
    item.flags &= ~(inode_flag::kCompress | inode_flag::kNoCompress);
    item.flags |= property.set_flags;
  });
}

Status save_changed(TransactionHandle& handle, Inode& inode) {
  inode.change([](InodeItem& item) {
    item.ctime = current_time();
    ++item.sequence;
  });
  return or_abort(handle, inode.save(handle));
}

Status check_presence(Inode& inode, std::string_view name, int flags) {
  if (!(flags & (XATTR_CREATE | XATTR_REPLACE))) return {};
  BF_ASSIGN(const auto old, read_xattr(inode.tree(), inode.ino(), name));
  if (old && (flags & XATTR_CREATE)) return make_error(EEXIST, "attribute '{}' exists", name);
  if (!old && (flags & XATTR_REPLACE)) return make_error(ENODATA, "no attribute '{}'", name);
  return {};
}

}  // namespace

Result<std::vector<std::byte>> get_xattr(Mount& mount, Inode& inode, std::string_view name) {
  if (is_stats(mount, inode, name)) {
    const std::string text = mount.stats_text();
    const ByteSpan bytes = as_bytes(text);
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  if (!is_acl(name)) BF_TRY(check_xattr_name(name));
  if (inode.is_placeholder()) return make_error(ENODATA, "no attribute '{}'", name);
  BF_ASSIGN(auto value, read_xattr(inode.tree(), inode.ino(), name));
  if (!value) return make_error(ENODATA, "no attribute '{}'", name);
  return std::move(*value);
}

Result<std::vector<std::string>> list_xattr(Mount&, Inode& inode, const Caller& caller) {
  if (inode.is_placeholder()) return std::vector<std::string>{};
  BF_ASSIGN(auto names, list_xattrs(inode.tree(), inode.ino()));
  std::erase_if(names, [&](const std::string& name) {
    if (caller.uid != 0 && name.starts_with("trusted.")) return true;
    return !is_acl(name) && !check_xattr_name(name);
  });
  return names;
}

Status set_xattr(Mount& mount, Inode& inode, std::string_view name, ByteSpan value, int flags) {
  BF_TRY(check_change(mount, inode, name));
  CompressionProperty property;
  if (name == xattr_name::kCompression) {
    BF_ASSIGN(property, parse_property(inode, as_text(value)));
    if (value.empty()) return remove_xattr(mount, inode, name);
  }
  WriterLock lock(inode.names_lock());
  BF_TRY(check_presence(inode, name, flags));
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin(kXattrItems));
  BF_TRY(write_xattr(inode.tree(), handle, inode.ino(), name, value));
  if (name == xattr_name::kCompression) apply_property(mount, inode, property);
  if (name == xattr_name::kCapability) inode.set_has_capability(true);
  return save_changed(handle, inode);
}

Status remove_xattr(Mount& mount, Inode& inode, std::string_view name) {
  BF_TRY(check_change(mount, inode, name));
  WriterLock lock(inode.names_lock());
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_freeing(kXattrItems));
  BF_TRY(butterfuse::remove_xattr(inode.tree(), handle, inode.ino(), name));
  if (name == xattr_name::kCompression) apply_property(mount, inode, {});
  if (name == xattr_name::kCapability) inode.set_has_capability(false);
  return save_changed(handle, inode);
}

Status drop_capability(Mount& mount, Inode& inode) {
  BF_TRY(inode.load_properties());
  if (!inode.has_capability()) return {};
  auto status = remove_xattr(mount, inode, xattr_name::kCapability);
  if (!status && status.error().code == ENODATA) return {};  // someone else was faster
  return status;
}

}  // namespace butterfuse
