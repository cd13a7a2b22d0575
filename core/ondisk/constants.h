// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers of the on-disk format: object ids, key types, flags, feature bits, limits.
// Source: the btrfs documentation, "On-disk format", and the UAPI of Linux.
#pragma once

#include <cstdint>

namespace butterfuse {

constexpr uint64_t kSuperMagic = 0x4D5F53665248425Full;  // "_BHRfS_M"
constexpr uint64_t kSuperOffset = 65536;
constexpr uint32_t kSuperSize = 4096;
constexpr int kSuperMirrors = 3;
constexpr uint64_t super_mirror_offset(int mirror) {  // 64 KiB, 64 MiB, 256 GiB
  return mirror == 0 ? kSuperOffset : (uint64_t{16384} << (12 * mirror));
}
constexpr uint32_t kSectorSize = 4096;  // the only one that is made and mounted
constexpr int kMaxLevel = 8;            // root level is below this
constexpr uint32_t kNameMax = 255;
constexpr uint64_t kStripeLen = 65536;
constexpr uint64_t kMaxExtentBytes = 128u << 20;      // longest uncompressed data extent
constexpr uint64_t kMaxCompressedBytes = 128u << 10;  // most file bytes in one compressed extent

namespace objectid {
constexpr uint64_t kRootTree = 1, kExtentTree = 2, kChunkTree = 3, kDevTree = 4, kFsTree = 5,
                   kRootTreeDir = 6, kCsumTree = 7, kQuotaTree = 8, kUuidTree = 9, kFreeSpaceTree = 10,
                   kBlockGroupTree = 11;
constexpr uint64_t kDevStats = 0;
constexpr uint64_t kBalance = uint64_t(-4), kOrphan = uint64_t(-5), kTreeLog = uint64_t(-6),
                   kTreeLogFixup = uint64_t(-7), kTreeReloc = uint64_t(-8), kDataRelocTree = uint64_t(-9),
                   kExtentCsum = uint64_t(-10), kFreeSpace = uint64_t(-11), kFreeIno = uint64_t(-12),
                   kMultiple = uint64_t(-255);
constexpr uint64_t kFirstFree = 256, kLastFree = uint64_t(-256);
constexpr uint64_t kFirstChunkTree = 256;  // objectid of all CHUNK_ITEMs
constexpr uint64_t kDevItems = 1;          // objectid of all DEV_ITEMs
}  // namespace objectid

namespace key_type {
constexpr uint8_t kInodeItem = 1, kInodeRef = 12, kInodeExtref = 13, kXattrItem = 24, kVerityDesc = 36,
                  kVerityMerkle = 37, kOrphanItem = 48, kDirLogItem = 60, kDirLogIndex = 72, kDirItem = 84,
                  kDirIndex = 96, kExtentData = 108, kExtentCsum = 128, kRootItem = 132, kRootBackref = 144,
                  kRootRef = 156, kExtentItem = 168, kMetadataItem = 169, kExtentOwnerRef = 172,
                  kTreeBlockRef = 176, kExtentDataRef = 178, kSharedBlockRef = 182, kSharedDataRef = 184,
                  kBlockGroupItem = 192, kFreeSpaceInfo = 198, kFreeSpaceExtent = 199, kFreeSpaceBitmap = 200,
                  kDevExtent = 204, kDevItem = 216, kChunkItem = 228, kRaidStripe = 230, kQgroupStatus = 240,
                  kQgroupInfo = 242, kQgroupLimit = 244, kQgroupRelation = 246, kTemporaryItem = 248,
                  kPersistentItem = 249, kDevReplace = 250, kUuidSubvol = 251, kUuidReceivedSubvol = 252,
                  kStringItem = 253;
}  // namespace key_type

// Block group and chunk types.
namespace bg {
constexpr uint64_t kData = 1, kSystem = 2, kMetadata = 4, kRaid0 = 8, kRaid1 = 16, kDup = 32, kRaid10 = 64,
                   kRaid5 = 128, kRaid6 = 256, kRaid1c3 = 512, kRaid1c4 = 1024;
constexpr uint64_t kTypeMask = kData | kSystem | kMetadata;
constexpr uint64_t kProfileMask = kRaid0 | kRaid1 | kDup | kRaid10 | kRaid5 | kRaid6 | kRaid1c3 | kRaid1c4;
}  // namespace bg

namespace extent_flag {
constexpr uint64_t kData = 1, kTreeBlock = 2, kFullBackref = 256;
}
namespace header_flag {
constexpr uint64_t kWritten = 1, kReloc = 2;
constexpr int kBackrefRevShift = 56;
constexpr uint64_t kMixedBackrefRev = 1;
}  // namespace header_flag
namespace inode_flag {
constexpr uint64_t kNoDataSum = 1, kNoDataCow = 2, kReadonly = 4, kNoCompress = 8, kPrealloc = 16, kSync = 32,
                   kImmutable = 64, kAppend = 128, kNoDump = 256, kNoAtime = 512, kDirSync = 1024,
                   kCompress = 2048, kRootItemInit = 1u << 31,
                   kRoVerity = uint64_t{1} << 32;  // the upper half: what old kernels may only read
}
namespace root_flag {
constexpr uint64_t kReadonly = 1, kDead = uint64_t{1} << 48;
}
namespace file_extent_type {
constexpr uint8_t kInline = 0, kRegular = 1, kPrealloc = 2;
}
namespace compression_type {
constexpr uint8_t kNone = 0, kZlib = 1, kLzo = 2, kZstd = 3;
}
namespace file_type {  // of dir items
constexpr uint8_t kUnknown = 0, kRegular = 1, kDir = 2, kChardev = 3, kBlockdev = 4, kFifo = 5, kSocket = 6,
                  kSymlink = 7, kXattr = 8;
}
namespace compat_ro {
constexpr uint64_t kFreeSpaceTree = 1, kFreeSpaceTreeValid = 2, kVerity = 4, kBlockGroupTree = 8;
}
namespace incompat {
constexpr uint64_t kMixedBackref = 1, kDefaultSubvol = 2, kMixedGroups = 4, kCompressLzo = 8,
                   kCompressZstd = 16, kBigMetadata = 32, kExtendedIref = 64, kRaid56 = 128,
                   kSkinnyMetadata = 256, kNoHoles = 512, kMetadataUuid = 1024, kRaid1c34 = 2048,
                   kZoned = 4096, kExtentTreeV2 = 8192, kRaidStripeTree = 16384, kSimpleQuota = 65536;
}
namespace super_flag {
constexpr uint64_t kWritten = 1, kReloc = 2, kError = 4, kSeeding = uint64_t{1} << 32,
                   kMetadump = uint64_t{1} << 33, kMetadumpV2 = uint64_t{1} << 34,
                   kChangingFsid = uint64_t{1} << 35, kChangingFsidV2 = uint64_t{1} << 36,
                   kChangingBlockGroupTree = uint64_t{1} << 38, kChangingDataCsum = uint64_t{1} << 39,
                   kChangingMetaCsum = uint64_t{1} << 40;
// A conversion was stopped half way.
constexpr uint64_t kConversions = kChangingBlockGroupTree | kChangingDataCsum | kChangingMetaCsum;
}  // namespace super_flag
constexpr uint32_t kFreeSpaceBitmapBytes = 256;  // of one FREE_SPACE_BITMAP item
namespace free_space_flag {
constexpr uint32_t kUsingBitmaps = 1;
}

}  // namespace butterfuse
