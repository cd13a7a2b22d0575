// SPDX-License-Identifier: GPL-2.0-or-later
// NameProgram: choosing calls, and comparing what they show with the model.
#include "tests/simkernel/name_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/stat.h>

#include <algorithm>

namespace butterfuse::simkernel {
namespace {

constexpr size_t kFileMax = 60'000;
constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace

using crash::Change;
using crash::ModelInode;

NameProgram::NameProgram(SimThreads& sim, Trace& trace, FuseChannel& channel, SimKernel& kernel,
                         uint64_t folder, uint64_t ino, const NameShape& shape, uint64_t seed)
    : sim_(sim),
      trace_(trace),
      kernel_(kernel),
      folder_(folder),
      shape_(shape),
      random_(seed),
      names_(sim, channel, kernel, folder),
      model_(ino) {}

void NameProgram::run() {
  for (int i = 0; i < shape_.operations && names_.problems().empty(); ++i) step();
  if (names_.problems().empty()) compare_dir(model_.root());
}

void NameProgram::step() {
  if (random(100) < static_cast<uint64_t>(shape_.fsync_percent)) return fsync();
  static constexpr struct {
    int weight;
    void (*act)(NameProgram&);
  } kCalls[] = {
      {18, [](NameProgram& p) { p.create(false); }},
      {5, [](NameProgram& p) { p.create(true); }},
      {8, [](NameProgram& p) { p.link(); }},
      {12, [](NameProgram& p) { p.unlink(); }},
      {14, [](NameProgram& p) { p.rename(); }},
      {4, [](NameProgram& p) { p.exchange(); }},
      {16, [](NameProgram& p) { p.write(); }},
      {5, [](NameProgram& p) { p.truncate(); }},
      {7, [](NameProgram& p) { p.set_flags(); }},
      {2, [](NameProgram& p) { p.sync(); }},
      {10, [](NameProgram& p) { p.compare(); }},
      {8, [](NameProgram& p) { p.names_.drop_some(); }},
      {4, [](NameProgram& p) { p.sim_.sleep_ns(p.random(p.random(4) == 0 ? 3000 : 1) * kNsPerMs); }}};
  int total = 0;
  for (const auto& call : kCalls) total += call.weight;
  int left = static_cast<int>(random(static_cast<uint64_t>(total)));
  for (const auto& call : kCalls) {
    left -= call.weight;
    if (left < 0) return call.act(*this);
  }
}

// ---- steps ----

uint64_t NameProgram::now() {
  const SimThreads::Steady steady(sim_);
  return trace_.mark("ack");
}

void NameProgram::push(const Change& change, uint64_t begun, uint64_t ended) {
  steps_.push_back({.change = change, .begun = begun, .ended = ended});
}

template <class Work>
void NameProgram::perform(Change change, Work&& work) {
  const uint64_t begun = now();
  work(change);
  const uint64_t ended = now();
  model_.apply(change);
  push(change, begun, ended);
  switch (change.kind) {
    case Kind::write:
    case Kind::resize:
      // Of its writeback cache the kernel sends nothing for a flag that only the daemon knows.
      if (change.kind == Kind::write && !shape_.writeback_cache && is_synchronous(change.ino))
        promise({.kind = Kind::fsync, .ino = change.ino}, ended);
      return;
    case Kind::create:
    case Kind::link:
    case Kind::unlink:
    case Kind::rename:
    case Kind::exchange:
      for (const uint64_t dir : {change.dir, change.to_dir})
        if (dir != 0 && is_synchronous(dir)) promise({.kind = Kind::fsync, .ino = dir}, ended);
      return;
    case Kind::fsync:
    case Kind::sync:
      return model_.acknowledge(change);
    default:
      return;
  }
}

void NameProgram::promise(const Change& change, uint64_t ended) {
  push(change, ended, ended);
  model_.acknowledge(change);
}

bool NameProgram::is_synchronous(uint64_t ino) const { return (model_.at(ino).flags & FS_SYNC_FL) != 0; }

// ---- choosing ----

uint64_t NameProgram::pick(bool (ModelInode::*kind)() const) {
  std::vector<uint64_t> list;
  for (const auto& [ino, inode] : model_.inodes())
    if ((inode.*kind)() && (!inode.names.empty() || ino == model_.root())) list.push_back(ino);
  return list.empty() ? 0 : list[random(list.size())];
}

std::pair<uint64_t, std::string> NameProgram::pick_name(uint64_t ino) {
  const auto& names = model_.at(ino).names;
  return *std::next(names.begin(), static_cast<std::ptrdiff_t>(random(names.size())));
}

std::string NameProgram::new_name() { return std::string(1, static_cast<char>('a' + random(6))); }

bool NameProgram::is_below(uint64_t dir, uint64_t ancestor) const {
  while (dir != model_.root()) {
    if (dir == ancestor) return true;
    dir = model_.at(dir).names.begin()->first;
  }
  return ancestor == model_.root();
}

SimNode* NameProgram::node_of(uint64_t ino) {
  const auto [dir, name] = pick_name(ino);
  SimNode* found = names_.look_up(spot_of(dir, name));
  if (found != nullptr && found->ino == ino) return found;
  names_.complain(fmt::format("'{}' in {} is inode {}, not {}", name, dir, found ? found->ino : 0, ino));
  return nullptr;
}

// By name from the top: who drops entries may find the node of a directory forgotten.
NameProgram::Spot NameProgram::spot_of(uint64_t dir, const std::string& name) {
  if (dir == model_.root()) return {folder_, name};
  const SimNode* node = node_of(dir);
  return {node == nullptr ? folder_ : node->node, name};
}

// ---- names ----

void NameProgram::create(bool is_dir) {
  const uint64_t dir = pick(&ModelInode::is_dir);
  const std::string name = new_name();
  if (model_.at(dir).entries.contains(name)) return;
  const Spot spot = spot_of(dir, name);
  if (names_.look_up(spot) != nullptr) return names_.complain(fmt::format("'{}' in {} is there", name, dir));
  SimNode* made = nullptr;
  // What it was called nobody knows before the answer.
  perform(
      {.kind = Kind::create, .dir = dir, .name = name, .mode = is_dir ? S_IFDIR | 0755u : S_IFREG | 0644u},
      [&](Change& change) {
        made = is_dir ? names_.make_dir(spot) : names_.create(spot);
        if (made == nullptr) return;
        change.ino = made->ino;
        change.flags = names_.flags(*made);
      });
}

void NameProgram::link() {
  const uint64_t ino = pick(&ModelInode::is_file), dir = pick(&ModelInode::is_dir);
  const std::string name = new_name();
  if (ino == 0 || model_.at(dir).entries.contains(name)) return;
  const Spot spot = spot_of(dir, name);
  const SimNode* node = node_of(ino);
  if (node == nullptr) return;
  perform({.kind = Kind::link, .ino = ino, .dir = dir, .name = name},
          [&](Change&) { names_.link(*node, spot); });
}

// Of some files that have lost their last name a descriptor stays open for a while.
void NameProgram::unlink() {
  const bool is_dir = random(4) == 0;
  const uint64_t ino = is_dir ? pick(&ModelInode::is_dir) : pick(&ModelInode::is_file);
  if (ino == 0 || ino == model_.root() || !model_.at(ino).entries.empty()) return;
  const auto [dir, name] = pick_name(ino);
  const Spot spot = spot_of(dir, name);
  const SimNode* node = node_of(ino);
  if (node == nullptr) return;
  SimFile* open = !is_dir && random(3) == 0 ? &kernel_.open(*node->file) : nullptr;
  names_.look_up(spot);
  perform({.kind = Kind::unlink, .ino = ino, .dir = dir, .name = name},
          [&](Change&) { names_.remove(spot, is_dir); });
  if (open == nullptr) return;
  if (model_.at(ino).names.empty()) {
    kernel_.write(*open, random(node->file->size + 1), std::string(1 + random(5000), 'u'), false);
    kernel_.read(*open, 0, node->file->size + 1);
  }
  kernel_.close(*open);
}

void NameProgram::rename() {
  const uint64_t ino = random(4) == 0 ? pick(&ModelInode::is_dir) : pick(&ModelInode::is_file);
  if (ino == 0 || ino == model_.root()) return;
  const auto [dir, name] = pick_name(ino);
  const uint64_t to_dir = random(2) ? dir : pick(&ModelInode::is_dir);
  const std::string to_name = new_name();
  const ModelInode& moved = model_.at(ino);
  if (moved.is_dir() && is_below(to_dir, ino)) return;
  if (auto victim = model_.at(to_dir).entries.find(to_name); victim != model_.at(to_dir).entries.end()) {
    const ModelInode& old = model_.at(victim->second);
    if (old.ino == ino || old.is_dir() != moved.is_dir() || !old.entries.empty()) return;
  }
  const Spot from = spot_of(dir, name), to = spot_of(to_dir, to_name);
  names_.look_up(from), names_.look_up(to);
  perform({.kind = Kind::rename, .ino = ino, .dir = dir, .to_dir = to_dir, .name = name, .to_name = to_name},
          [&](Change&) { names_.rename(from, to, 0); });
}

void NameProgram::exchange() {
  const uint64_t ino = pick(&ModelInode::is_file), other = pick(&ModelInode::is_file);
  if (ino == 0 || ino == other) return;
  const auto [dir, name] = pick_name(ino);
  const auto [to_dir, to_name] = pick_name(other);
  const Spot from = spot_of(dir, name), to = spot_of(to_dir, to_name);
  names_.look_up(from), names_.look_up(to);
  perform(
      {.kind = Kind::exchange, .ino = ino, .dir = dir, .to_dir = to_dir, .name = name, .to_name = to_name},
      [&](Change&) { names_.rename(from, to, RENAME_EXCHANGE); });
}

// ---- content and attributes ----

void NameProgram::write() {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0) return;
  const SimNode* node = node_of(ino);
  const uint64_t size = model_.at(ino).content.size();
  if (node == nullptr || size > kFileMax) return;
  const uint64_t offset = random(3) == 0 ? random(size + 1) : size;
  std::string text(1 + random(random(2) ? 200 : 9000), static_cast<char>('A' + random(26)));
  perform({.kind = Kind::write, .ino = ino, .offset = offset, .text = text}, [&](Change&) {
    SimFile& file = kernel_.open(*node->file);
    kernel_.write(file, offset, text, false);
    kernel_.close(file);
  });
}

void NameProgram::truncate() {
  const uint64_t ino = pick(&ModelInode::is_file);
  if (ino == 0) return;
  const SimNode* node = node_of(ino);
  if (node == nullptr) return;
  const uint64_t size = model_.at(ino).content.size(), length = random(2) ? 0 : random(size + 5000);
  perform({.kind = Kind::resize, .ino = ino, .length = length}, [&](Change&) {
    SimFile& file = kernel_.open(*node->file);
    kernel_.truncate(file, length);
    kernel_.close(file);
  });
}

void NameProgram::fsync() {
  const uint64_t ino = random(3) == 0 ? pick(&ModelInode::is_dir) : pick(&ModelInode::is_file);
  if (ino == 0) return;
  const SimNode* node = ino == model_.root() ? nullptr : node_of(ino);
  if (ino != model_.root() && node == nullptr) return;
  perform({.kind = Kind::fsync, .ino = ino}, [&](Change&) {
    if (node == nullptr || node->file == nullptr)
      return names_.sync_dir(node == nullptr ? folder_ : node->node);
    SimFile& file = kernel_.open(*node->file);
    kernel_.sync(file);
    kernel_.close(file);
  });
}

// What is dirty in the kernel's writeback cache the daemon can't sync.
void NameProgram::sync() {
  if (shape_.writeback_cache) return;
  const uint64_t ino = pick(&ModelInode::is_file);
  const SimNode* node = ino == 0 ? nullptr : node_of(ino);
  if (node == nullptr) return;
  perform({.kind = Kind::sync}, [&](Change&) {
    SimFile& file = kernel_.open(*node->file);
    kernel_.commit(file);
    kernel_.close(file);
  });
}

// C of a file changes while it is empty, and from C to c or m leads no way but over neither.
void NameProgram::set_flags() {
  const uint64_t ino = random(3) ? pick(&ModelInode::is_file) : pick(&ModelInode::is_dir);
  if (ino == 0 || ino == model_.root()) return;
  const SimNode* node = node_of(ino);
  if (node == nullptr) return;
  static constexpr uint32_t kForms[] = {0, FS_NOCOW_FL, FS_NOCOW_FL, FS_COMPR_FL, FS_NOCOMP_FL};
  static constexpr uint32_t kOthers[] = {0, FS_NOATIME_FL, FS_SYNC_FL, FS_SYNC_FL};
  const ModelInode& target = model_.at(ino);
  uint32_t form = kForms[random(5)];
  const bool is_nocow = target.flags & FS_NOCOW_FL, has_codec = target.flags & (FS_COMPR_FL | FS_NOCOMP_FL);
  if (is_nocow && (form != 0 || !target.content.empty())) form = FS_NOCOW_FL;
  if (form == FS_NOCOW_FL && !is_nocow && (has_codec || !target.content.empty())) form = 0;
  perform({.kind = Kind::set_flags, .ino = ino, .flags = form | kOthers[random(4)]}, [&](Change& change) {
    names_.set_flags(*node, change.flags);
    const uint32_t found = names_.flags(*node);
    if (found != change.flags)
      names_.complain(fmt::format("inode {} has flags {:#x}, set were {:#x}", ino, found, change.flags));
  });
}

// ---- what is shown ----

void NameProgram::compare() {
  if (random(3) == 0) return compare_dir(pick(&ModelInode::is_dir));
  if (random(2) == 0) {
    const uint64_t dir = pick(&ModelInode::is_dir);
    const std::string name = new_name();
    const auto entry = model_.at(dir).entries.find(name);
    const uint64_t wanted = entry == model_.at(dir).entries.end() ? 0 : entry->second;
    const SimNode* found = names_.look_up(spot_of(dir, name));
    if ((found ? found->ino : 0) != wanted)
      names_.complain(
          fmt::format("'{}' in {} is inode {}, not {}", name, dir, found ? found->ino : 0, wanted));
    return;
  }
  const uint64_t ino = pick(&ModelInode::is_file);
  const SimNode* node = ino == 0 ? nullptr : node_of(ino);
  if (node == nullptr) return;
  const uint32_t links = names_.link_count(*node);
  if (links != model_.at(ino).names.size())
    names_.complain(fmt::format("inode {} has {} links, not {}", ino, links, model_.at(ino).names.size()));
  SimFile& file = kernel_.open(*node->file);
  kernel_.read(file, 0, node->file->size + 1);
  kernel_.close(file);
}

void NameProgram::compare_dir(uint64_t dir) {
  const SimNode* node = dir == model_.root() ? nullptr : node_of(dir);
  if (dir != model_.root() && node == nullptr) return;
  const auto found = names_.list(node == nullptr ? folder_ : node->node);
  if (found != model_.at(dir).entries)
    names_.complain(fmt::format("directory {} lists {} names, not {}, or others", dir, found.size(),
                                model_.at(dir).entries.size()));
}

}  // namespace butterfuse::simkernel
