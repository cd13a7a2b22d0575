// SPDX-License-Identifier: GPL-2.0-or-later
// Writing extents: checksums of what is stored, and the device writes, on workers.
#pragma once

#include "core/writeback/cow_extent.h"

namespace butterfuse {

// csum_size bytes for each sector of `stored` (whole sectors) to `out`.
void checksum_sectors(CsumType type, ByteSpan stored, std::byte* out);

// Queues the writes of an uncompressed extent, in units that workers checksum and write in parallel; the last
// one finishes the group.
void write_uncompressed(const CowGroupRef& group);
// Queues one write of a group's compressed extents, which lie one behind the other on disk, and its finish.
void write_compressed(const CowGroupRef& group);
// Queues the finish of an extent that has no bytes of its own on disk.
void write_inline(const CowGroupRef& group);

}  // namespace butterfuse
