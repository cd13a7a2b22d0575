// SPDX-License-Identifier: GPL-2.0-or-later
// The superblock mirrors of all devices: each that fits is valid, of the same file system and generation.
// Which mirrors fit is by what the file system uses of a device: behind that a mirror is not written
// any more.
#include "core/check/check_state.h"
#include "core/volume/superblock.h"

namespace butterfuse::check {
namespace {

void check_mirror(CheckState& state, const MemberDevice& member, int mirror) {
  const DiskSuper& chosen = state.volume.super();
  const std::string where = state.volume.members().size() == 1
                                ? fmt::format("superblock mirror {}", mirror)
                                : fmt::format("device {} superblock mirror {}", member.devid, mirror);
  auto super = read_super_mirror(*member.device, mirror);
  if (!super) {
    state.error("{}: {}", where, super.error().message);
  } else if (mirror > 0 && super->magic != kSuperMagic) {
    state.warning("{}: is missing", where);
  } else if (auto good = check_super_mirror(*super, mirror); !good) {
    state.error("{}: {}", where, good.error().message);
  } else if (!member.seed &&
             std::memcmp(super->dev_item.fsid, chosen.dev_item.fsid, sizeof(super->dev_item.fsid)) != 0) {
    state.error("{}: of another file system", where);
  } else if (!member.seed && super->generation != chosen.generation) {
    // A crash between the writes of two mirrors; the next commit writes all of them.
    state.warning("{}: generation {}, the newest is {}", where, uint64_t{super->generation},
                  uint64_t{chosen.generation});
  }
}

}  // namespace

void check_supers(CheckState& state) {
  for (const MemberDevice* member : state.volume.members()) {
    if (member->missing()) continue;
    const uint64_t end = std::min<uint64_t>(member->device->size_bytes(), member->item.total_bytes);
    for (int mirror = 0; mirror < kSuperMirrors; ++mirror)
      if (super_mirror_offset(mirror) + kSuperSize <= end) check_mirror(state, *member, mirror);
  }
}

}  // namespace butterfuse::check
