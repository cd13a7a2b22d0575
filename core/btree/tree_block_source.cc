// SPDX-License-Identifier: GPL-2.0-or-later
// The volume as the block cache's source.
#include "core/btree/tree_block_source.h"

#include "core/volume/volume.h"

namespace butterfuse {
namespace {

class VolumeSource final : public TreeBlockSource {
 public:
  explicit VolumeSource(Volume& volume) : volume_(volume) {}
  uint32_t nodesize() const override { return volume_.nodesize(); }
  Uuid metadata_fsid() const override { return volume_.metadata_fsid(); }
  Uuid chunk_tree_uuid() const override { return volume_.chunk_tree_uuid(); }
  Status read(uint64_t bytenr, MutableByteSpan into, uint64_t expected_generation, int expected_level,
              uint64_t generation_limit) override {
    return volume_.read_tree_block(bytenr, into, expected_generation, expected_level, generation_limit);
  }

 private:
  Volume& volume_;
};

}  // namespace

std::unique_ptr<TreeBlockSource> volume_source(Volume& volume) {
  return std::make_unique<VolumeSource>(volume);
}

}  // namespace butterfuse
