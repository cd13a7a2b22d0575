// SPDX-License-Identifier: GPL-2.0-or-later
// NamesModel::problems: the names that a crash left against what was promised.
#include <fmt/format.h>

#include <algorithm>

#include "tests/seams/names_model.h"

namespace butterfuse::seams {

class NamesJudge {
 public:
  NamesJudge(const NamesModel& model, bool ordered) : model_(model), ordered_(ordered) {}

  std::vector<std::string> run(const FoundNode& top) {
    visit(NamesModel::kTop, top, "");
    for (const auto& [id, node] : model_.nodes_) check_number_of_names(id, node);
    return std::move(problems_);
  }

 private:
  void complain(std::string text) { problems_.push_back(std::move(text)); }

  void visit(NodeId dir, const FoundNode& found, const std::string& path) {
    for (const auto& [name, entry] : model_.entries_)
      if (name.dir == dir && !found.entries.contains(name.name)) check_entry(name, entry, nullptr, path);
    for (const auto& [name, child] : found.entries) {
      const auto entry = model_.entries_.find(Name{dir, name});
      if (entry == model_.entries_.end())
        complain(fmt::format("'{}{}' is a name that nobody made", path, name));
      else
        check_entry(entry->first, entry->second, &child, path);
    }
  }

  // One of the nodes that may have the name, which is what was found.
  NodeId candidate(const History<NodeId>& entry, const FoundNode& found) const {
    for (const auto& step : entry.steps())
      if (step.value != 0 && model_.nodes_.at(step.value).ino == found.ino) return step.value;
    for (const auto& step : entry.steps()) {  // its making never returned
      if (step.value == 0) continue;
      const Node& node = model_.nodes_.at(step.value);
      if (node.ino == 0 && node.is_dir == found.is_dir) return step.value;
    }
    return 0;
  }

  void check_entry(const Name& name, const History<NodeId>& entry, const FoundNode* found,
                   const std::string& path) {
    std::string list;
    for (const auto& step : entry.steps())
      list += fmt::format(
          " {}", step.value == 0 ? "nobody" : fmt::format("inode {}", model_.nodes_.at(step.value).ino));
    if (found == nullptr) {
      const bool may_be_absent = std::any_of(entry.steps().begin(), entry.steps().end(),
                                             [](const auto& step) { return step.value == 0; });
      if (!may_be_absent) complain(fmt::format("'{}{}' is absent; it belonged to{}", path, name.name, list));
      return;
    }
    const NodeId id = candidate(entry, *found);
    if (id == 0)
      return complain(fmt::format("'{}{}' is inode {}; it belonged to{}", path, name.name, found->ino, list));
    found_names_[id].insert(name);
    nlinks_[id] = found->nlink;
    const Node& node = model_.nodes_.at(id);
    if (node.is_dir != found->is_dir)
      return complain(fmt::format("'{}{}' has another type", path, name.name));
    if (node.is_dir) return visit(id, *found, path + name.name + "/");
    if (const std::string problem = node.content->problem(found->content, ordered_); !problem.empty())
      complain(fmt::format("'{}{}': {}", path, name.name, problem));
  }

  void check_number_of_names(NodeId id, const Node& node) {
    if (id == NamesModel::kTop) return;
    size_t fewest = SIZE_MAX, most = 0;
    for (const auto& step : node.names.steps()) {
      fewest = std::min(fewest, step.value.size());
      most = std::max(most, step.value.size());
    }
    const size_t found = found_names_[id].size();
    if (node.durable && found == 0 && fewest > 0) complain(fmt::format("inode {} is lost", node.ino));
    if (found > most)
      complain(fmt::format("inode {} has {} names, and never had more than {}", node.ino, found, most));
    if (found > 0 && !node.is_dir && nlinks_[id] != found)
      complain(fmt::format("inode {} has {} names and a link count of {}", node.ino, found, nlinks_[id]));
  }

  const NamesModel& model_;
  const bool ordered_;
  std::map<NodeId, std::set<Name>> found_names_;
  std::map<NodeId, uint64_t> nlinks_;
  std::vector<std::string> problems_;
};

std::vector<std::string> NamesModel::problems(const FoundNode& top, bool ordered) const {
  std::lock_guard lock(mutex_);
  return NamesJudge(*this, ordered).run(top);
}

}  // namespace butterfuse::seams
