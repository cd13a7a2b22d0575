// SPDX-License-Identifier: GPL-2.0-or-later
// DataOwner: the inode, as the data side sees it.
#pragma once

#include <cstdint>

#include "core/base/byte_range.h"
#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/delalloc/compress_choice.h"

namespace butterfuse {

class TransactionHandle;
class Tree;

// What the data side needs to know and tell of its inode; Inode of fs/inode implements it. Called from any
// thread, with no page lock needed; implementations take only their own small mutex.
class DataOwner {
 public:
  virtual ~DataOwner() = default;
  virtual Tree& tree() = 0;
  virtual uint64_t root_id() const = 0;  // of that tree
  virtual uint64_t ino() const = 0;
  virtual CompressChoice compress_choice() const = 0;  // mount option, property and inode flags combined
  virtual bool nodatasum() const = 0;
  virtual bool nodatacow() const = 0;
  // Space was preallocated for it at some time (inode flag PREALLOC): its writes look for such extents.
  virtual bool has_prealloc() const { return false; }
  // `content` was read from the file's extents for the whole pages of `range`: EIO when it is not what it
  // must be, beyond what checksums say (fs-verity). Reads trees; called with pages locked.
  virtual Status check_content(ByteRange, ByteSpan) { return {}; }
  // Its data is written anew: where it lies now is what is wrong with it.
  virtual bool is_rewritten() const { return false; }
  // The file turned out not to compress (sticky NOCOMPRESS flag is the owner's decision).
  virtual void note_incompressible() = 0;
  // A finished extent changed what the inode item says; called inside `handle`'s transaction: the new item
  // must be written before that transaction commits. `disk_size`: bytes [0, disk_size) of the file are
  // complete on disk.
  virtual void note_extents_changed(TransactionHandle& handle, int64_t nbytes_delta, uint64_t disk_size) = 0;
};

}  // namespace butterfuse
