// SPDX-License-Identifier: GPL-2.0-or-later
// FileModel: changes and promises.
#include "tests/seams/file_model.h"

#include <algorithm>

namespace butterfuse::seams {
namespace {

constexpr uint64_t kBlock = 4096;

std::string part_of(const std::string& content, Range range) {
  std::string part =
      range.start < content.size() ? content.substr(range.start, range.length()) : std::string();
  part.resize(range.length());
  return part;
}

bool is_zero(const std::string& bytes) { return bytes.find_first_not_of('\0') == std::string::npos; }

}  // namespace

FileModel::FileModel(std::vector<uint64_t> borders, uint64_t capacity, const std::string& content)
    : borders_(std::move(borders)), capacity_(capacity), size_({content.size()}) {
  for (uint64_t start = 0; start < capacity_;) {
    uint64_t end = std::min(capacity_, (start / kBlock + 1) * kBlock);
    for (const uint64_t border : borders_)
      if (start < border && border < end) end = border;
    Atom atom{.start = start, .length = static_cast<uint32_t>(end - start), .versions = {}};
    atom.versions.push_back({.bytes = part_of(content, {start, end}), .ended = 0});
    if (is_zero(atom.versions[0].bytes)) atom.versions[0].bytes.clear();
    atoms_.push_back(std::move(atom));
    start = end;
  }
}

Range FileModel::zone(size_t number) const {
  return {borders_[number], number + 1 < borders_.size() ? borders_[number + 1] : capacity_};
}

uint64_t FileModel::size() const {
  std::lock_guard lock(mutex_);
  return size_.now().bytes;
}

template <class F>
void FileModel::for_atoms(Range range, F&& f) {
  auto atom = std::partition_point(atoms_.begin(), atoms_.end(),
                                   [&](const Atom& a) { return a.start + a.length <= range.start; });
  for (; atom != atoms_.end() && atom->start < range.end; ++atom) f(*atom);
}

std::string FileModel::read(Range range) const {
  if (range.length() == 0) return {};
  std::string result(range.length(), '\0');
  const_cast<FileModel*>(this)->for_atoms(range, [&](const Atom& atom) {
    const std::string& bytes = atom.versions.back().bytes;
    if (bytes.empty()) return;
    const uint64_t from = std::max(range.start, atom.start);
    const uint64_t to = std::min(range.end, atom.start + atom.length);
    bytes.copy(result.data() + (from - range.start), to - from, from - atom.start);
  });
  return result;
}

std::string FileModel::expected(Range range) const {
  std::lock_guard lock(mutex_);
  range.end = std::min(range.end, size_.now().bytes);
  return read(range);
}

// Each atom gets a version in which the part of it that is in the range is replaced.
void FileModel::add_versions(const Pending& pending, const std::string& bytes, uint64_t ended) {
  const Range range = pending.range;
  for_atoms(range, [&](Atom& atom) {
    Atom::Version version{.bytes = atom.versions.back().bytes,
                          .ended = ended,
                          .loose = pending.loose,
                          .bond = pending.bond,
                          .size_step = size_.last_number(),
                          .cut_at = pending.new_size,
                          .grown_from = pending.old_size};
    version.bytes.resize(atom.length);
    if (version.bond == Atom::Bond::growth && atom.start + atom.length <= pending.old_size)
      version.bond = Atom::Bond::none;  // what it overwrites may still be the old
    const uint64_t from = std::max(range.start, atom.start);
    const uint64_t to = std::min(range.end, atom.start + atom.length);
    version.bytes.replace(from - atom.start, to - from, bytes, from - range.start, to - from);
    if (is_zero(version.bytes)) version.bytes.clear();
    atom.versions.push_back(std::move(version));
  });
}

void FileModel::note_size(uint64_t size, bool by_writing, uint64_t ended) {
  if (size != size_.now().bytes) size_.set({size, by_writing}, ended);
}

Pending FileModel::begin_write(uint64_t offset, std::string bytes, bool loose) {
  std::lock_guard lock(mutex_);
  Pending pending{.range = {offset, offset + bytes.size()}, .loose = loose};
  pending.before = read(pending.range);
  pending.after = std::move(bytes);
  pending.old_size = size_.now().bytes;
  pending.new_size = std::max(pending.old_size, pending.range.end);
  if (pending.new_size > pending.old_size) pending.bond = Atom::Bond::growth;
  note_size(pending.new_size, true, kUnended);
  add_versions(pending, pending.after, kUnended);
  return pending;
}

Pending FileModel::begin_clear(Range range, bool grows) {
  std::lock_guard lock(mutex_);
  Pending pending{.range = range};
  pending.before = read(range);
  pending.after.resize(range.length());
  pending.old_size = size_.now().bytes;
  pending.new_size = grows ? std::max(pending.old_size, range.end) : pending.old_size;
  note_size(pending.new_size, false, kUnended);
  add_versions(pending, pending.after, kUnended);
  return pending;
}

Pending FileModel::begin_resize(uint64_t size) {
  std::lock_guard lock(mutex_);
  const uint64_t old_size = size_.now().bytes;
  Pending pending{
      .range = {size, std::max(size, old_size)}, .old_size = old_size, .new_size = size, .resizes = true};
  pending.before = read(pending.range);
  pending.after.resize(pending.range.length());
  if (size < old_size) pending.bond = Atom::Bond::cut;
  note_size(size, false, kUnended);
  add_versions(pending, pending.after, kUnended);
  return pending;
}

void FileModel::end(const Pending& pending, Clock& clock) {
  std::lock_guard lock(mutex_);
  const uint64_t now = clock.tick();
  for_atoms(pending.range, [&](Atom& atom) { atom.versions.back().ended = now; });
  if (pending.new_size != pending.old_size) size_.end(now);
}

// What had begun stays possible as well: who knows how far it got.
void FileModel::end_after(const Pending& pending, uint64_t done, Clock& clock) {
  if (done > 0 && done >= pending.range.length()) return end(pending, clock);
  end(pending, clock);
  std::lock_guard lock(mutex_);
  const uint64_t now = clock.tick();
  if (pending.new_size != pending.old_size) {  // else another thread may be changing it
    const bool grew = done > 0 && pending.new_size > pending.old_size;
    note_size(std::max(pending.old_size, grew ? pending.range.start + done : 0), false, now);
  }
  Pending partial = pending;
  partial.bond = Atom::Bond::none;
  add_versions(partial, pending.after.substr(0, done) + pending.before.substr(done), now);
}

void FileModel::promise(Range range, uint64_t time, uint64_t size_time) {
  std::lock_guard lock(mutex_);
  for_atoms(range, [&](Atom& atom) {
    size_t floor = 0;
    for (size_t i = 1; i < atom.versions.size(); ++i)
      if (atom.versions[i].ended < time) floor = i;
    atom.forget(floor);
  });
  size_.promise(size_time);
}

void FileModel::promise_what_daemon_has(uint64_t time, bool size) {
  std::lock_guard lock(mutex_);
  for (Atom& atom : atoms_) {
    size_t floor = 0;
    for (size_t i = 1; i < atom.versions.size() && !atom.versions[i].loose; ++i)
      if (atom.versions[i].ended < time) floor = i;
    atom.forget(floor);
  }
  if (size) size_.promise(time);
}

void FileModel::adopt(const std::string& found) {
  std::lock_guard lock(mutex_);
  for (Atom& atom : atoms_) {
    atom.versions = {{.bytes = part_of(found, {atom.start, atom.start + atom.length}), .ended = 0}};
    if (is_zero(atom.versions[0].bytes)) atom.versions[0].bytes.clear();
  }
  size_.adopt({found.size()});
}

}  // namespace butterfuse::seams
