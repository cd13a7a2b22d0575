// SPDX-License-Identifier: GPL-2.0-or-later
// Verified reading: sectors of data checked against the csum tree, with other copies tried for bad ones.
#pragma once

#include <atomic>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

// Whose bytes are read: for messages, and for how they are judged.
struct ReadOrigin {
  uint64_t root_id = 0;
  uint64_t ino = 0;
  uint64_t file_offset = 0;  // of the first byte; where extents are compressed, of the begin of the first
  bool nodatasum = false;    // take the bytes as they are
};

// Reads into.size() bytes (whole sectors) at `bytenr`. Every sector must match its checksum in some copy;
// sectors without a checksum are errors as in the kernel. `csum_errors` counts sectors that were bad in a
// copy. Takes the csum tree's shared lock for the look-up, and none during I/O. EIO names the first sector
// that no copy could serve, EUCLEAN says that no chunk maps the range. What is in `into` after an error is
// undefined. May write: a bad copy is put right where the mount is writable.
Status read_verified(Filesystem& filesystem, const ReadOrigin& origin, uint64_t bytenr, MutableByteSpan into,
                     std::atomic<uint64_t>& csum_errors);

}  // namespace butterfuse
