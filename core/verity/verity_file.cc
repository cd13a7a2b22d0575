// SPDX-License-Identifier: GPL-2.0-or-later
// VerityFile: from a data block up to the root hash, or to a block that is known to be good.
// A block of the tree is good if its hash is in a block above it that is good, and the root hash is by
// itself. What was found good is kept by name, so that the way up ends after one step for most blocks of a
// sequential reader.
#include "core/verity/verity_file.h"

#include <algorithm>
#include <cstring>

#include "core/ondisk/constants.h"
#include "core/verity/verity_items.h"

namespace butterfuse {

Result<VerityFile> VerityFile::open(Tree& tree, uint64_t ino, uint64_t file_size, VerifiedBlocks& verified) {
  BF_ASSIGN(const auto bytes, read_verity_descriptor(tree, ino));
  auto descriptor = VerityDescriptor::parse(bytes, file_size);
  if (!descriptor)
    return make_error(descriptor.error().code, "root {} inode {}: {}", tree.id(), ino,
                      descriptor.error().message);
  return VerityFile(tree, ino, std::move(*descriptor), verified);
}

VerityDigest VerityFile::digest_of_block(ByteSpan block) const {
  return digest_of(descriptor_.hash, {ByteSpan(descriptor_.padded_salt), block});
}

Result<VerityDigest> VerityFile::wanted_digest(int level, uint64_t index) const {
  const auto parent = static_cast<size_t>(level) + 1;
  if (parent == descriptor_.level_start.size()) return descriptor_.root_hash;
  BF_ASSIGN(const auto block, verified_block(level + 1, index / descriptor_.hashes_per_block()));
  const size_t bytes = digest_size(descriptor_.hash);
  VerityDigest digest{};
  std::memcpy(digest.data(), block->data() + index % descriptor_.hashes_per_block() * bytes, bytes);
  return digest;
}

// Goes up at most kVerityLevelsMax times.
Result<VerifiedBlocks::Block> VerityFile::verified_block(int level, uint64_t index) const {
  const uint64_t place = descriptor_.level_start[static_cast<size_t>(level)] + index;
  const VerifiedBlocks::Name name{tree_->id(), ino_, place};
  if (auto known = verified_->find(name)) return known;
  auto bytes = std::make_shared<std::vector<std::byte>>(descriptor_.block_size);
  BF_TRY(read_verity_bytes(*tree_, ino_, key_type::kVerityMerkle, place * descriptor_.block_size, *bytes));
  BF_ASSIGN(const VerityDigest wanted, wanted_digest(level, index));
  if (digest_of_block(*bytes) != wanted)
    return make_error(EIO, "root {} inode {}: block {} of its verity tree is not what was sealed",
                      tree_->id(), ino_, place);
  VerifiedBlocks::Block block = std::move(bytes);
  verified_->add(name, block);
  return block;
}

Status VerityFile::check_data_block(uint64_t index, ByteSpan block) const {
  BF_ASSIGN(const VerityDigest wanted, wanted_digest(-1, index));
  if (digest_of_block(block) == wanted) return {};
  return make_error(EIO, "root {} inode {} offset {}: {} bytes are not what fs-verity sealed", tree_->id(),
                    ino_, index * descriptor_.block_size, block.size());
}

Status VerityFile::check(ByteRange range, ByteSpan content, const ReadContent& read_content) const {
  const uint64_t size = descriptor_.data_size, block_size = descriptor_.block_size;
  const uint64_t end = std::min(range.start + content.size(), size);
  std::vector<std::byte> block;
  for (uint64_t index = range.start / block_size; index * block_size < end; ++index) {
    const ByteRange whole = ByteRange::at(index * block_size, block_size);
    const ByteRange stored{whole.start, std::min(whole.end, size)};
    const bool is_there = stored.start >= range.start && stored.end <= range.start + content.size();
    if (is_there && stored.length() == block_size) {
      BF_TRY(check_data_block(index, content.subspan(stored.start - range.start, block_size)));
      continue;
    }
    block.assign(block_size, std::byte{});  // the last one is hashed with zeros behind the end
    if (is_there) {
      std::memcpy(block.data(), content.data() + (stored.start - range.start), stored.length());
    } else {
      BF_TRY(read_content(stored, MutableByteSpan(block).first(stored.length())));
      // What was read twice may differ: what the caller has is what counts.
      const ByteRange part = stored.intersection({range.start, end});
      std::memcpy(block.data() + (part.start - whole.start), content.data() + (part.start - range.start),
                  part.length());
    }
    BF_TRY(check_data_block(index, block));
  }
  return {};
}

}  // namespace butterfuse
