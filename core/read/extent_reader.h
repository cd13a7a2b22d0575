// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentReader: bytes of files from their extents: read, verify checksums, try the other copy, decompress.
#pragma once

#include <optional>

#include "core/items/file_extent.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

// Thread-safe: callers parallelize by reading ranges from several threads; each thread keeps its own scratch
// buffers (ReadScratch, under 1 MiB). Keeps no cache: what it decodes goes to the caller.
//
// The list of extents is taken under the tree's shared lock, the I/O done without. Who reads must see to it
// that the file's extents in the range are not dropped meanwhile (the page cache's locked pages, the inode's
// extent range lock): space freed by a commit may be reused, and the reader would meet another file's bytes,
// which the checksums, looked up after the list, may even agree with.
class ExtentReader {
 public:
  explicit ExtentReader(Filesystem& filesystem) : filesystem_(filesystem) {}

  // File bytes [range) of the extents on disk into `into` (into.size() == range.length()); holes, prealloc
  // and bytes behind the last extent read as zero. `range.start` sector-aligned. Every sector is checked
  // against its checksum (unless nodatasum); a bad copy is retried from the other. EIO names inode, offset,
  // bytenr, want and have; EUCLEAN: an extent's numbers are impossible.
  Status read(Tree& tree, uint64_t ino, bool nodatasum, ByteRange range, MutableByteSpan into);

  // The range that is cheapest to read together with `position`: the whole compressed extent that covers it,
  // cut to [limit), or an empty range when the extent is not compressed.
  Result<ByteRange> natural_range(Tree& tree, uint64_t ino, uint64_t position, ByteRange limit);

  // How often a copy of a sector did not match its checksum, whether or not another one did.
  uint64_t csum_errors() const { return csum_errors_; }

 private:
  Filesystem& filesystem_;
  std::atomic<uint64_t> csum_errors_{0};
};

}  // namespace butterfuse
