// SPDX-License-Identifier: GPL-2.0-or-later
// Zeroing of the places where signatures lie.
// Zeros are read first and not written again: of a sparse file, or a device that was just discarded, they
// would only take space.
#include "core/mkfs/wipe.h"

#include <algorithm>
#include <vector>

#include "core/base/byte_range.h"
#include "core/ondisk/constants.h"

namespace butterfuse {
namespace {

// Partition tables and file systems sign within the first MiB, some RAIDs and GPT's copy within the last.
constexpr uint64_t kEdgeBytes = 2 << 20;
// What is zero is decided for so much at a time.
constexpr size_t kPieceBytes = 64 << 10;

Status zero_range(BlockDevice& device, ByteRange range) {
  std::vector<std::byte> piece(kPieceBytes);
  for (uint64_t position = range.start; position < range.end; position += kPieceBytes) {
    const MutableByteSpan bytes(piece.data(), std::min<uint64_t>(kPieceBytes, range.end - position));
    BF_TRY(device.read(position, bytes));
    if (std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; })) continue;
    std::ranges::fill(bytes, std::byte{0});
    BF_TRY(device.write(position, bytes, WriteKind::super));
  }
  return {};
}

}  // namespace

Status wipe_signatures(BlockDevice& device) {
  const uint64_t size = device.size_bytes();
  BF_TRY(zero_range(device, {0, std::min(kEdgeBytes, size)}));
  BF_TRY(zero_range(device, {size - std::min(kEdgeBytes, size), size}));
  for (int mirror = 1; mirror < kSuperMirrors; ++mirror)
    if (const uint64_t offset = super_mirror_offset(mirror); offset + kSuperSize <= size)
      BF_TRY(zero_range(device, ByteRange::at(offset, kSuperSize)));
  return device.flush();
}

}  // namespace butterfuse
