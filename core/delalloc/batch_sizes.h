// SPDX-License-Identifier: GPL-2.0-or-later
// Batch sizes: how much file data goes through each stage of writeback at once.
#pragma once

#include <cstdint>

#include "core/cache/page.h"
#include "core/ondisk/constants.h"

namespace butterfuse {

// A batch is what the runner locks at once; what is compressed it cuts into chunks, and a chunk into pieces:
//
//     batch   |<----------------- 4 MiB ------------------>|      not compressed: 32 MiB, of one extent
//     chunk   |<- 512 KiB ->|<- 512 KiB ->| ...                   one job of a worker
//     piece   |--|--|--|--|                                       128 KiB, one extent
//
// A piece is as long as the format lets a compressed extent be, and what a reader decompresses for a byte of
// it. A chunk is long enough that handing it over costs nothing beside compressing it, and short enough that
// a few MiB keep all workers busy. The batch of what is not compressed sets how long an extent gets; whoever
// writes to its pages anew waits until it is written.
constexpr uint64_t kPieceBytes = kFolioBytes;       // input of one codec call at most
constexpr uint64_t kChunkBytes = 512u << 10;        // file data of one async chunk at most
constexpr uint64_t kCompressBatchBytes = 4u << 20;  // pages writepages locks at once when they are compressed
constexpr uint64_t kPlainBatchBytes = 32u << 20;    // and when they are not
constexpr uint64_t kWriteUnitBytes = 2u << 20;      // one write of an uncompressed extent
static_assert(kPieceBytes == kMaxCompressedBytes);
static_assert(kChunkBytes % kPieceBytes == 0);

}  // namespace butterfuse
