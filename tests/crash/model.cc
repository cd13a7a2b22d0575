// SPDX-License-Identifier: GPL-2.0-or-later
// Model: applying changes, and forgetting the past where durability was promised.
#include "tests/crash/model.h"

#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/stat.h>

#include <algorithm>

namespace butterfuse::crash {

bool ModelInode::is_dir() const { return S_ISDIR(mode); }
bool ModelInode::is_file() const { return S_ISREG(mode); }
bool ModelInode::in_place() const {
  return std::any_of(flag_states.begin(), flag_states.end(),
                     [](uint32_t state) { return (state & FS_NOCOW_FL) != 0; });
}

std::string Change::to_text() const {
  static constexpr const char* kNames[] = {"create",    "link",      "unlink",       "rename", "exchange",
                                           "write",     "replace",   "clear",        "resize", "set_mode",
                                           "set_flags", "set_xattr", "remove_xattr", "fsync",  "sync"};
  std::string out = fmt::format("{} inode {}", kNames[static_cast<int>(kind)], ino);
  if (!name.empty()) out += fmt::format(" '{}' in {}", name, dir);
  if (!to_name.empty()) out += fmt::format(" to '{}' in {}", to_name, to_dir);
  if (kind == Kind::write) out += fmt::format(" {} bytes at {}", text.size(), offset);
  if (kind == Kind::clear || kind == Kind::resize) out += fmt::format(" {} bytes at {}", length, offset);
  if (kind == Kind::set_flags) out += fmt::format(" {:#x}", flags);
  return out;
}

Model::Model(uint64_t root) : root_(root) {
  ModelInode& inode = inodes_[root];
  inode.ino = root;
  inode.mode = S_IFDIR | 0755;
  make_durable(inode);
}

Model::Model(const FoundTree& found) : root_(found.root) {
  for (const auto& [ino, there] : found.inodes) {
    ModelInode& inode = inodes_[ino];
    inode.ino = ino, inode.mode = there.mode, inode.flags = there.flags;
    inode.content = there.content, inode.xattrs = there.xattrs;
    inode.names = there.names, inode.entries = there.entries;
    inode.data_synced = true;
    make_durable(inode);
  }
}

void Model::add_name(uint64_t dir, const std::string& name, uint64_t ino) {
  ModelInode& directory = inodes_.at(dir);
  auto [history, fresh] = directory.entry_history.try_emplace(name);
  if (fresh) history->second.insert(0);
  history->second.insert(ino);
  directory.entries[name] = ino;
  ModelInode& inode = inodes_.at(ino);
  inode.names.insert({dir, name});
  inode.past_names.insert({dir, name});
}

void Model::drop_name(uint64_t dir, const std::string& name) {
  ModelInode& directory = inodes_.at(dir);
  const auto entry = directory.entries.find(name);
  if (entry == directory.entries.end()) return;
  inodes_.at(entry->second).names.erase({dir, name});
  directory.entry_history[name].insert(0);
  directory.entries.erase(entry);
}

void Model::set_content(ModelInode& inode, std::string content) {
  inode.content = std::move(content);
  inode.contents.push_back(inode.content);
}

void Model::apply(const Change& change) {
  using Kind = Change::Kind;
  if (change.kind == Kind::create) {
    ModelInode& inode = inodes_[change.ino];
    inode = {};
    inode.ino = change.ino, inode.mode = change.mode, inode.content = change.text;
    inode.flags = change.flags;
    inode.contents = {inode.content}, inode.modes = {inode.mode}, inode.xattr_states = {{}};
    inode.flag_states = {inode.flags};
    return add_name(change.dir, change.name, change.ino);
  }
  if (change.kind == Kind::sync) return;
  ModelInode& inode = inodes_.at(change.ino);
  switch (change.kind) {
    case Kind::link:
      return add_name(change.dir, change.name, change.ino);
    case Kind::unlink:
      return drop_name(change.dir, change.name);
    case Kind::rename: {
      // The new name never goes through "absent": it is the old or the new inode's.
      ModelInode& to = inodes_.at(change.to_dir);
      if (auto victim = to.entries.find(change.to_name); victim != to.entries.end())
        inodes_.at(victim->second).names.erase({change.to_dir, change.to_name});
      drop_name(change.dir, change.name);
      return add_name(change.to_dir, change.to_name, change.ino);
    }
    case Kind::exchange: {
      const uint64_t other = inodes_.at(change.to_dir).entries.at(change.to_name);
      inode.names.erase({change.dir, change.name});
      inodes_.at(other).names.erase({change.to_dir, change.to_name});
      add_name(change.to_dir, change.to_name, change.ino);
      return add_name(change.dir, change.name, other);
    }
    case Kind::write: {
      std::string content = inode.content;
      if (content.size() < change.offset + change.text.size())
        content.resize(change.offset + change.text.size());
      return set_content(inode, content.replace(change.offset, change.text.size(), change.text));
    }
    case Kind::replace:
      return set_content(inode, change.text);
    case Kind::clear: {
      std::string content = inode.content;
      const uint64_t end = std::min<uint64_t>(content.size(), change.offset + change.length);
      if (change.offset < end) content.replace(change.offset, end - change.offset, end - change.offset, '\0');
      return set_content(inode, std::move(content));
    }
    case Kind::resize: {
      std::string content = inode.content;
      content.resize(change.length);
      return set_content(inode, std::move(content));
    }
    case Kind::set_mode:
      inode.mode = (inode.mode & S_IFMT) | change.mode;
      inode.modes.insert(inode.mode);
      return;
    case Kind::set_flags:
      inode.flags = change.flags;
      inode.flag_states.insert(inode.flags);
      return;
    case Kind::set_xattr:
      inode.xattrs[change.name] = change.text;
      inode.xattr_states.push_back(inode.xattrs);
      return;
    case Kind::remove_xattr:
      inode.xattrs.erase(change.name);
      inode.xattr_states.push_back(inode.xattrs);
      return;
    default:
      return;
  }
}

void Model::make_durable(ModelInode& inode) {
  inode.durable = true;
  inode.contents = {inode.content};
  inode.modes = {inode.mode};
  inode.flag_states = {inode.flags};
  inode.xattr_states = {inode.xattrs};
  inode.past_names = inode.names;
  inode.entry_history.clear();
  for (const auto& [name, ino] : inode.entries) inode.entry_history[name] = {ino};
}

// A directory's fsync makes its entries durable, and that their inodes exist, but not what is in these.
void Model::acknowledge(const Change& change) {
  if (change.kind == Change::Kind::sync) {
    for (auto& [ino, inode] : inodes_) {
      make_durable(inode);
      inode.durable = ino == root_ || !inode.names.empty();
      inode.data_synced = true;
    }
  }
  if (change.kind != Change::Kind::fsync) return;
  ModelInode& inode = inodes_.at(change.ino);
  make_durable(inode);
  inode.data_synced = true;
  for (const auto& [name, ino] : inode.entries) inodes_.at(ino).durable = true;
}

}  // namespace butterfuse::crash
