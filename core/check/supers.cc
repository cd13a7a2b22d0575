// The superblock mirrors: each one that fits the device is valid and of the same file system and generation.
#include "core/check/check_state.h"
#include "core/volume/superblock.h"

namespace butterfuse::check {

void check_supers(CheckState& state) {
  const DiskSuper& chosen = state.volume.super();
  BlockDevice& device = state.volume.device();
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror) {
    if (super_mirror_offset(mirror) + kSuperSize >
        std::min(device.size_bytes(), uint64_t{chosen.total_bytes}))
      break;
    auto super = read_super_mirror(device, mirror);
    if (!super) {
      state.error("superblock mirror {}: {}", mirror, super.error().message);
    } else if (mirror > 0 && super->magic != kSuperMagic) {
      state.warning("superblock mirror {}: is missing", mirror);
    } else if (auto good = check_super_mirror(*super, mirror); !good) {
      state.error("superblock mirror {}: {}", mirror, good.error().message);
    } else if (std::memcmp(super->fsid, chosen.fsid, sizeof(chosen.fsid)) != 0) {
      state.error("superblock mirror {}: of another file system", mirror);
    } else if (super->generation != chosen.generation) {
      // A crash between the writes of two mirrors; the next commit writes all of them.
      state.warning("superblock mirror {}: generation {}, the newest is {}", mirror,
                    uint64_t{super->generation}, uint64_t{chosen.generation});
    }
  }
}

}  // namespace butterfuse::check
