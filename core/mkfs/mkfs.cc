// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a planned file system: wipe, trees, superblocks.
//
//     discard ─> zeros ─> flush ─> trees ─> flush ─> superblocks ─> flush
//                the old one is gone         the new one is whole     now it can be found
//
// Without the second flush a superblock could be on disk before the trees that it names. All mirrors may go
// out together: there is no older state that one of them would have to keep.
#include "core/mkfs/mkfs.h"

#include <algorithm>

#include "core/base/byte_range.h"
#include "core/mkfs/new_filesystem.h"
#include "core/mkfs/wipe.h"

namespace butterfuse {
namespace {

using Devices = std::vector<BlockDevice*>;  // of devids 1, 2, ...

Status write_block(const Devices& devices, const NewFilesystem& fs, const BlockImage& block) {
  const PlannedChunk& chunk = fs.layout.chunk_of(block.bytenr);
  for (uint64_t done = 0; done < block.bytes.size();) {
    const StripePiece piece =
        stripe_piece(chunk, block.bytenr - chunk.start + done, block.bytes.size() - done);
    for (size_t copy = 0; copy < piece.copies; ++copy) {
      const ChunkStripe& stripe = chunk.stripes[piece.first_copy + copy];
      BF_TRY(devices[stripe.devid - 1]->write(stripe.physical + piece.stripe_offset,
                                              ByteSpan(block.bytes).subspan(done, piece.length),
                                              WriteKind::metadata));
    }
    done += piece.length;
  }
  return {};
}

Status write_trees(const Devices& devices, const NewFilesystem& fs) {
  for (const PlannedTree& tree : fs.trees)
    for (const BlockImage& block :
         build_tree(fs.identity(), tree.owner, initial_items(fs, tree.owner), tree.blocks))
      BF_TRY(write_block(devices, fs, block));
  return {};
}

Status write_super_mirrors(BlockDevice& device, const NewFilesystem& fs, uint64_t devid) {
  DiskSuper super = initial_super(fs, devid);
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror) {
    const uint64_t offset = super_mirror_offset(mirror);
    // By the size that the file system has there, not the device: as all readers do.
    if (offset + kSuperSize > super.dev_item.total_bytes) break;
    super.bytenr = offset;
    const CsumValue csum = checksum(fs.options.csum, object_bytes(super).subspan(sizeof(super.csum)));
    std::memcpy(super.csum, csum.data(), sizeof(super.csum));
    BF_TRY(device.write(offset, object_bytes(super), WriteKind::super));
  }
  return {};
}

Status flush_all(const Devices& devices) {
  for (BlockDevice* device : devices) BF_TRY(device->flush());
  return {};
}

MkfsSummary summary_of(const NewFilesystem& fs) {
  MkfsSummary summary{fs.fsid, fs.total_bytes(), {}, fs.device_bytes};
  for (const PlannedChunk& chunk : fs.layout.chunks()) summary.chunks.push_back({chunk.type, chunk.length});
  return summary;
}

}  // namespace

Result<MkfsSummary> make_filesystem(BlockDevice& device, const MkfsOptions& options) {
  return make_filesystem(Devices{&device}, options);
}

Result<MkfsSummary> make_filesystem(const Devices& devices, const MkfsOptions& options) {
  std::vector<uint64_t> sizes;
  for (const BlockDevice* device : devices) sizes.push_back(device->size_bytes());
  BF_TRY(check_mkfs_options(options, sizes));
  for (uint64_t& size : sizes)
    // The format counts in sectors; a device may have a part of one at its end.
    size = round_down(options.byte_count != 0 ? options.byte_count : size, options.sectorsize);
  NewFilesystem fs(options, sizes);
  plan_blocks(fs);
  for (BlockDevice* device : devices) {
    // An error is passed over: not every device can, and nothing relies on it.
    if (options.discard) device->discard(0, device->size_bytes());
    BF_TRY(wipe_signatures(*device));
  }
  BF_TRY(write_trees(devices, fs));
  BF_TRY(flush_all(devices));
  for (uint64_t devid = 1; devid <= devices.size(); ++devid)
    BF_TRY(write_super_mirrors(*devices[devid - 1], fs, devid));
  BF_TRY(flush_all(devices));
  return summary_of(fs);
}

}  // namespace butterfuse
