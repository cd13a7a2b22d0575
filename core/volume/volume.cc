// Volume: opening, what it knows of itself, and writing superblocks.
#include "core/volume/volume.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/volume/superblock.h"

namespace butterfuse {

Result<std::unique_ptr<Volume>> Volume::open(BlockDevices devices) {
  std::unique_ptr<Volume> volume(new Volume());
  BF_TRY(volume->adopt_devices(std::move(devices)));
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

// The first `mirrors` of them, as far as they fit.
Status write_super_mirrors(MemberDevice& member, const DiskSuper& super, int mirrors) {
  const uint64_t end = std::min<uint64_t>(member.item.total_bytes, member.device->size_bytes());
  DiskSuper sealed = super;
  sealed.dev_item = member.item;
  for (int mirror = 0; mirror < mirrors; ++mirror) {
    if (super_mirror_offset(mirror) + kSuperSize > end) break;
    seal_super(sealed, mirror);
    BF_TRY(member.device->write(super_mirror_offset(mirror), object_bytes(sealed), WriteKind::super));
  }
  return {};
}

}  // namespace

Status Volume::write_supers(const DiskSuper& super, int mirrors) {
  std::set<uint64_t> failed;
  Error reason;
  for (MemberDevice* member : member_list_) {
    if (!member->writable()) continue;
    Status written = write_super_mirrors(*member, super, mirrors);
    if (written) continue;
    ++member->errors.write;
    if (failed.empty()) reason = std::move(written).error();
    failed.insert(member->devid);
  }
  return tolerate(failed, reason, "superblock writes");
}

}  // namespace butterfuse
