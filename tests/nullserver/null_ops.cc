// SPDX-License-Identifier: GPL-2.0-or-later
// Null operations. Access times stay as they are; rights are the kernel's to check (default_permissions).
#include "tests/nullserver/null_ops.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "tests/nullserver/memory_tree.h"

namespace butterfuse::null {
namespace {

constexpr double kCacheSeconds = 3600;

MemoryTree& tree_of(fuse_req_t request) { return *static_cast<MemoryTree*>(fuse_req_userdata(request)); }

fuse_entry_param entry_of(MemoryTree& tree, Node& node) {
  fuse_entry_param entry{};
  entry.ino = tree.number_of(node);
  entry.attr = node.attr;
  entry.attr_timeout = entry.entry_timeout = kCacheSeconds;
  return entry;
}

void reply_node(fuse_req_t request, Node& node) {
  ++node.lookups;
  const fuse_entry_param entry = entry_of(tree_of(request), node);
  fuse_reply_entry(request, &entry);
}

void op_init(void*, fuse_conn_info* connection) {
  for (const unsigned capability : {FUSE_CAP_ASYNC_READ, FUSE_CAP_ATOMIC_O_TRUNC, FUSE_CAP_READDIRPLUS,
                                    FUSE_CAP_PARALLEL_DIROPS, FUSE_CAP_POSIX_ACL, FUSE_CAP_DONT_MASK})
    connection->want |= connection->capable & capability;
  for (const unsigned capability :
       {FUSE_CAP_READDIRPLUS_AUTO, FUSE_CAP_ASYNC_DIO, FUSE_CAP_SPLICE_READ, FUSE_CAP_SPLICE_WRITE,
        FUSE_CAP_SPLICE_MOVE, FUSE_CAP_HANDLE_KILLPRIV, FUSE_CAP_AUTO_INVAL_DATA})
    connection->want &= ~capability;
  connection->max_write = 128u << 10;
  connection->max_readahead = 1u << 20;
  connection->max_background = 16;
  connection->time_gran = 1;
}

void op_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  MemoryTree& tree = tree_of(request);
  if (Node* const node = tree.node(parent).names.find(name)) return reply_node(request, *node);
  fuse_entry_param none{};
  none.entry_timeout = kCacheSeconds;
  fuse_reply_entry(request, &none);
}

void op_forget(fuse_req_t request, fuse_ino_t number, uint64_t lookups) {
  if (number != 1) tree_of(request).forget(tree_of(request).node(number), lookups);
  fuse_reply_none(request);
}

void op_forget_multi(fuse_req_t request, size_t count, fuse_forget_data* forgets) {
  for (const fuse_forget_data* each = forgets; each != forgets + count; ++each)
    if (each->ino != 1) tree_of(request).forget(tree_of(request).node(each->ino), each->nlookup);
  fuse_reply_none(request);
}

void op_getattr(fuse_req_t request, fuse_ino_t number, fuse_file_info*) {
  fuse_reply_attr(request, &tree_of(request).node(number).attr, kCacheSeconds);
}

void op_setattr(fuse_req_t request, fuse_ino_t number, struct stat* wanted, int what, fuse_file_info*) {
  MemoryTree& tree = tree_of(request);
  Node& node = tree.node(number);
  struct stat& attr = node.attr;
  const timespec now = time_now();
  if (what & FUSE_SET_ATTR_MODE) attr.st_mode = (attr.st_mode & S_IFMT) | (wanted->st_mode & ~mode_t{S_IFMT});
  if (what & FUSE_SET_ATTR_UID) attr.st_uid = wanted->st_uid;
  if (what & FUSE_SET_ATTR_GID) attr.st_gid = wanted->st_gid;
  if (what & FUSE_SET_ATTR_SIZE) {
    tree.resize(node, static_cast<uint64_t>(wanted->st_size));
    attr.st_mtim = now;
  }
  if (what & FUSE_SET_ATTR_ATIME) attr.st_atim = what & FUSE_SET_ATTR_ATIME_NOW ? now : wanted->st_atim;
  if (what & FUSE_SET_ATTR_MTIME) attr.st_mtim = what & FUSE_SET_ATTR_MTIME_NOW ? now : wanted->st_mtim;
  attr.st_ctim = now;
  fuse_reply_attr(request, &attr, kCacheSeconds);
}

Node& make_node(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  const fuse_ctx* const caller = fuse_req_ctx(request);
  MemoryTree& tree = tree_of(request);
  return tree.make(tree.node(parent), name, mode & ~caller->umask, caller->uid, caller->gid);
}

void op_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t) {
  reply_node(request, make_node(request, parent, name, mode));
}

void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  reply_node(request, make_node(request, parent, name, S_IFDIR | mode));
}

void op_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  Node& node = make_node(request, parent, name, S_IFLNK | 0777);
  node.attr.st_mode = S_IFLNK | 0777;
  node.content = target;
  node.attr.st_size = static_cast<off_t>(node.content.size());
  reply_node(request, node);
}

void op_readlink(fuse_req_t request, fuse_ino_t number) {
  fuse_reply_readlink(request, tree_of(request).node(number).content.c_str());
}

void op_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
  Node& node = make_node(request, parent, name, S_IFREG | mode);
  ++node.lookups;
  const fuse_entry_param entry = entry_of(tree_of(request), node);
  info->keep_cache = 1;
  fuse_reply_create(request, &entry, info);
}

void op_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t parent, const char* name) {
  MemoryTree& tree = tree_of(request);
  Node& node = tree.node(number);
  ++node.attr.st_nlink;
  tree.node(parent).names.add(name, node);
  reply_node(request, node);
}

void op_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  MemoryTree& tree = tree_of(request);
  Node& folder = tree.node(parent);
  Node* const node = folder.names.find(name);
  if (node == nullptr) return (void)fuse_reply_err(request, ENOENT);
  if (S_ISDIR(node->attr.st_mode) && !node->names.empty()) return (void)fuse_reply_err(request, ENOTEMPTY);
  tree.unlink(folder, name, *node);
  fuse_reply_err(request, 0);
}

void op_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
               const char* new_name, unsigned flags) {
  if (flags != 0) return (void)fuse_reply_err(request, EINVAL);
  MemoryTree& tree = tree_of(request);
  Node &from = tree.node(parent), &to = tree.node(new_parent);
  Node* const node = from.names.find(name);
  if (node == nullptr) return (void)fuse_reply_err(request, ENOENT);
  if (Node* const old = to.names.find(new_name)) tree.unlink(to, new_name, *old);
  from.names.remove(name);
  to.names.add(new_name, *node);
  from.attr.st_mtim = to.attr.st_mtim = node->attr.st_ctim = time_now();
  fuse_reply_err(request, 0);
}

void op_open(fuse_req_t request, fuse_ino_t number, fuse_file_info* info) {
  if (info->flags & O_TRUNC) tree_of(request).resize(tree_of(request).node(number), 0);
  info->keep_cache = 1;
  fuse_reply_open(request, info);
}

void op_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset, fuse_file_info*) {
  const std::string& content = tree_of(request).node(number).content;
  const size_t start = std::min(static_cast<size_t>(offset), content.size());
  fuse_reply_buf(request, content.data() + start, std::min(size, content.size() - start));
}

void op_write(fuse_req_t request, fuse_ino_t number, const char* bytes, size_t size, off_t offset,
              fuse_file_info*) {
  MemoryTree& tree = tree_of(request);
  Node& node = tree.node(number);
  const size_t end = static_cast<size_t>(offset) + size;
  if (end > node.content.size()) tree.resize(node, end);
  std::memcpy(node.content.data() + offset, bytes, size);
  node.attr.st_mtim = node.attr.st_ctim = time_now();
  fuse_reply_write(request, size);
}

void op_opendir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  info->keep_cache = info->cache_readdir = 1;
  fuse_reply_open(request, info);
}

void op_readdirplus(fuse_req_t request, fuse_ino_t number, size_t size, off_t position, fuse_file_info*) {
  MemoryTree& tree = tree_of(request);
  Node& folder = tree.node(number);
  std::vector<char> buffer(size);
  size_t used = 0;
  const auto add = [&](const char* name, const fuse_entry_param& entry, uint64_t next) {
    const size_t need = fuse_add_direntry_plus(request, buffer.data() + used, size - used, name, &entry,
                                               static_cast<off_t>(next));
    const bool fits = need <= size - used;
    if (fits) used += need;
    return fits;
  };
  fuse_entry_param dot{};
  dot.attr = folder.attr;
  bool fits = true;
  for (; position < 2 && fits; ++position)
    fits = add(position == 0 ? "." : "..", dot, static_cast<uint64_t>(position) + 1);
  const auto& entries = folder.names.entries();
  for (auto at = entries.lower_bound(static_cast<uint64_t>(position)); fits && at != entries.end(); ++at) {
    fits = add(at->second.name.c_str(), entry_of(tree, *at->second.node), at->first + 1);
    if (fits) ++at->second.node->lookups;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void op_statfs(fuse_req_t request, fuse_ino_t) {
  struct statvfs all {};
  all.f_bsize = all.f_frsize = 4096;
  all.f_blocks = all.f_bfree = all.f_bavail = 1u << 21;
  all.f_namemax = 255;
  fuse_reply_statfs(request, &all);
}

void op_getxattr(fuse_req_t request, fuse_ino_t, const char*, size_t) { fuse_reply_err(request, ENODATA); }

// What asks for durability: there is none here.
void op_ioctl(fuse_req_t request, fuse_ino_t, unsigned, void*, fuse_file_info*, unsigned, const void*, size_t,
              size_t) {
  fuse_reply_ioctl(request, 0, nullptr, 0);
}

void op_fsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) { fuse_reply_err(request, 0); }
void op_release(fuse_req_t request, fuse_ino_t, fuse_file_info*) { fuse_reply_err(request, 0); }

}  // namespace

fuse_lowlevel_ops null_operations() {
  fuse_lowlevel_ops ops{};
  ops.init = op_init;
  ops.lookup = op_lookup;
  ops.forget = op_forget;
  ops.forget_multi = op_forget_multi;
  ops.getattr = op_getattr;
  ops.setattr = op_setattr;
  ops.mknod = op_mknod;
  ops.mkdir = op_mkdir;
  ops.symlink = op_symlink;
  ops.readlink = op_readlink;
  ops.create = op_create;
  ops.link = op_link;
  ops.unlink = ops.rmdir = op_unlink;
  ops.rename = op_rename;
  ops.open = op_open;
  ops.read = op_read;
  ops.write = op_write;
  ops.opendir = op_opendir;
  ops.readdirplus = op_readdirplus;
  ops.statfs = op_statfs;
  ops.getxattr = op_getxattr;
  ops.ioctl = op_ioctl;
  ops.fsync = ops.fsyncdir = op_fsync;
  ops.release = ops.releasedir = op_release;
  return ops;
}

}  // namespace butterfuse::null
