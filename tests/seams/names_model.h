// SPDX-License-Identifier: GPL-2.0-or-later
// NamesModel: the names below one directory, and which of them a crash may leave.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/seams/file_model.h"

namespace butterfuse::seams {

using NodeId = uint64_t;  // 0: none
struct Name {
  NodeId dir = 0;
  std::string name;
  auto operator<=>(const Name&) const = default;
};

// A file or directory as a mount shows it after a crash.
struct FoundNode {
  uint64_t ino = 0;
  bool is_dir = false;
  uint64_t nlink = 0;
  std::string content;
  std::map<std::string, FoundNode> entries;
};

struct Node {
  bool is_dir = false;
  bool durable = false;                // it was promised to exist
  uint64_t ino = 0;                    // 0: its making has not returned
  std::unique_ptr<FileModel> content;  // of a file
  History<std::set<Name>> names{std::set<Name>{}};
};

// Used by one thread, but for promises, which any thread may give.
class NamesModel {
 public:
  static constexpr NodeId kTop = 1;
  static constexpr uint64_t kFileBytes = 192 << 10;

  // All that is found is durable.
  explicit NamesModel(const FoundNode& top);

  struct Change {
    Name name;
    NodeId node;  // that has the name from now on; 0: nobody
  };
  NodeId add_node(bool is_dir);
  void set_ino(NodeId node, uint64_t ino);
  void begin(const std::vector<Change>& changes);
  // All of them came about, or none.
  void end(bool done, Clock& clock);

  // What an fsync of a file, or of a directory, promises of names; and a commit.
  void promise_node(NodeId node, uint64_t time);
  void promise_entries(NodeId dir, uint64_t time);
  void promise_all(uint64_t time, bool sizes);
  void promise_unmounted(uint64_t time);

  std::vector<std::string> problems(const FoundNode& top, bool ordered) const;

  // Of a node that exists; but for its names it changes by this thread only.
  const Node& node(NodeId id) const;
  bool has_names(NodeId id) const;    // now
  NodeId at(const Name& name) const;  // now; 0: nobody
  std::vector<Name> names() const;    // now
  std::vector<NodeId> nodes_with_names(bool directories) const;
  std::string path(NodeId id) const;  // of one of its names, below the top
  std::string path(const Name& name) const;
  bool is_below(NodeId node, NodeId ancestor) const;
  bool is_empty(NodeId dir) const;

 private:
  NodeId add_found(const FoundNode& found);
  void set_names(NodeId node, std::set<Name> names);
  void make_ancestors_durable(NodeId node);
  friend class NamesJudge;

  mutable std::recursive_mutex mutex_;
  std::map<NodeId, Node> nodes_;
  std::map<Name, History<NodeId>> entries_;
  std::vector<Change> changing_, undo_;
  NodeId last_ = 0;
};

}  // namespace butterfuse::seams
