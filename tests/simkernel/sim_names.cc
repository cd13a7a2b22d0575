// SPDX-License-Identifier: GPL-2.0-or-later
// SimNames: FUSE requests about names, and what is kept of their answers.
#include "tests/simkernel/sim_names.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "core/base/assert.h"

namespace butterfuse::simkernel {
namespace {

constexpr uint32_t kListBytes = 4096;

// With the zero behind it, as requests have it.
ByteSpan wire(const std::string& name) { return as_bytes({name.c_str(), name.size() + 1}); }

template <class Body>
Body body_of(const FuseRequest& answer) {
  BF_ASSERT(answer.answer.size() >= sizeof(Body), "an answer of {} bytes", answer.answer.size());
  return load<Body>(answer.answer);
}

}  // namespace

SimNames::SimNames(SimThreads& sim, FuseChannel& channel, SimKernel& kernel, uint64_t folder)
    : sim_(sim), channel_(channel), kernel_(kernel) {
  nodes_[folder] = {.node = folder, .mode = S_IFDIR};
}

FuseRequestPtr SimNames::call(uint32_t opcode, uint64_t node, std::initializer_list<ByteSpan> body,
                              const char* what) {
  FuseRequestPtr answer = channel_.call(opcode, node, body);
  if (answer->error != 0)
    complain(fmt::format("{} at node {} fails with error {}", what, node, answer->error));
  return answer;
}

// An entry counts one look-up of its inode, known or not.
SimNode* SimNames::take_entry(const FuseRequest& answer, const Spot& spot, bool is_new) {
  if (answer.error != 0) return nullptr;
  const auto entry = body_of<fuse_entry_out>(answer);
  entries_[{spot.dir, spot.name}] = entry.nodeid;
  if (entry.nodeid == 0) return nullptr;
  SimNode& node = nodes_[entry.nodeid];
  ++node.lookups;
  if (is_new && node.node != 0)
    complain(fmt::format("new inode {} has the node of inode {}", entry.attr.ino, node.ino));
  if (node.node == 0)
    node = {.node = entry.nodeid, .ino = entry.attr.ino, .mode = entry.attr.mode, .lookups = 1};
  if (node.ino != entry.attr.ino)
    complain(fmt::format("'{}' is inode {}, its node {} was inode {}", spot.name, entry.attr.ino,
                         entry.nodeid, node.ino));
  if (node.file == nullptr && S_ISREG(node.mode)) node.file = &kernel_.file_of(entry.nodeid, entry.attr.ino);
  if (S_ISREG(node.mode) && !is_new && node.lookups == 1 && node.file->size != entry.attr.size)
    complain(fmt::format("inode {} comes back with {} bytes, it had {}", node.ino, entry.attr.size,
                         node.file->size));
  return &node;
}

SimNode* SimNames::look_up(const Spot& spot) {
  if (const auto known = entries_.find({spot.dir, spot.name}); known != entries_.end())
    return known->second == 0 ? nullptr : &nodes_.at(known->second);
  const auto answer = channel_.call(FUSE_LOOKUP, spot.dir, {wire(spot.name)});
  if (answer->error == ENOENT) return nullptr;
  if (answer->error != 0)
    complain(fmt::format("look-up of '{}' fails with error {}", spot.name, answer->error));
  return take_entry(*answer, spot, false);
}

SimNode* SimNames::create(const Spot& spot) {
  fuse_create_in in{};
  in.flags = O_RDWR, in.mode = S_IFREG | 0644;
  const auto answer = call(FUSE_CREATE, spot.dir, {object_bytes(in), wire(spot.name)}, "create");
  SimNode* node = take_entry(*answer, spot, true);
  if (node != nullptr)
    kernel_.close(kernel_.opened(
        *node->file, load<fuse_open_out>(ByteSpan(answer->answer).subspan(sizeof(fuse_entry_out))).fh));
  return node;
}

SimNode* SimNames::make_dir(const Spot& spot) {
  fuse_mkdir_in in{};
  in.mode = 0755;
  return take_entry(*call(FUSE_MKDIR, spot.dir, {object_bytes(in), wire(spot.name)}, "mkdir"), spot, true);
}

void SimNames::link(const SimNode& node, const Spot& spot) {
  fuse_link_in in{};
  in.oldnodeid = node.node;
  const SimNode* linked =
      take_entry(*call(FUSE_LINK, spot.dir, {object_bytes(in), wire(spot.name)}, "link"), spot, false);
  if (linked != nullptr && linked != &node)
    complain(fmt::format("a link to inode {} is inode {}", node.ino, linked->ino));
}

void SimNames::remove(const Spot& spot, bool is_dir) {
  call(is_dir ? FUSE_RMDIR : FUSE_UNLINK, spot.dir, {wire(spot.name)}, is_dir ? "rmdir" : "unlink");
  entries_[{spot.dir, spot.name}] = 0;
}

// The kernel moves the entry itself, and asks nobody.
void SimNames::rename(const Spot& from, const Spot& to, uint32_t flags) {
  fuse_rename2_in in{};
  in.newdir = to.dir, in.flags = flags;
  call(FUSE_RENAME2, from.dir, {object_bytes(in), wire(from.name), wire(to.name)}, "rename");
  const Entry old{from.dir, from.name}, now{to.dir, to.name};
  const uint64_t moved = entries_.at(old);
  if (flags & RENAME_EXCHANGE) {
    entries_[old] = entries_.at(now);
  } else {
    entries_[old] = 0;
  }
  entries_[now] = moved;
}

// ---- directories ----

uint64_t SimNames::open_dir(uint64_t dir) {
  fuse_open_in in{};
  in.flags = O_RDONLY | O_DIRECTORY;
  const auto answer = call(FUSE_OPENDIR, dir, {object_bytes(in)}, "opendir");
  return answer->error == 0 ? body_of<fuse_open_out>(*answer).fh : 0;
}

void SimNames::close_dir(uint64_t dir, uint64_t fh) {
  fuse_release_in in{};
  in.fh = fh;
  call(FUSE_RELEASEDIR, dir, {object_bytes(in)}, "releasedir");
}

std::map<std::string, uint64_t> SimNames::list(uint64_t dir) {
  std::map<std::string, uint64_t> found;
  fuse_read_in in{};
  in.fh = open_dir(dir), in.size = kListBytes;
  for (;;) {
    const auto answer = call(FUSE_READDIR, dir, {object_bytes(in)}, "readdir");
    if (answer->error != 0 || answer->answer.empty()) break;
    for (size_t at = 0; at + FUSE_NAME_OFFSET <= answer->answer.size();) {
      const auto head = load<fuse_dirent>(ByteSpan(answer->answer).subspan(at));
      const std::string name(as_text(ByteSpan(answer->answer).subspan(at + FUSE_NAME_OFFSET, head.namelen)));
      if (name != "." && name != ".." && !found.emplace(name, head.ino).second)
        complain(fmt::format("'{}' is listed twice", name));
      at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + head.namelen);
      in.offset = head.off;
    }
  }
  close_dir(dir, in.fh);
  return found;
}

void SimNames::sync_dir(uint64_t dir) {
  fuse_fsync_in in{};
  in.fh = open_dir(dir);
  call(FUSE_FSYNCDIR, dir, {object_bytes(in)}, "fsync of a directory");
  close_dir(dir, in.fh);
}

// ---- attributes ----

uint32_t SimNames::link_count(const SimNode& node) {
  const auto answer = call(FUSE_GETATTR, node.node, {object_bytes(fuse_getattr_in{})}, "stat");
  return answer->error == 0 ? body_of<fuse_attr_out>(*answer).attr.nlink : 0;
}

// The kernel opens what it asks about, and passes an int, whatever the number of the call says.
std::vector<std::byte> SimNames::ioctl(const SimNode& node, uint32_t command, ByteSpan in_bytes,
                                       uint32_t out_bytes) {
  const bool is_dir = S_ISDIR(node.mode);
  SimFile* const file = is_dir ? nullptr : &kernel_.open(*node.file);
  fuse_ioctl_in in{};
  in.fh = is_dir ? open_dir(node.node) : file->fh;
  in.flags = is_dir ? FUSE_IOCTL_DIR : 0;
  in.cmd = command, in.in_size = static_cast<uint32_t>(in_bytes.size()), in.out_size = out_bytes;
  const auto answer = call(FUSE_IOCTL, node.node, {object_bytes(in), in_bytes}, "ioctl");
  is_dir ? close_dir(node.node, in.fh) : kernel_.close(*file);
  if (answer->error != 0) return {};
  return {answer->answer.begin() + sizeof(fuse_ioctl_out), answer->answer.end()};
}

uint32_t SimNames::flags(const SimNode& node) {
  const auto answer = ioctl(node, FS_IOC_GETFLAGS, {}, sizeof(uint32_t));
  return answer.size() >= sizeof(uint32_t) ? load<uint32_t>(answer) : 0;
}

void SimNames::set_flags(const SimNode& node, uint32_t flags) {
  ioctl(node, FS_IOC_SETFLAGS, object_bytes(flags), 0);
}

// ---- away ----

bool SimNames::has_entry(uint64_t node) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& entry) { return entry.second == node || entry.first.first == node; });
}

void SimNames::forget(uint64_t node) {
  const auto place = nodes_.find(node);
  if (place->second.file != nullptr) kernel_.evict(*place->second.file);
  const uint64_t lookups = place->second.lookups;
  nodes_.erase(place);
  channel_.forget(node, lookups);
}

void SimNames::drop_some() {
  std::erase_if(entries_, [&](const auto&) { return sim_.random(2) == 0; });
  std::vector<uint64_t> unused;
  for (const auto& [node, what] : nodes_)
    if (what.lookups > 0 && !has_entry(node) && (what.file == nullptr || !kernel_.is_open(*what.file)))
      unused.push_back(node);
  for (const uint64_t node : unused) forget(node);
}

}  // namespace butterfuse::simkernel
