// SPDX-License-Identifier: GPL-2.0-or-later
// NameWorker: calls on names.
#include "tests/seams/name_worker.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace butterfuse::seams {
namespace {

uint64_t ino_of(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 ? info.st_ino : 0;
}

}  // namespace

void NameWorker::step() {
  switch (random_.pick_weighted({14, 3, 4, 12, 3, 6, 9, 2, 6, 14, 4, 4, 14, 8, 3, 2, 3, 2})) {
    case 0:
      return create();
    case 1:
      return make_directory();
    case 2:
      return tmpfile();
    case 3:
      return rename();
    case 4:
      return exchange();
    case 5:
      return link();
    case 6:
      return unlink();
    case 7:
      return remove_directory();
    case 8:
      return replace();
    case 9:
      return write_file();
    case 10:
      return truncate_file();
    case 11:
      return copy_file();
    case 12:
      return sync_file();
    case 13:
      return sync_directory();
    case 14:
      return list();
    case 15:
      return commit();
    case 16:
      if (const auto file = pick_file()) chattr(target(*file));
      return;
    default:
      return forget_descriptor();
  }
}

void NameWorker::close_all() {
  for (const auto& [node, fd] : fds_) close(fd);
  fds_.clear();
}

std::string NameWorker::path(NodeId node) const { return life_.path(folder_.name + "/" + model_.path(node)); }

Name NameWorker::new_name() {
  const auto dirs = model_.nodes_with_names(true);
  return {random_.pick(dirs), random_.pick<const char*>({"a", "b", "c", "d", "e", "f", "g", "h"})};
}

std::optional<Name> NameWorker::pick_name(bool directories) {
  std::vector<Name> names;
  for (const Name& name : model_.names())
    if (model_.node(model_.at(name)).is_dir == directories) names.push_back(name);
  return names.empty() ? std::nullopt : std::optional(random_.pick(names));
}

// One with a name, or with none and open.
std::optional<NodeId> NameWorker::pick_file() {
  if (last_written_ && random_.chance(30) &&
      (fds_.contains(*last_written_) || model_.has_names(*last_written_)))
    return last_written_;
  auto files = model_.nodes_with_names(false);
  for (const auto& [node, fd] : fds_)
    if (!model_.has_names(node)) files.push_back(node);
  return files.empty() ? std::nullopt : std::optional(random_.pick(files));
}

int NameWorker::fd(NodeId file) {
  auto [entry, fresh] = fds_.try_emplace(file, -1);
  if (!fresh) return entry->second;
  const std::string place = path(file);
  const Called called = call("open " + place.substr(life_.path("").size()),
                             [&] { return or_errno(open(place.c_str(), O_RDWR | O_CLOEXEC)); });
  if (!called.ok()) {
    fds_.erase(entry);
    check(called, "open " + place);
    throw Over{};
  }
  return entry->second = static_cast<int>(called.result);
}

Target NameWorker::target(NodeId file) {
  const Node& node = model_.node(file);
  return {!model_.has_names(file) ? fmt::format("{}/(inode {})", folder_.name, node.ino)
                                  : folder_.name + "/" + model_.path(file),
          node.content.get(), fd(file)};
}

bool NameWorker::change_names(const std::string& what, const Changes& changes,
                              const std::vector<NodeId>& synced, const std::function<long()>& f) {
  model_.begin(changes);
  const Called called = call(what, f);
  model_.end(called.ok(), life_.clock);
  check(called, what);
  if (called.ok() && life_.setting.dirsync)
    for (const NodeId dir : synced) model_.promise_entries(dir, life_.clock.tick());
  return called.ok();
}

void NameWorker::create() {
  const Name name = new_name();
  if (model_.at(name) != 0) return;
  const NodeId node = model_.add_node(false);
  const std::string place = path(name);
  int made = -1;
  const bool done = change_names("create " + shown(name), {{name, node}}, {name.dir}, [&] {
    made = open(place.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    return or_errno(made);
  });
  if (!done) return;
  fds_[node] = made;
  model_.set_ino(node, ino_of(made));
  if (random_.chance(70)) write(target(node), 0, random_.bytes(random_.length(20'000), stamp_), "write");
  if (random_.chance(30)) last_written_ = node;
}

void NameWorker::make_directory() {
  const Name name = new_name();
  if (model_.at(name) != 0 || model_.nodes_with_names(true).size() > 4) return;
  const NodeId node = model_.add_node(true);
  const std::string place = path(name);
  struct stat info {};
  const bool done = change_names("mkdir " + shown(name), {{name, node}}, {name.dir}, [&] {
    const long result = or_errno(mkdir(place.c_str(), 0755));
    return result == 0 ? or_errno(stat(place.c_str(), &info)) : result;
  });
  if (done) model_.set_ino(node, info.st_ino);
}

void NameWorker::tmpfile() {
  const Name name = new_name();
  const std::string dir = path(name.dir);
  const Called called = call("O_TMPFILE in " + folder_.name + "/" + model_.path(name.dir), [&] {
    return or_errno(open(dir.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0644));
  });
  check(called, "O_TMPFILE");
  if (!called.ok()) return;
  const NodeId node = model_.add_node(false);
  const int made = fds_[node] = static_cast<int>(called.result);
  model_.set_ino(node, ino_of(made));
  write(target(node), 0, random_.bytes(random_.length(20'000), stamp_), "write");
  if (random_.chance(30)) fsync(made);
  if (random_.chance(25) || model_.at(name) != 0) return;
  const std::string place = path(name);
  change_names(fmt::format("link inode {} to {}", model_.node(node).ino, shown(name)), {{name, node}},
               {name.dir}, [&] {
                 return or_errno(linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", made).c_str(), AT_FDCWD,
                                        place.c_str(), AT_SYMLINK_FOLLOW));
               });
}

void NameWorker::rename() {
  const auto from = pick_name(random_.chance(15));
  if (!from) return;
  const Name to = new_name();
  const NodeId node = model_.at(*from), victim = model_.at(to);
  const bool is_dir = model_.node(node).is_dir;
  if (node == victim || (is_dir && model_.is_below(to.dir, node))) return;
  if (victim != 0 && (model_.node(victim).is_dir != is_dir || (is_dir && !model_.is_empty(victim)))) return;
  const std::string source = path(*from), place = path(to);
  change_names(fmt::format("rename {} to {}", shown(*from), shown(to)), {{*from, 0}, {to, node}},
               {from->dir, to.dir}, [&] { return or_errno(::rename(source.c_str(), place.c_str())); });
}

void NameWorker::exchange() {
  const auto one = pick_name(false), other = pick_name(random_.chance(20));
  if (!one || !other || *one == *other) return;
  const NodeId a = model_.at(*one), b = model_.at(*other);
  if (a == b || (model_.node(b).is_dir && model_.is_below(one->dir, b))) return;
  const std::string source = path(*one), place = path(*other);
  change_names(
      fmt::format("exchange {} and {}", shown(*one), shown(*other)), {{*one, b}, {*other, a}},
      {one->dir, other->dir}, [&] {
        return or_errno(renameat2(AT_FDCWD, source.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE));
      });
}

void NameWorker::link() {
  const auto from = pick_name(false);
  const Name to = new_name();
  if (!from || model_.at(to) != 0) return;
  const std::string source = path(*from), place = path(to);
  change_names(fmt::format("link {} to {}", shown(*from), shown(to)), {{to, model_.at(*from)}}, {to.dir},
               [&] { return or_errno(::link(source.c_str(), place.c_str())); });
}

void NameWorker::unlink() {
  const auto name = pick_name(false);
  if (!name) return;
  const std::string place = path(*name);
  change_names("unlink " + shown(*name), {{*name, 0}}, {name->dir},
               [&] { return or_errno(::unlink(place.c_str())); });
}

void NameWorker::remove_directory() {
  const auto name = pick_name(true);
  if (!name || !model_.is_empty(model_.at(*name))) return;
  const std::string place = path(*name);
  change_names("rmdir " + shown(*name), {{*name, 0}}, {name->dir},
               [&] { return or_errno(rmdir(place.c_str())); });
}

void NameWorker::replace() {
  const auto old = pick_name(false);
  const Name fresh = new_name();
  if (!old || model_.at(fresh) != 0) return;
  const NodeId node = model_.add_node(false);
  const std::string place = path(fresh), target_place = path(*old);
  int made = -1;
  if (!change_names("create " + shown(fresh), {{fresh, node}}, {fresh.dir}, [&] {
        made = open(place.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        return or_errno(made);
      }))
    return;
  fds_[node] = made;
  model_.set_ino(node, ino_of(made));
  write(target(node), 0, random_.bytes(random_.length(20'000), stamp_), "write");
  last_written_ = node;
  if (random_.chance(50)) sync_file();
  change_names(fmt::format("rename {} to {}", shown(fresh), shown(*old)), {{fresh, 0}, {*old, node}},
               {fresh.dir, old->dir},
               [&] { return or_errno(::rename(place.c_str(), target_place.c_str())); });
}

void NameWorker::write_file() {
  const auto file = pick_file();
  if (!file) return;
  const Target to = target(*file);
  const uint64_t size = to.model->size();
  const uint64_t offset = random_.chance(50) ? size : random_.offset(0, size + 8000);
  const uint64_t length = random_.length(std::min<uint64_t>(40'000, to.model->capacity() - offset));
  if (offset + length > to.model->capacity()) return;
  write(to, offset, random_.bytes(length, stamp_), "write");
  last_written_ = *file;
}

void NameWorker::truncate_file() {
  const auto file = pick_file();
  if (!file) return;
  const Target to = target(*file);
  resize(to,
         random_.chance(30) ? 0 : random_.offset(0, std::min(to.model->size() + 9000, to.model->capacity())));
}

void NameWorker::copy_file() {
  const auto from = pick_file(), to = pick_file();
  if (!from || !to || *from == *to) return;
  const Target source = target(*from), place = target(*to);
  if (source.model->size() == 0) return;
  const uint64_t offset = random_.chance(50) ? 0 : random_.offset(0, source.model->size());
  const uint64_t to_offset = random_.chance(50) ? offset : random_.offset(0, place.model->size() + 5000);
  copy(source, offset, place, to_offset,
       std::min(random_.length(60'000), place.model->capacity() - to_offset));
}

void NameWorker::sync_file() {
  const auto file = pick_file();
  if (!file) return;
  const Target of = target(*file);
  const bool data_only = random_.chance(25);
  const std::string what = fmt::format("{} {}", data_only ? "fdatasync" : "fsync", of.name);
  const Called called = call(what, [&] { return or_errno(data_only ? fdatasync(of.fd) : fsync(of.fd)); });
  if (!called.ok()) return check(called, what);
  of.model->promise_all(called.begun);
  model_.promise_node(*file, called.begun);
  promised();
}

void NameWorker::sync_directory() {
  const NodeId dir = random_.pick(model_.nodes_with_names(true));
  const std::string place = path(dir), what = "fsync of directory " + folder_.name + "/" + model_.path(dir);
  const Called called = call(what, [&] {
    const int opened = open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return -static_cast<long>(errno);
    const long result = or_errno(fsync(opened));
    close(opened);
    return result;
  });
  if (!called.ok()) return check(called, what);
  model_.promise_node(dir, called.begun);
  model_.promise_entries(dir, called.begun);
  promised();
}

void NameWorker::list() {
  const NodeId dir = random_.pick(model_.nodes_with_names(true));
  const std::string place = path(dir), what = "list " + folder_.name + "/" + model_.path(dir);
  std::vector<std::string> found;
  const Called called = call(what, [&] {
    DIR* const stream = opendir(place.c_str());
    if (stream == nullptr) return -static_cast<long>(errno);
    errno = 0;
    while (const dirent* entry = readdir(stream))
      if (entry->d_name[0] != '.') found.emplace_back(entry->d_name);
    const long result = -static_cast<long>(errno);
    closedir(stream);
    return result;
  });
  check(called, what);
  if (!called.ok()) return;
  std::vector<std::string> expected;
  for (const Name& name : model_.names())
    if (name.dir == dir) expected.push_back(name.name);
  std::sort(found.begin(), found.end());
  if (found != expected && !life_.is_over())
    life_.complain(fmt::format("{}: {} names instead of {}", what, found.size(), expected.size()));
}

void NameWorker::forget_descriptor() {
  if (fds_.empty()) return;
  const auto entry = std::next(fds_.begin(), static_cast<std::ptrdiff_t>(random_.below(fds_.size())));
  call("close " + target(entry->first).name, [&] {
    close(entry->second);
    return 0L;
  });
  fds_.erase(entry);
}

}  // namespace butterfuse::seams
