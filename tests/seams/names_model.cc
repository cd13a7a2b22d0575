// SPDX-License-Identifier: GPL-2.0-or-later
// NamesModel: changes and promises.
#include "tests/seams/names_model.h"

#include <algorithm>

namespace butterfuse::seams {

NamesModel::NamesModel(const FoundNode& top) { add_found(top); }

NodeId NamesModel::add_found(const FoundNode& found) {
  for (auto& [id, node] : nodes_)
    if (node.ino == found.ino) return id;  // a further name
  const NodeId id = ++last_;
  Node& node = nodes_[id];
  node.is_dir = found.is_dir;
  node.durable = true;
  node.ino = found.ino;
  if (!found.is_dir)
    node.content = std::make_unique<FileModel>(std::vector<uint64_t>{0}, kFileBytes, found.content);
  for (const auto& [name, child] : found.entries) {
    const NodeId child_id = add_found(child);
    entries_.emplace(Name{id, name}, History<NodeId>(child_id));
    auto names = nodes_.at(child_id).names.now();
    names.insert({id, name});
    nodes_.at(child_id).names.adopt(std::move(names));
  }
  return id;
}

NodeId NamesModel::add_node(bool is_dir) {
  std::lock_guard lock(mutex_);
  Node& node = nodes_[++last_];
  node.is_dir = is_dir;
  if (!is_dir)
    node.content = std::make_unique<FileModel>(std::vector<uint64_t>{0}, kFileBytes, std::string());
  return last_;
}

void NamesModel::set_ino(NodeId node, uint64_t ino) {
  std::lock_guard lock(mutex_);
  nodes_.at(node).ino = ino;
}

NodeId NamesModel::at(const Name& name) const {
  std::lock_guard lock(mutex_);
  const auto entry = entries_.find(name);
  return entry == entries_.end() ? 0 : entry->second.now();
}

const Node& NamesModel::node(NodeId id) const {
  std::lock_guard lock(mutex_);
  return nodes_.at(id);
}

bool NamesModel::has_names(NodeId id) const {
  std::lock_guard lock(mutex_);
  return !nodes_.at(id).names.now().empty();
}

void NamesModel::begin(const std::vector<Change>& changes) {
  std::lock_guard lock(mutex_);
  changing_ = changes;
  undo_.clear();
  for (const Change& change : changes) undo_.push_back({change.name, at(change.name)});
  std::map<NodeId, std::set<Name>> names;
  auto names_of = [&](NodeId node) -> std::set<Name>& {
    return names.try_emplace(node, nodes_.at(node).names.now()).first->second;
  };
  for (const Change& change : undo_)
    if (change.node != 0) names_of(change.node).erase(change.name);
  for (const Change& change : changes) {
    if (change.node != 0) names_of(change.node).insert(change.name);
    entries_.try_emplace(change.name, History<NodeId>(0)).first->second.begin(change.node);
  }
  for (auto& [node, set] : names) nodes_.at(node).names.begin(std::move(set));
}

void NamesModel::end(bool done, Clock& clock) {
  {
    std::lock_guard lock(mutex_);
    const uint64_t now = clock.tick();
    std::set<NodeId> touched;
    for (const Change& change : changing_) {
      entries_.at(change.name).end(now);
      if (change.node != 0) touched.insert(change.node);
    }
    for (const Change& change : undo_)
      if (change.node != 0) touched.insert(change.node);
    for (const NodeId node : touched) nodes_.at(node).names.end(now);
  }
  if (done) return;
  begin(std::vector(undo_));
  end(true, clock);
}

void NamesModel::make_ancestors_durable(NodeId id) {
  Node& node = nodes_.at(id);
  node.durable = true;
  for (const Name& name : node.names.now())
    if (!nodes_.at(name.dir).durable) make_ancestors_durable(name.dir);
}

// The file is at its names, and no longer at those it had. Who has those now is not told.
void NamesModel::promise_node(NodeId id, uint64_t time) {
  std::lock_guard lock(mutex_);
  Node& node = nodes_.at(id);
  if (!node.names.now().empty()) make_ancestors_durable(id);
  std::set<Name> past;
  for (const auto& step : node.names.steps()) past.insert(step.value.begin(), step.value.end());
  for (const Name& name : past) {
    History<NodeId>& entry = entries_.at(name);
    size_t floor = 0;
    for (size_t i = 0; i < entry.steps().size(); ++i) {
      if (i > 0 && entry.steps()[i].ended >= time) break;
      const bool was_before = i > 0 && entry.steps()[i - 1].value == id;
      if (entry.steps()[i].value == id || was_before) floor = i;
    }
    // Had it come and gone since others were durable there, these may be back.
    const NodeId first = entry.steps().front().value;
    if (first != id && entry.steps()[floor].value != id)
      entry.drop(floor, [&](NodeId value) { return value == id; });
    else
      entry.forget(floor);
  }
  node.names.promise(time);
}

void NamesModel::promise_entries(NodeId dir, uint64_t time) {
  std::lock_guard lock(mutex_);
  make_ancestors_durable(dir);
  for (auto& [name, entry] : entries_) {
    if (name.dir != dir) continue;
    entry.promise(time);
    const NodeId node = entry.steps().front().value;
    if (node != 0 && entry.steps().size() == 1) nodes_.at(node).durable = true;
  }
}

void NamesModel::promise_all(uint64_t time, bool sizes) {
  std::lock_guard lock(mutex_);
  for (auto& [name, entry] : entries_) entry.promise(time);
  for (auto& [id, node] : nodes_) {
    node.names.promise(time);
    node.durable |= std::none_of(node.names.steps().begin(), node.names.steps().end(),
                                 [](const auto& step) { return step.value.empty(); });
    if (node.content) node.content->promise_what_daemon_has(time, sizes);
  }
}

void NamesModel::promise_unmounted(uint64_t time) {
  promise_all(time, true);
  std::lock_guard lock(mutex_);
  for (auto& [id, node] : nodes_)
    if (node.content) node.content->promise_all(time);
}

std::vector<Name> NamesModel::names() const {
  std::lock_guard lock(mutex_);
  std::vector<Name> result;
  for (const auto& [name, entry] : entries_)
    if (entry.now() != 0) result.push_back(name);
  return result;
}

std::vector<NodeId> NamesModel::nodes_with_names(bool directories) const {
  std::lock_guard lock(mutex_);
  std::vector<NodeId> result;
  for (const auto& [id, node] : nodes_) {
    const bool has_name = id == kTop || !node.names.now().empty();
    if (node.is_dir == directories && has_name) result.push_back(id);
  }
  return result;
}

std::string NamesModel::path(NodeId id) const {
  std::lock_guard lock(mutex_);
  return id == kTop ? std::string() : path(*nodes_.at(id).names.now().begin());
}

std::string NamesModel::path(const Name& name) const {
  const std::string dir = path(name.dir);
  return dir.empty() ? name.name : dir + "/" + name.name;
}

bool NamesModel::is_below(NodeId node, NodeId ancestor) const {
  std::lock_guard lock(mutex_);
  if (node == ancestor) return true;
  return node != kTop && is_below(nodes_.at(node).names.now().begin()->dir, ancestor);
}

bool NamesModel::is_empty(NodeId dir) const {
  std::lock_guard lock(mutex_);
  return std::none_of(entries_.begin(), entries_.end(),
                      [&](const auto& entry) { return entry.first.dir == dir && entry.second.now() != 0; });
}

}  // namespace butterfuse::seams
