// SPDX-License-Identifier: GPL-2.0-or-later
// FileWorker: choosing what to do, and where.
#include "tests/seams/file_worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace butterfuse::seams {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

void FileWorker::step() {
  switch (static_cast<Act>(random_.pick_weighted(life_.setting.style.weights))) {
    case Act::write:
      return write_some(0, "write");
    case Act::append:
      return append();
    case Act::store:
      return store();
    case Act::direct_write:
      return direct_write();
    case Act::aio:
      return aio();
    case Act::sync_write:
      return random_.chance(50) ? write_some(O_DSYNC, "O_DSYNC write") : write_some(O_SYNC, "O_SYNC write");
    case Act::punch:
      return change_range(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, "punch");
    case Act::zero:
      return random_.chance(50) ? change_range(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, "zero inside")
                                : change_range(FALLOC_FL_ZERO_RANGE, "zero");
    case Act::preallocate:
      return preallocate();
    case Act::odd_fallocate:
      return odd_fallocate();
    case Act::copy:
      return copy_some();
    case Act::truncate:
      return truncate();
    case Act::read:
      return read_some();
    case Act::seek:
      return seek();
    case Act::fsync:
      return sync(false);
    case Act::fdatasync:
      return sync(true);
    case Act::msync:
      return sync_mapping();
    case Act::start_writeback:
      return start_writeback();
    case Act::commit:
      return commit();
    case Act::drop_pages:
      return drop_pages();
    case Act::drop_caches:
      return drop_caches();
    case Act::chattr:
      if (const auto spot = pick()) chattr(target(*spot));
      return;
    case Act::defragment:
      return defragment();
    case Act::reopen:
    case Act::count:
      return reopen();
  }
}

void FileWorker::close_all() {
  mappings_.clear();
  for (const auto& [key, fd] : fds_) close(fd);
  fds_.clear();
}

std::vector<FileWorker::Spot> FileWorker::spots(bool tails_only) const {
  std::vector<Spot> result;
  for (const auto& file : life_.files)
    for (size_t zone = 0; zone < file->owners.size(); ++zone) {
      const Spot spot{file.get(), zone};
      if (file->owners[zone] == thread_ && (!tails_only || spot.is_tail())) result.push_back(spot);
    }
  return result;
}

std::optional<FileWorker::Spot> FileWorker::pick(bool tails_only) {
  const auto all = spots(tails_only);
  return all.empty() ? std::nullopt : std::optional(random_.pick(all));
}

Range FileWorker::pick_range(const Spot& spot, bool inside, bool whole_pages) {
  const FileModel& model = *spot.file->model;
  Range zone = model.zone(spot.zone);
  const uint64_t size = model.size();
  if (spot.is_tail()) zone.end = std::min(zone.end, inside ? size : std::max(size, zone.start) + (96u << 10));
  if (whole_pages && !spot.file->is_solo()) {
    zone.start = (zone.start + kPage - 1) / kPage * kPage;
    if (!spot.is_tail()) zone.end = zone.end / kPage * kPage;
  }
  if (zone.end <= zone.start) return {};
  // Where the file ends is the most interesting place.
  const bool at_end = spot.is_tail() && zone.start < size && size < zone.end && random_.chance(30);
  const uint64_t start =
      at_end ? random_.offset(std::max(zone.start, size - std::min<uint64_t>(size, 6000)), zone.end)
             : random_.offset(zone.start, zone.end);
  const uint64_t most = std::min(zone.end - start, life_.setting.style.call_bytes);
  return {start, start + random_.length(most)};
}

int FileWorker::fd(const Spot& spot, int flags) {
  auto [entry, fresh] = fds_.try_emplace({spot.file, flags}, -1);
  if (!fresh) return entry->second;
  const std::string path = life_.path(spot.file->name);
  const Called called = call(fmt::format("open {} {:#x}", spot.file->name, flags),
                             [&] { return or_errno(open(path.c_str(), O_RDWR | O_CLOEXEC | flags)); });
  if (!called.ok()) {
    fds_.erase(entry);
    check(called, "open " + spot.file->name);
    throw Over{};
  }
  return entry->second = static_cast<int>(called.result);
}

Target FileWorker::target(const Spot& spot, int flags) {
  return {spot.file->name, spot.file->model.get(), fd(spot, flags)};
}

Mapping& FileWorker::mapping(const Spot& spot) {
  Mapping& mapping = mappings_[spot.file];
  if (mapping.is_mapped()) return mapping;
  const std::string what = "mmap " + spot.file->name;
  const int opened = fd(spot, 0);
  check(call(what, [&] { return -static_cast<long>(mapping.map(opened, spot.file->model->capacity())); }),
        what);
  if (!mapping.is_mapped()) throw Over{};
  return mapping;
}

void FileWorker::reopen() {
  const auto spot = pick();
  if (!spot) return;
  call("close " + spot->file->name, [&] {
    mappings_.erase(spot->file);
    std::erase_if(fds_, [&](const auto& entry) {
      if (entry.first.first != spot->file) return false;
      close(entry.second);
      return true;
    });
    return 0L;
  });
}

}  // namespace butterfuse::seams
