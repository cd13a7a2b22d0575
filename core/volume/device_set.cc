// SPDX-License-Identifier: GPL-2.0-or-later
// The devices of Volume: which of those given belong together, which are missing, and what may fail.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/log.h"
#include "core/volume/superblock.h"
#include "core/volume/volume.h"

namespace butterfuse {
namespace {

Uuid uuid_of(const uint8_t (&bytes)[16]) {
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), bytes, sizeof bytes);
  return uuid;
}

// No chunk item, which fits a leaf, holds as many stripes; without a limit a hostile image could name 2^64
// of them.
constexpr size_t kMostDevices = 4096;
constexpr uint64_t kChangingFsidFlags = super_flag::kChangingFsid | super_flag::kChangingFsidV2;

struct Candidate {
  std::unique_ptr<BlockDevice> device;
  DiskSuper super;
  bool seeding() const { return super.flags & super_flag::kSeeding; }
  bool changing_fsid() const { return super.flags & kChangingFsidFlags; }
  Uuid metadata_fsid() const { return uuid_of(super.dev_item.fsid); }  // check_super compared it
};

// A device whose superblocks are all torn, or can't be read, counts as missing where there are others.
Result<std::vector<Candidate>> read_supers(BlockDevices devices, SuperFlags flags) {
  std::vector<Candidate> candidates;
  std::optional<Error> torn;
  for (auto& device : devices) {
    const auto found = read_newest_super(*device, flags);
    const bool unusable = !found && (found.error().code == EUCLEAN || found.error().code == EIO);
    if (unusable && devices.size() > 1) {
      log(LogLevel::warning, "{}; not used", found.error().message);
      if (!torn) torn = found.error();
      continue;
    }
    if (!found) return tl::unexpected(found.error());
    const DiskSuper& super = *found;
    if (Status usable = check_super_supported(super, flags); !usable)
      return make_error(usable.error().code, "{}: {}", device->path(), usable.error().message);
    candidates.push_back({std::move(device), super});
  }
  if (candidates.empty() && torn) return tl::unexpected(*torn);
  return candidates;
}

bool is_newer(const DiskSuper& one, const DiskSuper& other) {
  if (one.generation != other.generation) return one.generation > other.generation;
  return one.log_root != 0 && other.log_root == 0;  // the other device missed it
}

// The first one given says which file system is meant; the newest of its superblocks says how it is.
const Candidate& newest_of_first(const std::vector<Candidate>& candidates) {
  const Candidate* newest = &candidates.front();
  for (const Candidate& other : candidates)
    if (other.metadata_fsid() == newest->metadata_fsid() && is_newer(other.super, newest->super))
      newest = &other;
  return *newest;
}

// A change of the fsid that was interrupted before it reached all devices never happened: one that it did not
// reach still knows the old one.
Status undo_fsid_change(const std::vector<Candidate>& candidates, const Candidate& main, DiskSuper& super) {
  if (!main.changing_fsid()) return {};
  for (const Candidate& other : candidates) {
    if (other.changing_fsid() || other.metadata_fsid() != main.metadata_fsid()) continue;
    std::memcpy(super.fsid, other.super.fsid, sizeof super.fsid);
    std::memcpy(super.metadata_uuid, other.super.metadata_uuid, sizeof super.metadata_uuid);
    super.flags = super.flags & ~kChangingFsidFlags;
    super.incompat_flags = (super.incompat_flags & ~incompat::kMetadataUuid) |
                           (other.super.incompat_flags & incompat::kMetadataUuid);
    return {};
  }
  return make_error(ENOTSUP, "{}: a change of the fsid was interrupted, finish it first",
                    main.device->path());
}

}  // namespace

Status Volume::adopt_devices(BlockDevices devices, SuperFlags flags) {
  if (devices.empty()) return make_error(EINVAL, "no device given");
  BF_ASSIGN(std::vector<Candidate> candidates, read_supers(std::move(devices), flags));
  const Candidate& main = newest_of_first(candidates);
  const Uuid main_fsid = main.metadata_fsid();
  const std::string main_path = main.device->path();
  const DiskSuper main_super = super_ = main.super;
  BF_TRY(undo_fsid_change(candidates, main, super_));
  const uint64_t main_devid = main.super.dev_item.devid;
  std::map<uint64_t, std::string> paths;
  for (Candidate& candidate : candidates) {
    const bool same = candidate.metadata_fsid() == main_fsid;
    if (!same && !candidate.seeding()) {
      const std::string reason =
          fmt::format("{} is of another file system ({}) than {} ({})", candidate.device->path(),
                      uuid_of(candidate.super.fsid).to_text(), main_path, uuid_of(super_.fsid).to_text());
      if (!seeding()) return make_error(EINVAL, "{}", reason);
      // Perhaps its sprout, which is another file system and knows its seed, but not the reverse.
      log(LogLevel::warning, "{}: not used; name it first to mount it", reason);
      continue;
    }
    if (same) BF_TRY(check_same_commit(main_path, main_super, candidate.device->path(), candidate.super));
    auto member = std::make_unique<MemberDevice>();
    member->devid = candidate.super.dev_item.devid;
    member->uuid = uuid_of(candidate.super.dev_item.uuid);
    member->item = candidate.super.dev_item;
    member->generation = candidate.super.generation;
    member->seed = !same;
    member->stale = same && is_newer(main_super, candidate.super);
    const auto [other, is_new] = paths.emplace(member->devid, candidate.device->path());
    if (!is_new)
      return make_error(EEXIST, "{} and {} are the same device, devid {}", other->second,
                        candidate.device->path(), member->devid);
    if (member->stale) {
      any_doubtful_ = true;
      log(LogLevel::warning, "{}: devid {} missed commits, its generation is {} of {}",
          candidate.device->path(), member->devid, member->generation, uint64_t{super_.generation});
    }
    BF_TRY(add_member(std::move(member)));
  }
  for (Candidate& candidate : candidates)
    if (paths.contains(candidate.super.dev_item.devid) &&
        paths.at(candidate.super.dev_item.devid) == candidate.device->path())
      members_[candidate.super.dev_item.devid]->device = std::move(candidate.device);
  main_ = members_[main_devid].get();
  return {};
}

Status Volume::add_member(std::unique_ptr<MemberDevice> member) {
  if (members_.size() >= kMostDevices) return make_error(EUCLEAN, "more than {} devices", kMostDevices);
  const auto place = std::ranges::lower_bound(member_list_, member->devid, {}, &MemberDevice::devid);
  member_list_.insert(place, member.get());
  const uint64_t devid = member->devid;
  members_.emplace(devid, std::move(member));
  return {};
}

MemberDevice* Volume::member(uint64_t devid) const {
  const auto found = members_.find(devid);
  return found == members_.end() ? nullptr : found->second.get();
}

Status Volume::add_device_item(const DiskDevItem& item) {
  const Uuid uuid = uuid_of(item.uuid);
  if (member(item.devid) == nullptr) {
    auto missing = std::make_unique<MemberDevice>();
    missing->devid = item.devid;
    missing->uuid = uuid;
    BF_TRY(add_member(std::move(missing)));
  }
  MemberDevice& known = *member(item.devid);
  if (known.missing() && known.uuid.is_null()) known.uuid = uuid;
  if (known.uuid != uuid)
    return make_error(EUCLEAN, "{}: it says it is device {} ({}), but that is now another one ({})",
                      known.name(), known.devid, known.uuid.to_text(), uuid.to_text());
  const bool foreign = uuid_of(item.fsid) != metadata_fsid();
  if (known.device && foreign != known.seed)
    return make_error(EUCLEAN, "{}: device {} is of fsid {} in the chunk tree", known.name(), known.devid,
                      uuid_of(item.fsid).to_text());
  known.seed = foreign;
  known.has_item = true;
  known.item = item;
  return {};
}

// Unknown devices become missing ones; how many there can be is bounded by the stripes that name them.
Status Volume::resolve_stripes(ChunkMapping& chunk) {
  for (ChunkStripe& stripe : chunk.stripes) {
    if (member(stripe.devid) == nullptr) {
      auto missing = std::make_unique<MemberDevice>();
      missing->devid = stripe.devid;
      missing->uuid = stripe.dev_uuid;
      BF_TRY(add_member(std::move(missing)));
    }
    stripe.device = member(stripe.devid);
    if (stripe.dev_uuid.is_null() || stripe.device->uuid == stripe.dev_uuid) continue;
    return make_error(EUCLEAN, "chunk {} has a stripe on device {} ({}), but that device is {}", chunk.start,
                      stripe.devid, stripe.dev_uuid.to_text(), stripe.device->uuid.to_text());
  }
  return {};
}

std::string Volume::missing_devices() const {
  std::string text;
  for (const MemberDevice* device : member_list_) {
    if (!device->missing()) continue;
    text += fmt::format("{}devid {} ({})", text.empty() ? "" : ", ", device->devid, device->uuid.to_text());
  }
  return text;
}

namespace {

int missing_stripes(const ChunkMapping& chunk) {
  return static_cast<int>(
      std::ranges::count_if(chunk.stripes, [](const ChunkStripe& it) { return it.device->missing(); }));
}

// Whether each byte has a copy, or parity that makes up for it.
bool readable(const ChunkMapping& chunk) {
  const RaidProfile& profile = chunk.profile();
  if (profile.parity != 0) return missing_stripes(chunk) <= profile.parity;
  const size_t group = profile.striped() ? static_cast<size_t>(profile.copies) : chunk.stripes.size();
  for (size_t first = 0; first < chunk.stripes.size(); first += group) {
    const auto copies = std::span(chunk.stripes).subspan(first, group);
    if (std::ranges::all_of(copies, [](const ChunkStripe& it) { return it.device->missing(); })) return false;
  }
  return true;
}

}  // namespace

Status Volume::check_devices(bool degraded, bool writing) const {
  for (const MemberDevice* device : member_list_) {
    if (device->missing() || device->has_item) continue;
    if (member_list_.size() > 1)
      return make_error(EINVAL, "{}: devid {} is no device of this file system (any more)", device->name(),
                        device->devid);
    log(LogLevel::warning, "{}: the chunk tree has no DEV_ITEM of devid {}", device->name(), device->devid);
  }
  const std::string missing = missing_devices();
  if (missing.empty()) return {};
  if (!degraded)
    return make_error(ENODEV, "missing {}; give all devices, or try -o degraded (scrub: --degraded)",
                      missing);
  log(LogLevel::warning, "degraded: missing {}", missing);
  uint64_t unreadable = 0;
  for (const auto& chunk : chunks()) {
    const RaidProfile& profile = chunk->profile();
    const int count = missing_stripes(*chunk);
    if (writing && count > profile.tolerated)
      return make_error(EROFS,
                        "missing {}: chunk {} ({}) lacks {} stripes and tolerates {} for writing; "
                        "mount read-only (-o ro,degraded)",
                        missing, chunk->start, profile.name, count, profile.tolerated);
    if (readable(*chunk)) continue;
    if (chunk->type & (bg::kSystem | bg::kMetadata))
      return make_error(EIO, "missing {}: the metadata of chunk {} ({}) can't be read without", missing,
                        chunk->start, profile.name);
    ++unreadable;
  }
  if (unreadable != 0)
    log(LogLevel::warning, "degraded: {} data chunks can't be read, or only in part", unreadable);
  return {};
}

Status Volume::check_writable() const {
  if (seeding()) return make_error(EROFS, "{}: it is a seed device; mount read-only (-o ro)", main_->name());
  if (super_.incompat_flags & incompat::kSimpleQuota)
    return make_error(
        EROFS, "{}: it has simple quotas (squota), whose numbers are not kept yet; mount read-only (-o ro)",
        main_->name());
  for (const MemberDevice* device : member_list_)
    if (!device->missing() && !device->seed && !device->writable())
      return make_error(EROFS, "{} can't be written; mount read-only (-o ro)", device->name());
  for (const auto& chunk : chunks())
    if (chunk->type & kParityProfiles)
      return make_error(EROFS, "chunk {} is {}, which can be read but not written; mount read-only (-o ro)",
                        chunk->start, chunk->profile().name);
  return {};
}

void Volume::set_device_item(const DiskDevItem& item) {
  if (MemberDevice* known = member(item.devid)) known->item = item;
}

std::string Volume::stats_text() const {
  std::string text;
  for (const MemberDevice* device : member_list_) {
    const auto line = [&](const char* what, uint64_t count) {
      text += fmt::format("device_{}_{} {}\n", device->devid, what, count);
    };
    line("missing", device->missing());
    line("lost", device->lost);
    line("read_errors", device->errors.read);
    line("write_errors", device->errors.write);
    line("flush_errors", device->errors.flush);
    line("corruption_errors", device->errors.corruption);
    line("repaired", device->errors.repaired);
  }
  return text;
}

}  // namespace butterfuse
