// SPDX-License-Identifier: GPL-2.0-or-later
// Defragmenting: a file's short extents written anew as fewer long ones, or all its data with another codec.
#pragma once

#include <functional>

#include "core/base/byte_range.h"
#include "core/ondisk/constants.h"
#include "fs/mount/mount.h"

namespace butterfuse {

struct DefragWish {
  ByteRange range{0, UINT64_MAX};                    // from a sector's start on
  uint8_t codec = compression_type::kNone;           // kNone: as the file's properties say
  uint64_t long_enough_bytes = uint64_t{256} << 10;  // extents from this length on are left alone
  bool whatever_flags = false;                       // chattr +i and READONLY: an administrator may
};

// Rewrites the data of a regular file where that makes fewer extents of it, or where it is not compressed as
// wished. Holes and preallocated space stay what they are, and times do: the content does not change. What
// the file shares with others is shared no more. The wish for a codec is not kept. Done in steps of bounded
// length, with the data lock of the inode free between them; `cancelled` is asked there (EINTR). EROFS,
// EPERM, EINVAL, ENOSPC, EIO; what was done by then stays.
Status defragment(Mount& mount, Inode& inode, const DefragWish& wish,
                  const std::function<bool()>& cancelled = nullptr);

}  // namespace butterfuse
