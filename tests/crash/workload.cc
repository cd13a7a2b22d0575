// SPDX-License-Identifier: GPL-2.0-or-later
// Workload: choosing operations that must succeed, and making them.
#include "tests/crash/workload.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "fs/control/inode_flags.h"
#include "fs/data/file.h"
#include "fs/names/create.h"
#include "fs/names/link.h"
#include "fs/names/rename.h"
#include "fs/names/unlink.h"
#include "tests/crash/failing_new.h"
#include "tests/crash/work_folder.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::crash {
Workload::Workload(Mount& mount, Trace& trace, uint64_t seed)
    : mount_(mount), trace_(trace), random_(seed), model_(must(work_folder(mount))->ino()) {}

Workload::Workload(Mount& mount, Trace& trace, uint64_t seed, const FoundTree& found)
    : mount_(mount), trace_(trace), random_(seed), model_(found) {}

Status Workload::run(const WorkloadShape& shape) {
  max_bytes_ = shape.max_bytes;
  may_fill_ = shape.may_fill, full_ = shape.full, names_ = shape.names;
  for (int i = 0; i < shape.setup && status_; ++i) step(0);
  if (status_) sync();
  for (int i = 0; i < shape.operations && status_; ++i) step(shape.fsync_percent);
  return status_;
}

void Workload::step(int fsync_percent) {
  if (random(100) < static_cast<uint32_t>(fsync_percent)) {
    const uint32_t what = random(10);
    if (what == 0) return sync();
    return fsync(what < 3 ? pick(&ModelInode::is_dir) : pick(&ModelInode::is_file));
  }
  static constexpr struct {
    int weight;
    void (*act)(Workload&);
  } kOperations[] = {{20, [](Workload& w) { w.create(); }},     {14, [](Workload& w) { w.write(true); }},
                     {12, [](Workload& w) { w.write(false); }}, {8, [](Workload& w) { w.resize(); }},
                     {5, [](Workload& w) { w.preallocate(); }}, {5, [](Workload& w) { w.punch(); }},
                     {4, [](Workload& w) { w.clone(); }},       {4, [](Workload& w) { w.copy(); }},
                     {3, [](Workload& w) { w.zero(); }},        {1, [](Workload& w) { w.defragment(); }},
                     {4, [](Workload& w) { w.set_flags(); }},   {4, [](Workload& w) { w.read(); }},
                     {8, [](Workload& w) { w.unlink(); }},      {6, [](Workload& w) { w.link(); }},
                     {12, [](Workload& w) { w.rename(); }},     {3, [](Workload& w) { w.exchange(); }},
                     {3, [](Workload& w) { w.set_mode(); }},    {5, [](Workload& w) { w.set_xattr(); }}};
  int total = 0;
  for (const auto& operation : kOperations) total += operation.weight;
  int left = static_cast<int>(random(static_cast<uint32_t>(total)));
  for (const auto& operation : kOperations) {
    left -= operation.weight;
    if (left < 0) return operation.act(*this);
  }
}

void Workload::perform(Change change, const std::function<Status(Change&)>& work) {
  Step step;
  step.begun = trace_.mark("begin");
  Status done;
  try {
    const FailingNew counted;
    done = work(change);
  } catch (const std::exception& error) {  // an inode that can't be had
    done = make_error(EIO, "{}", error.what());
  }
  if (!done && done.error().code == ENOSPC && may_fill_) {
    ++refused_;
    if (full_) note_refused(change, step.begun);
    return;
  }
  if (done) {
    const bool promises = change.kind == Kind::fsync || change.kind == Kind::sync;
    step.ended = trace_.mark(promises ? "ack" : "end");
    model_.apply(change);
  } else {
    status_ = make_error(done.error().code, "{}: {}", change.to_text(), done.error().message);
    if (change.kind == Kind::create) return;  // what it would have been called nobody knows
  }
  step.change = std::move(change);
  steps_.push_back(std::move(step));
}

// An operation that space stopped may have done a part.
void Workload::note_refused(const Change& change, uint64_t begun) {
  Change found{.kind = Kind::replace, .ino = change.ino};
  if (change.kind == Kind::set_flags) {
    found.kind = Kind::set_flags;
    found.flags = get_fs_flags(*inode(change.ino));
  } else if (change.kind == Kind::write || change.kind == Kind::clear || change.kind == Kind::resize) {
    auto content = content_of(change.ino);
    if (!content) {
      status_ = make_error(content.error().code, "after {}: {}", change.to_text(), content.error().message);
      return;
    }
    if (*content == model_.at(change.ino).content) return;
    found.text = std::move(*content);
  } else {
    return;
  }
  model_.apply(found);
  steps_.push_back({.change = std::move(found), .begun = begun, .ended = trace_.mark("end")});
}

InodePtr Workload::inode(uint64_t ino) {
  return must(mount_.inodes().get({mount_.root().key().root_id, ino}));
}

uint64_t Workload::pick(bool (ModelInode::*kind)() const) {
  std::vector<uint64_t> list;
  for (const auto& [ino, inode] : model_.inodes())
    if ((inode.*kind)() && (!inode.names.empty() || ino == model_.root())) list.push_back(ino);
  return list.empty() ? 0 : list[random(static_cast<uint32_t>(list.size()))];
}

std::pair<uint64_t, std::string> Workload::pick_name(uint64_t ino) {
  const auto& names = model_.at(ino).names;
  return *std::next(names.begin(), random(static_cast<uint32_t>(names.size())));
}

std::string Workload::new_name() {
  const uint32_t number = random(static_cast<uint32_t>(names_));
  std::string name(1, static_cast<char>('a' + number % 26));
  if (number >= 26) name += std::to_string(number / 26);
  if (random(8) == 0) name += std::string(100, 'x');
  return name;
}

std::string Workload::data() {
  static constexpr uint32_t kLengths[] = {1, 100, 3000, 4096, 8192, 20'000};
  const uint32_t length = random(4) == 0 ? 1 + random(max_bytes_) : kLengths[random(6)];
  std::string text(length, static_cast<char>('A' + random(26)));
  if (random(2))
    for (char& c : text) c = static_cast<char>(random_());
  return text;
}

bool Workload::is_below(uint64_t dir, uint64_t ancestor) const {
  while (dir != model_.root()) {
    if (dir == ancestor) return true;
    dir = model_.at(dir).names.begin()->first;
  }
  return ancestor == model_.root();
}

// ---- durability ----

void Workload::sync() {
  perform({.kind = Kind::sync}, [&](Change&) { return mount_.sync(); });
}

void Workload::fsync(uint64_t ino) {
  if (ino == 0) return;
  perform({.kind = Kind::fsync, .ino = ino}, [&](Change&) -> Status {
    InodePtr target = inode(ino);
    if (target->is_dir()) return mount_.make_durable(*target);
    BF_ASSIGN(auto file, open_file(mount_, std::move(target), O_RDWR, {}));
    return sync_file(mount_, *file);
  });
}

// ---- names ----

void Workload::create() {
  const uint64_t dir = pick(&ModelInode::is_dir);
  const std::string name = new_name();
  if (model_.at(dir).entries.contains(name)) return;
  const uint32_t what = random(10);
  Change change{.kind = Kind::create, .dir = dir, .name = name, .mode = S_IFREG | 0644};
  if (what == 0) change.mode = S_IFLNK | 0777, change.text = "target of " + name;
  if (what == 1 || what == 2) change.mode = S_IFDIR | 0755;
  perform(change, [&](Change& made) -> Status {
    const NewInode wanted{.mode = made.mode, .target = made.text};
    BF_ASSIGN(InodePtr fresh, butterfuse::create(mount_, *inode(dir), name, wanted, {}));
    made.ino = fresh->ino();
    made.flags = get_fs_flags(*fresh);
    return {};
  });
}

void Workload::link() {
  const uint64_t ino = pick(&ModelInode::is_file), dir = pick(&ModelInode::is_dir);
  const std::string name = new_name();
  if (ino == 0 || model_.at(dir).entries.contains(name)) return;
  perform({.kind = Kind::link, .ino = ino, .dir = dir, .name = name},
          [&](Change&) { return butterfuse::link(mount_, *inode(ino), *inode(dir), name); });
}

void Workload::unlink() {
  const bool is_dir = random(5) == 0;
  const uint64_t ino = is_dir ? pick(&ModelInode::is_dir) : pick(&ModelInode::is_file);
  if (ino == 0 || ino == model_.root() || !model_.at(ino).entries.empty()) return;
  const auto [dir, name] = pick_name(ino);
  perform({.kind = Kind::unlink, .ino = ino, .dir = dir, .name = name}, [&, dir = dir, name = name](Change&) {
    return is_dir ? rmdir(mount_, *inode(dir), name) : butterfuse::unlink(mount_, *inode(dir), name);
  });
}

void Workload::rename() {
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
  perform({.kind = Kind::rename, .ino = ino, .dir = dir, .to_dir = to_dir, .name = name, .to_name = to_name},
          [&, dir = dir, name = name](Change&) {
            InodePtr from = inode(dir), to = inode(to_dir);
            return butterfuse::rename(
                mount_, {.old_dir = *from, .old_name = name, .new_dir = *to, .new_name = to_name});
          });
}

void Workload::exchange() {
  const uint64_t ino = pick(&ModelInode::is_file), other = pick(&ModelInode::is_file);
  if (ino == 0 || ino == other) return;
  const auto [dir, name] = pick_name(ino);
  const auto [to_dir, to_name] = pick_name(other);
  perform(
      {.kind = Kind::exchange, .ino = ino, .dir = dir, .to_dir = to_dir, .name = name, .to_name = to_name},
      [&, dir = dir, name = name, to_dir = to_dir, to_name = to_name](Change&) {
        InodePtr from = inode(dir), to = inode(to_dir);
        return butterfuse::rename(mount_, {.old_dir = *from,
                                           .old_name = name,
                                           .new_dir = *to,
                                           .new_name = to_name,
                                           .flags = RENAME_EXCHANGE});
      });
}

}  // namespace butterfuse::crash
