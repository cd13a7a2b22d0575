// Volume: opening, what it knows of itself, and writing superblocks.
#include "core/volume/volume.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/volume/superblock.h"

namespace butterfuse {

namespace {

Status check_device_size(const BlockDevice& device, const DiskSuper& super) {
  if (device.size_bytes() >= super.dev_item.total_bytes) return {};
  return make_error(EINVAL, "the device has {} bytes, but the file system uses {}", device.size_bytes(),
                    uint64_t{super.dev_item.total_bytes});
}

}  // namespace

Result<std::unique_ptr<Volume>> Volume::open(std::unique_ptr<BlockDevice> device) {
  std::unique_ptr<Volume> volume(new Volume(std::move(device)));
  BF_ASSIGN(volume->super_, read_newest_super(*volume->device_));
  Status usable = check_super_supported(volume->super_);
  if (usable) usable = check_device_size(*volume->device_, volume->super_);
  if (usable) usable = volume->load_sys_chunk_array();
  if (!usable)
    return make_error(usable.error().code, "{}: {}", volume->device_->path(), usable.error().message);
  return volume;
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

Status Volume::write_supers(const DiskSuper& super) {
  const uint64_t end = std::min<uint64_t>(super.dev_item.total_bytes, device_->size_bytes());
  DiskSuper sealed = super;
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror) {
    if (super_mirror_offset(mirror) + kSuperSize > end) break;
    seal_super(sealed, mirror);
    BF_TRY(device_->write(super_mirror_offset(mirror), object_bytes(sealed), WriteKind::super));
  }
  return {};
}

}  // namespace butterfuse
