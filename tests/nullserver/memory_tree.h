// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryTree: files and folders that nobody stores, with no more work in them than an answer needs.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace butterfuse::null {

struct Node;

// The names of a folder, in the order in which they came: an index is never used twice.
class Names {
 public:
  Node* find(std::string_view name) const;
  void add(const std::string& name, Node& node);
  void remove(const std::string& name);
  bool empty() const { return entries_.empty(); }
  struct Entry {
    std::string name;
    Node* node;
  };
  const std::map<uint64_t, Entry>& entries() const { return entries_; }

 private:
  std::map<uint64_t, Entry> entries_;
  std::unordered_map<std::string, uint64_t> index_of_;
  uint64_t next_ = 2;  // 0 and 1 are "." and ".."
};

struct Node {
  struct stat attr {};
  std::string content;  // of a file, or the target of a link
  Names names;          // of a folder
  uint64_t lookups = 0;
};

// From one thread. Numbers of nodes, as FUSE has them, are their addresses, but for the root's.
class MemoryTree {
 public:
  MemoryTree();
  Node& root() { return root_; }
  Node& node(uint64_t number) { return number == 1 ? root_ : *reinterpret_cast<Node*>(number); }
  uint64_t number_of(const Node& node) const {
    return &node == &root_ ? 1 : reinterpret_cast<uint64_t>(&node);
  }
  // In the folder by that name, which is free.
  Node& make(Node& folder, const std::string& name, mode_t mode, uid_t uid, gid_t gid);
  void unlink(Node& folder, const std::string& name, Node& node);
  void forget(Node& node, uint64_t lookups);
  // The file has as many bytes from now on.
  void resize(Node& node, uint64_t bytes);

 private:
  void drop_if_unused(const Node& node);

  Node root_;
  std::unordered_map<const Node*, std::unique_ptr<Node>> nodes_;
  uint64_t next_ino_ = 256;
};

timespec time_now();

}  // namespace butterfuse::null
