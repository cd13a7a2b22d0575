// ExtentReader: bytes of files from their extents: read, verify checksums, try the other copy, decompress.
#pragma once

#include <optional>

#include "core/items/file_extent.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

// Thread-safe. Keeps a small cache of nothing: what it decodes goes to the caller.
class ExtentReader {
 public:
  explicit ExtentReader(Filesystem& filesystem) : filesystem_(filesystem) {}

  // File bytes [range) of the extents on disk into `into` (into.size() == range.length()); holes, prealloc and bytes
  // behind the last extent read as zero. `range.start` sector-aligned. Every sector is checked against its checksum
  // (unless nodatasum); a bad copy is retried from the other. EIO names inode, offset, bytenr, want and have.
  Status read(Tree& tree, uint64_t ino, bool nodatasum, ByteRange range, MutableByteSpan into);

  // The range that is cheapest to read together with `position`: the whole compressed extent that covers it,
  // cut to [limit), or an empty range when the extent is not compressed.
  Result<ByteRange> natural_range(Tree& tree, uint64_t ino, uint64_t position, ByteRange limit);

  // Checks and counts of what was repaired from another copy.
  uint64_t csum_errors() const { return csum_errors_; }

 private:
  Filesystem& filesystem_;
  std::atomic<uint64_t> csum_errors_{0};
};

}  // namespace butterfuse
