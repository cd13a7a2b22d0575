// Writes a planned file system: wipe, trees, superblocks.
#include "core/mkfs/mkfs.h"

#include <algorithm>

#include "core/base/byte_range.h"
#include "core/mkfs/new_filesystem.h"
#include "core/mkfs/wipe.h"

namespace butterfuse {
namespace {

Status write_block(BlockDevice& device, const NewFilesystem& fs, const BlockImage& block) {
  const PlannedChunk& chunk = fs.layout.chunk_of(block.bytenr);
  for (uint64_t physical : chunk.physical)
    BF_TRY(device.write(physical + (block.bytenr - chunk.start), block.bytes, WriteKind::metadata));
  return {};
}

Status write_trees(BlockDevice& device, const NewFilesystem& fs) {
  for (const PlannedTree& tree : fs.trees)
    for (const BlockImage& block :
         build_tree(fs.identity(), tree.owner, initial_items(fs, tree.owner), tree.blocks))
      BF_TRY(write_block(device, fs, block));
  return {};
}

Status write_super_mirrors(BlockDevice& device, const NewFilesystem& fs) {
  DiskSuper super = initial_super(fs);
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror) {
    const uint64_t offset = super_mirror_offset(mirror);
    if (offset + kSuperSize > fs.total_bytes) break;
    super.bytenr = offset;
    const CsumValue csum = checksum(fs.options.csum, object_bytes(super).subspan(sizeof(super.csum)));
    std::memcpy(super.csum, csum.data(), sizeof(super.csum));
    BF_TRY(device.write(offset, object_bytes(super), WriteKind::super));
  }
  return {};
}

MkfsSummary summary_of(const NewFilesystem& fs) {
  MkfsSummary summary{fs.fsid, fs.total_bytes, {}};
  for (const PlannedChunk& chunk : fs.layout.chunks()) summary.chunks.push_back({chunk.type, chunk.length});
  return summary;
}

}  // namespace

Result<MkfsSummary> make_filesystem(BlockDevice& device, const MkfsOptions& options) {
  BF_TRY(check_mkfs_options(options, device.size_bytes()));
  const uint64_t wanted = options.byte_count != 0 ? options.byte_count : device.size_bytes();
  NewFilesystem fs(options, round_down(wanted, options.sectorsize));
  plan_blocks(fs);
  if (options.discard) device.discard(0, device.size_bytes());
  BF_TRY(wipe_signatures(device));
  BF_TRY(write_trees(device, fs));
  BF_TRY(device.flush());
  BF_TRY(write_super_mirrors(device, fs));
  BF_TRY(device.flush());
  return summary_of(fs);
}

}  // namespace butterfuse
