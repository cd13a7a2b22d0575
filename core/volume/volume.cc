// SPDX-License-Identifier: GPL-2.0-or-later
// Volume: opening, what it knows of itself, and writing superblocks.
#include "core/volume/volume.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "core/base/log.h"
#include "core/volume/superblock.h"

namespace butterfuse {

Result<std::unique_ptr<Volume>> Volume::open(BlockDevices devices, SuperFlags flags) {
  std::unique_ptr<Volume> volume(new Volume());
  BF_TRY(volume->adopt_devices(std::move(devices), flags));
  if (Status loaded = volume->load_sys_chunk_array(); !loaded)
    return make_error(loaded.error().code, "{}: {}", volume->main_->name(), loaded.error().message);
  return volume;
}

Result<std::unique_ptr<Volume>> Volume::open(std::unique_ptr<BlockDevice> device) {
  return open(one_device(std::move(device)));
}

Uuid Volume::metadata_fsid() const {
  const bool has_own = super_.incompat_flags & incompat::kMetadataUuid;
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), has_own ? super_.metadata_uuid : super_.fsid, uuid.bytes.size());
  return uuid;
}

Uuid Volume::chunk_tree_uuid() const {
  ReaderLock lock(mutex_);
  return chunk_tree_uuid_;
}

void Volume::set_chunk_tree_uuid(const Uuid& uuid) {
  WriterLock lock(mutex_);
  chunk_tree_uuid_ = uuid;
}

TreeCheckContext Volume::check_context(uint64_t generation_limit) const {
  TreeCheckContext context;
  context.nodesize = super_.nodesize;
  context.sectorsize = super_.sectorsize;
  context.incompat = super_.incompat_flags;
  context.total_bytes = super_.total_bytes;
  context.generation = generation_limit;
  context.csum_size = csum_size_bytes();
  context.depth = check_depth_;
  return context;
}

namespace {

bool fits(const MemberDevice& member, int mirror) {
  const uint64_t end = std::min<uint64_t>(member.item.total_bytes, member.device->size_bytes());
  return super_mirror_offset(mirror) + kSuperSize <= end;
}

Status write_super_mirrors(MemberDevice& member, const DiskSuper& super, int first, int end) {
  DiskSuper sealed = super;
  sealed.dev_item = member.item;
  for (int mirror = first; mirror < end && fits(member, mirror); ++mirror) {
    seal_super(sealed, mirror);
    BF_TRY(member.device->write(super_mirror_offset(mirror), object_bytes(sealed), WriteKind::super));
  }
  return {};
}

enum class MirrorState { current, behind, torn };

MirrorState state_of(MemberDevice& member, int mirror, const DiskSuper& current) {
  const auto super = read_super_mirror(*member.device, mirror);
  if (!super || super->magic != kSuperMagic) return MirrorState::current;  // there is none to mend
  if (!check_super_mirror(*super, mirror)) return MirrorState::torn;
  const bool same = super->generation == current.generation && super->log_root == current.log_root;
  return same ? MirrorState::current : MirrorState::behind;
}

Status mend_member(MemberDevice& member, const DiskSuper& newest) {
  DiskSuper current = newest;
  if (member.stale) {
    BF_ASSIGN(current, read_newest_super(*member.device));
  }
  for (int mirror = 0; mirror < kSuperMirrors && fits(member, mirror); ++mirror) {
    const MirrorState state = state_of(member, mirror, current);
    if (state == MirrorState::current) continue;
    if (state == MirrorState::torn)
      log(LogLevel::warning, "{}: superblock mirror {} is torn and written anew", member.name(), mirror);
    BF_TRY(write_super_mirrors(member, current, mirror, mirror + 1));
    BF_TRY(member.device->flush());
  }
  return {};
}

}  // namespace

// While mirror 0 is being written it may be torn: the device has no generation that is known.
Status Volume::write_supers(const DiskSuper& super, int first, int end) {
  return on_each_writable([&](MemberDevice& member) -> Status {
    if (!member.takes_supers()) return {};
    if (first == 0) member.super_generation.reset();
    BF_TRY(write_or_lose(member, [&] { return write_super_mirrors(member, super, first, end); }));
    if (first == 0) member.super_generation = super.generation;
    return {};
  });
}

void Volume::note_super_generations() {
  for (MemberDevice* member : member_list_) {
    member->super_generation.reset();
    if (!member->writable()) continue;
    const auto super = read_super_mirror(*member->device, 0);
    if (super && check_super_mirror(*super, 0)) member->super_generation = super->generation;
  }
}

// Locks keep other mounts of ours away, not everybody.
Status Volume::check_nobody_else_wrote() {
  std::optional<Error> unread;
  bool asked = false;
  for (MemberDevice* member : member_list_) {
    if (!member->writable() || !member->super_generation) continue;
    if (asked && member->doubtful()) continue;
    const auto found = read_super_mirror(*member->device, 0);
    if (!found) {
      note_read_error(*member, found.error());
      unread = found.error();
      continue;
    }
    asked = true;
    const bool same = std::memcmp(found->fsid, super_.fsid, sizeof(found->fsid)) == 0;
    if (same && found->generation == *member->super_generation) continue;
    return make_error(ESTALE,
                      "{}: somebody else writes to it: its superblock is of {} generation {}, it was {}",
                      member->name(), same ? "this file system's" : "another file system's",
                      uint64_t{found->generation}, *member->super_generation);
  }
  return unread && !asked ? tl::unexpected(*unread) : Status{};
}

// A missing device of a degraded mount has nothing to ask.
bool Volume::has_lone_supers() const {
  return std::none_of(member_list_.begin(), member_list_.end(),
                      [](const MemberDevice* member) { return member->writable() && fits(*member, 1); });
}

// The mirror that a superblock was read from is current, so the others can be written in any order. A device
// that missed commits gets what it had, and stays behind until the next one.
Status Volume::mend_supers() {
  return on_each_writable([&](MemberDevice& member) {
    Status mended = mend_member(member, super_);
    if (!mended) note_error(member, ErrorKind::write, mended.error());
    return mended;
  });
}

}  // namespace butterfuse
