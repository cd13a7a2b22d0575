// SPDX-License-Identifier: GPL-2.0-or-later
// Verity items: walking the pieces in order.
// How long a piece is is up to who wrote it: only that they follow each other without a gap counts.
#include "core/verity/verity_items.h"

#include <algorithm>
#include <cstring>

#include "core/base/le.h"
#include "core/btree/cursor.h"
#include "core/ondisk/constants.h"
#include "core/verity/verity_descriptor.h"

namespace butterfuse {
namespace {

constexpr uint64_t kBytesBegin = 1;  // offset of the descriptor's first byte; 0 has its size

struct [[gnu::packed]] DiskDescriptorSize {
  le64 size;
  le64 reserved[2];
  uint8_t encryption;
};
static_assert(sizeof(DiskDescriptorSize) == 25);

Result<uint64_t> descriptor_size(Tree& tree, uint64_t ino) {
  BF_ASSIGN(const auto item, lookup_item(tree, {ino, key_type::kVerityDesc, 0}));
  if (!item || item->size() < sizeof(DiskDescriptorSize))
    return make_error(EIO, "root {} inode {} is sealed by fs-verity, and has no descriptor", tree.id(), ino);
  const auto disk = load<DiskDescriptorSize>(*item);
  const uint64_t size = disk.size;
  if (disk.reserved[0] != 0 || disk.reserved[1] != 0 || disk.encryption != 0 || size > kVerityDescriptorMax)
    return make_error(EIO, "root {} inode {}: verity descriptor of {} bytes, encryption {}", tree.id(), ino,
                      size, disk.encryption);
  return size;
}

}  // namespace

Status read_verity_bytes(Tree& tree, uint64_t ino, uint8_t type, uint64_t offset, MutableByteSpan into) {
  ReadCursor cursor(tree);
  uint64_t at = offset;
  const uint64_t end = offset + into.size();
  const auto missing = [&] {
    return make_error(EIO, "root {} inode {}: verity item of type {} is missing at byte {}", tree.id(), ino,
                      type, at);
  };
  BF_ASSIGN(const bool found, cursor.seek_at_or_before({ino, type, offset}));
  if (!found) return missing();
  while (at < end) {
    if (!cursor.valid() || cursor.key().objectid != ino || cursor.key().type != type) return missing();
    const uint64_t start = cursor.key().offset;
    const ByteSpan piece = cursor.data();
    if (start > at || piece.size() <= at - start) return missing();
    const ByteSpan wanted = piece.subspan(at - start);
    const size_t bytes = std::min<uint64_t>(wanted.size(), end - at);
    std::memcpy(into.data() + (at - offset), wanted.data(), bytes);
    at += bytes;
    if (at < end) BF_TRY(cursor.next());
  }
  return {};
}

Result<std::vector<std::byte>> read_verity_descriptor(Tree& tree, uint64_t ino) {
  BF_ASSIGN(const uint64_t size, descriptor_size(tree, ino));
  std::vector<std::byte> bytes(size);
  if (size != 0) BF_TRY(read_verity_bytes(tree, ino, key_type::kVerityDesc, kBytesBegin, bytes));
  return bytes;
}

}  // namespace butterfuse
