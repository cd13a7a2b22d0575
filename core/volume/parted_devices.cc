// SPDX-License-Identifier: GPL-2.0-or-later
// Devices that parted: each was mounted without the other, degraded, and written. Both then say that they are
// of the same file system, and where the commits since are as many, of the same age; whoever took copies from
// both would mix two.
#include <cerrno>

#include "core/volume/volume.h"

namespace butterfuse {
namespace {

// The same in all superblocks of a commit; a log, or how full a device is, may be told by one alone.
bool same_trees(const DiskSuper& one, const DiskSuper& other) {
  return one.root == other.root && one.root_level == other.root_level && one.chunk_root == other.chunk_root &&
         one.chunk_root_generation == other.chunk_root_generation;
}

Error parted(const std::string& one, uint64_t one_devid, const std::string& other, uint64_t other_devid,
             uint64_t generation) {
  return Error{
      EUCLEAN,
      fmt::format("{} (devid {}) and {} (devid {}) were each written without the other: both are of "
                  "generation {}, but of different content. Give one of them alone (-o degraded, or "
                  "ro,degraded to look at it first), and wipe the other once nothing of it is wanted",
                  one, one_devid, other, other_devid, generation)};
}

}  // namespace

Status check_same_commit(const std::string& one_path, const DiskSuper& one, const std::string& other_path,
                         const DiskSuper& other) {
  if (one.generation != other.generation || same_trees(one, other)) return {};
  return tl::unexpected(
      parted(one_path, one.dev_item.devid, other_path, other.dev_item.devid, one.generation));
}

// Both may have allocated the same place for it, but a root tree says when its commit was.
Status Volume::check_root_copies() {
  const auto chunk = chunk_at(super_.root);
  if (!chunk || chunk->type & kParityProfiles) return {};
  const StripePiece piece = stripe_piece(*chunk, super_.root - chunk->start, nodesize());
  const MemberDevice* holder = nullptr;
  std::vector<std::byte> first(nodesize()), block(nodesize());
  for (size_t copy = 0; copy < piece.copies && piece.length == nodesize(); ++copy) {
    const MemberDevice* device = chunk->stripes[piece.first_copy + copy].device;
    if (device->missing() || device->doubtful() || device == holder) continue;
    if (!read(super_.root, block, static_cast<int>(copy)) ||
        !check_one_copy(super_.root, block, super_.generation, super_.root_level, super_.generation))
      continue;
    if (holder == nullptr) {
      holder = device;
      first.swap(block);
    } else if (block != first) {
      return tl::unexpected(
          parted(holder->name(), holder->devid, device->name(), device->devid, super_.generation));
    }
  }
  return {};
}

}  // namespace butterfuse
