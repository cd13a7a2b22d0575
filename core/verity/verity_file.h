// SPDX-License-Identifier: GPL-2.0-or-later
// VerityFile: checks the content of one sealed file against its Merkle tree.
#pragma once

#include <functional>

#include "core/base/byte_range.h"
#include "core/btree/tree.h"
#include "core/verity/verified_blocks.h"
#include "core/verity/verity_descriptor.h"

namespace butterfuse {

// Thread-safe: nothing of it changes. The tree and `verified` outlive it.
class VerityFile {
 public:
  // Reads bytes of the file from its extents, unchecked: for data blocks that a caller has only a part of.
  using ReadContent = std::function<Status(ByteRange range, MutableByteSpan into)>;

  // EIO when the descriptor is missing or wrong.
  static Result<VerityFile> open(Tree& tree, uint64_t ino, uint64_t file_size, VerifiedBlocks& verified);

  const VerityDescriptor& descriptor() const { return descriptor_; }
  // `content` is what the file has in [range.start, range.start + content.size()), as it was read; what lies
  // behind the file's size does not count. EIO, with the offset, where it is not what was sealed. Takes the
  // tree's shared lock for blocks that `verified` lacks, and none while read_content runs.
  Status check(ByteRange range, ByteSpan content, const ReadContent& read_content) const;

 private:
  VerityFile(Tree& tree, uint64_t ino, VerityDescriptor descriptor, VerifiedBlocks& verified)
      : tree_(&tree), ino_(ino), descriptor_(std::move(descriptor)), verified_(&verified) {}
  VerityDigest digest_of_block(ByteSpan block) const;
  Status check_data_block(uint64_t index, ByteSpan block) const;
  // The hash that the tree has for block `index` of `level` (-1: of data), which is known to be good.
  Result<VerityDigest> wanted_digest(int level, uint64_t index) const;
  Result<VerifiedBlocks::Block> verified_block(int level, uint64_t index) const;

  Tree* tree_;
  uint64_t ino_;
  VerityDescriptor descriptor_;
  VerifiedBlocks* verified_;
};

}  // namespace butterfuse
