// SPDX-License-Identifier: GPL-2.0-or-later
// Devices that fail while the file system is in use: which can be done without, and are then left alone.
//
// A device that missed a write has copies of the past, and its superblock would call them current. So it is
// lost as a whole, as if somebody had pulled it: it is written no more, neither blocks nor superblocks. What
// it has stays as one commit left it, and the next mount sees by its older superblock that it is stale. Its
// last use here is that its copies are read, verified, where no other is good.
//
// All that is durable from then on is on the others, so no more devices can be lost than every chunk can do
// without together. The first one too many is not lost: its error is told to the writer, and ends in a file
// system that is read-only where a commit meets it.
#include <algorithm>
#include <optional>

#include "core/base/log.h"
#include "core/volume/volume.h"

namespace butterfuse {

bool Volume::can_do_without(const std::set<uint64_t>& devids) const {
  return std::ranges::all_of(chunks(), [&](const auto& chunk) {
    const auto gone = std::ranges::count_if(chunk->stripes, [&](const ChunkStripe& stripe) {
      const MemberDevice& device = *stripe.device;
      return device.missing() || device.lost || device.stale || device.missed_writes ||
             devids.contains(stripe.devid);
    });
    return gone <= chunk->profile().tolerated;
  });
}

void Volume::note_error(MemberDevice& member, ErrorKind kind, const Error& error) {
  const char* what = kind == ErrorKind::write ? "write" : "flush";
  ++(kind == ErrorKind::write ? member.errors.write : member.errors.flush);
  MutexLock lock(losing_);
  if (member.lost) return;
  if (!can_do_without({member.devid})) {
    member.missed_writes = true;
    log(LogLevel::error, "device {}: a {} failed: {}", member.devid, what, error.message);
    return;
  }
  member.lost = true;
  any_doubtful_ = true;
  ++losses_;
  log_event(LogLevel::error,
            "device {}: a {} failed: {}; the device is lost, the file system goes on with its other copies",
            member.devid, what, error.message);
}

Status Volume::write_or_lose(MemberDevice& member, const std::function<Status()>& write) {
  Status written = write();
  if (written) return written;
  // One sector that could not be written once is no reason to do without a device.
  if (can_do_without({member.devid})) {
    if (Status again = write(); again) {
      ++member.errors.write;
      log(LogLevel::warning, "device {}: a write succeeded the second time only: {}", member.devid,
          written.error().message);
      return again;
    }
  }
  note_error(member, ErrorKind::write, written.error());
  return written;
}

Status Volume::on_each_writable(const std::function<Status(MemberDevice&)>& work) {
  std::set<uint64_t> failed;
  std::optional<Error> reason;
  for (MemberDevice* member : member_list_) {
    if (!member->writable()) continue;
    Status done = work(*member);
    if (done) continue;
    if (!member->lost) failed.insert(member->devid);
    if (!reason) reason = std::move(done).error();
  }
  return !reason || can_do_without(failed) ? Status{} : tl::unexpected(std::move(*reason));
}

bool Volume::writes_failed() const {
  if (losses_ != settled_losses_) return true;
  return std::ranges::any_of(
      member_list_, [](const MemberDevice* member) { return member->writable() && member->missed_writes; });
}

void Volume::settle_losses() { settled_losses_ = losses_.load(); }

}  // namespace butterfuse
