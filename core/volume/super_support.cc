// SPDX-License-Identifier: GPL-2.0-or-later
// Which file systems this code can read, by the superblock's word; refusals name the feature.
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "core/volume/superblock.h"

namespace butterfuse {

namespace {

constexpr uint64_t kReadable = incompat::kMixedBackref | incompat::kDefaultSubvol | incompat::kMixedGroups |
                               incompat::kCompressLzo | incompat::kCompressZstd | incompat::kBigMetadata |
                               incompat::kExtendedIref | incompat::kRaid56 | incompat::kSkinnyMetadata |
                               incompat::kNoHoles | incompat::kMetadataUuid | incompat::kRaid1c34 |
                               incompat::kSimpleQuota;  // see Volume::check_writable

struct Feature {
  uint64_t bit;
  const char* name;
};
constexpr Feature kUnreadable[] = {{incompat::kZoned, "zoned"},
                                   {incompat::kExtentTreeV2, "extent-tree-v2"},
                                   {incompat::kRaidStripeTree, "raid-stripe-tree"}};

std::string feature_names(uint64_t bits) {
  std::string names;
  for (const Feature& feature : kUnreadable) {
    if (!(bits & feature.bit)) continue;
    names += names.empty() ? feature.name : std::string(", ") + feature.name;
    bits &= ~feature.bit;
  }
  if (bits != 0) names += fmt::format("{}unknown bits 0x{:x}", names.empty() ? "" : ", ", bits);
  return names;
}

std::string conversion_names(uint64_t flags) {
  std::vector<std::string_view> names;
  if (flags & super_flag::kChangingBlockGroupTree) names.push_back("a conversion of the block group tree");
  if (flags & super_flag::kChangingDataCsum) names.push_back("a change of the data checksums");
  if (flags & super_flag::kChangingMetaCsum) names.push_back("a change of the metadata checksums");
  return fmt::format("{}", fmt::join(names, " and "));
}

}  // namespace

Status check_super_supported(const DiskSuper& super, SuperFlags flags) {
  if (uint64_t unreadable = super.incompat_flags & ~kReadable)
    return make_error(ENOTSUP, "unsupported incompat features: {}", feature_names(unreadable));
  if (super.sectorsize != kSectorSize)
    return make_error(ENOTSUP, "unsupported sectorsize {}, only {} is", uint32_t{super.sectorsize},
                      kSectorSize);
  if (super.flags & super_flag::kMetadump)
    return make_error(ENOTSUP, "this is a dump of metadata, restore it to all devices first");
  if (flags == SuperFlags::known && (super.flags & super_flag::kConversions))
    return make_error(ENOTSUP, "{} was interrupted: btrfstune finishes it", conversion_names(super.flags));
  return {};
}

}  // namespace butterfuse
