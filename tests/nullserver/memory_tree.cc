// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryTree: names, and nodes that live as long as they have a name or the kernel knows them.
#include "tests/nullserver/memory_tree.h"

#include <ctime>

namespace butterfuse::null {

timespec time_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now;
}

Node* Names::find(std::string_view name) const {
  const auto found = index_of_.find(std::string(name));
  return found == index_of_.end() ? nullptr : entries_.at(found->second).node;
}

void Names::add(const std::string& name, Node& node) {
  entries_.emplace(next_, Entry{name, &node});
  index_of_.emplace(name, next_++);
}

void Names::remove(const std::string& name) {
  const auto found = index_of_.find(name);
  entries_.erase(found->second);
  index_of_.erase(found);
}

MemoryTree::MemoryTree() {
  root_.attr.st_mode = S_IFDIR | 0755;
  root_.attr.st_ino = next_ino_++;
  root_.attr.st_nlink = 1;
  root_.attr.st_atim = root_.attr.st_mtim = root_.attr.st_ctim = time_now();
}

Node& MemoryTree::make(Node& folder, const std::string& name, mode_t mode, uid_t uid, gid_t gid) {
  auto made = std::make_unique<Node>();
  Node& node = *made;
  node.attr.st_mode = mode;
  node.attr.st_ino = next_ino_++;
  node.attr.st_nlink = 1;
  node.attr.st_uid = uid;
  node.attr.st_gid = gid;
  node.attr.st_atim = node.attr.st_mtim = node.attr.st_ctim = time_now();
  nodes_.emplace(&node, std::move(made));
  folder.names.add(name, node);
  folder.attr.st_mtim = folder.attr.st_ctim = node.attr.st_mtim;
  return node;
}

void MemoryTree::unlink(Node& folder, const std::string& name, Node& node) {
  folder.names.remove(name);
  folder.attr.st_mtim = folder.attr.st_ctim = node.attr.st_ctim = time_now();
  --node.attr.st_nlink;
  drop_if_unused(node);
}

void MemoryTree::forget(Node& node, uint64_t lookups) {
  node.lookups -= lookups;
  drop_if_unused(node);
}

void MemoryTree::resize(Node& node, uint64_t bytes) {
  node.content.resize(bytes);
  node.attr.st_size = static_cast<off_t>(bytes);
  node.attr.st_blocks = static_cast<blkcnt_t>((bytes + 511) / 512);
}

void MemoryTree::drop_if_unused(const Node& node) {
  if (node.attr.st_nlink == 0 && node.lookups == 0 && &node != &root_) nodes_.erase(&node);
}

}  // namespace butterfuse::null
