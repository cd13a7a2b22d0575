// SPDX-License-Identifier: GPL-2.0-or-later
// Undo: what is there is compared with what the repair wrote, sector by sector, before anything is put back.
//
// All pages are compared before the first is written: an undo that is refused has changed nothing. A sector
// may hold either the old or the new bytes, so that a repair or an undo that was cut short can be undone,
// too. What is neither was written by somebody who went on from what the repair left: old bytes put below it
// would mix two states of the file system.
#include "core/repair/undo.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/device/shared_device.h"
#include "core/volume/superblock.h"

namespace butterfuse::repair {
namespace {

bool is_super(const LoggedPage& page) {
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror)
    if (page.offset == super_mirror_offset(mirror)) return true;
  return false;
}

bool has_uuid(const DiskSuper& super, const Uuid& uuid) {
  return std::memcmp(super.dev_item.uuid, uuid.bytes.data(), sizeof super.dev_item.uuid) == 0;
}

}  // namespace

Result<std::unique_ptr<Undo>> Undo::plan(const std::string& path, const Devices& devices) {
  std::unique_ptr<Undo> undo(new Undo());
  BF_ASSIGN(undo->log_, UndoLog::read(path));
  BF_TRY(undo->order(devices));
  for (const LoggedPage& page : undo->log_->pages()) BF_TRY(undo->check_page(page));
  for (const auto& device : undo->devices_) undo->copy_.push_back(std::make_shared<MemoryDevice>(device));
  for (const LoggedPage& page : undo->log_->pages())
    if (!page.old_bytes.empty())
      BF_TRY(undo->copy_[page.device]->write(page.offset, page.old_bytes, WriteKind::metadata));
  return undo;
}

// The order in which the devices were given may be another one today. They are known by the uuid in their
// superblock. Where that can't be read they keep their place in the list.
Status Undo::order(const Devices& given) {
  const auto& logged = log_->devices();
  if (logged.size() != given.size())
    return make_error(EINVAL, "undo log {} is of {} devices, {} are given", log_->path(), logged.size(),
                      given.size());
  for (size_t i = 0; i < logged.size(); ++i) {
    const auto match = std::ranges::find_if(given, [&](const auto& device) {
      const auto super = read_newest_super(*device);
      return super && has_uuid(*super, logged[i].uuid);
    });
    devices_.push_back(match == given.end() ? given[i] : *match);
    if (std::count(devices_.begin(), devices_.end(), devices_.back()) > 1)
      return make_error(EINVAL, "undo log {} is of other devices than those given", log_->path());
    BF_TRY(check_device(logged[i], *devices_.back()));
  }
  return {};
}

Status Undo::check_device(const LoggedDevice& logged, BlockDevice& device) const {
  if (device.size_bytes() != logged.size)
    return make_error(EINVAL, "undo log {}: {} has {} bytes, not {}", log_->path(), device.path(),
                      device.size_bytes(), logged.size);
  const auto super = read_newest_super(device);
  if (!super) return {};  // perhaps the repair was cut while it wrote this; the pages will tell
  if (!logged.uuid.is_null() && !has_uuid(*super, logged.uuid))
    return make_error(EINVAL, "undo log {} is not of {}: that is another device", log_->path(),
                      device.path());
  for (const LoggedState& state : {logged.before, logged.after})
    if (super->generation == state.generation && super->log_root == state.log_root) return {};
  return tl::unexpected(
      written_since(device, fmt::format("its superblock is of generation {} with log root {}, not {} with {}",
                                        uint64_t{super->generation}, uint64_t{super->log_root},
                                        uint64_t{logged.after.generation}, uint64_t{logged.after.log_root})));
}

Status Undo::check_page(const LoggedPage& page) const {
  BlockDevice& device = *devices_[page.device];
  std::vector<std::byte> now(page.old_bytes.size());
  BF_TRY(device.read(page.offset, now));
  for (size_t at = 0, number = 0; at < now.size(); at += kUndoSector, ++number) {
    const size_t size = std::min(kUndoSector, now.size() - at);
    const ByteSpan sector = ByteSpan(now).subspan(at, size), old = page.old_bytes.subspan(at, size);
    const CsumValue sum = undo_sum(sector);
    const bool is_new =
        std::memcmp(sum.data(), page.new_sums.data() + number * kUndoSumBytes, kUndoSumBytes) == 0;
    if (is_new || std::ranges::equal(sector, old)) continue;
    return tl::unexpected(written_since(
        device, fmt::format("the {} bytes at {} are neither what the repair wrote nor what was there before",
                            size, page.offset + at)));
  }
  return {};
}

Error Undo::written_since(BlockDevice& device, const std::string& what) const {
  return Error{
      EBUSY,
      fmt::format("undo log {}: {} was written to since the repair: {}; the old bytes would spoil what "
                  "is there now, and nothing was changed",
                  log_->path(), device.path(), what)};
}

Result<CheckSummary> Undo::check(const CheckOptions& options) const {
  BlockDevices opened;
  for (const auto& device : copy_) opened.push_back(std::make_unique<SharedDevice>(device));
  return check_filesystem(std::move(opened), options);
}

uint64_t Undo::bytes() const {
  uint64_t bytes = 0;
  for (const LoggedPage& page : log_->pages()) bytes += page.old_bytes.size();
  return bytes;
}

Status Undo::write() {
  for (const bool supers : {false, true}) {
    for (const LoggedPage& page : log_->pages())
      if (is_super(page) == supers && !page.old_bytes.empty())
        BF_TRY(devices_[page.device]->write(page.offset, page.old_bytes,
                                            supers ? WriteKind::super : WriteKind::metadata));
    for (const auto& device : devices_) BF_TRY(device->flush());
  }
  return {};
}

}  // namespace butterfuse::repair
