// SPDX-License-Identifier: GPL-2.0-or-later
// From tree blocks in memory to coalesced writes with checksums.
#include "core/transaction/block_writer.h"

#include <algorithm>
#include <cstring>

#include "core/ondisk/tree_checker.h"

namespace butterfuse {
namespace {

// Neighbours go out in one write, of at most so much: a disk gains nothing from larger ones.
constexpr size_t kMaxWriteBytes = 1u << 20;

class BlockWriter {
 public:
  BlockWriter(Volume& volume, uint64_t transid) : volume_(volume), transid_(transid) {
    const DiskSuper& super = volume.super();
    check_ = {.nodesize = super.nodesize,
              .sectorsize = super.sectorsize,
              .incompat = super.incompat_flags,
              .total_bytes = super.total_bytes,
              .generation = transid};
    buffer_.reserve(kMaxWriteBytes);
  }

  Status add(const TreeBlock& block) {
    if (!fits(block.bytenr())) BF_TRY(flush());
    if (buffer_.empty()) BF_TRY(start_run(block.bytenr()));
    const size_t at = buffer_.size();
    buffer_.insert(buffer_.end(), block.bytes().begin(), block.bytes().end());
    return seal(block.bytenr(), MutableByteSpan(buffer_).subspan(at));
  }

  Status flush() {
    if (buffer_.empty()) return {};
    Status written = volume_.write(start_, buffer_, WriteKind::metadata);
    buffer_.clear();
    return written;
  }

 private:
  bool fits(uint64_t bytenr) const {
    return !buffer_.empty() && start_ + buffer_.size() == bytenr && bytenr < chunk_end_ &&
           buffer_.size() + volume_.nodesize() <= kMaxWriteBytes;
  }

  Status start_run(uint64_t bytenr) {
    auto chunk = volume_.chunk_at(bytenr);
    if (!chunk) return make_error(EUCLEAN, "tree block {} lies in no chunk", bytenr);
    start_ = bytenr;
    chunk_end_ = chunk->start + chunk->length;
    return {};
  }

  Status seal(uint64_t bytenr, MutableByteSpan block) {
    auto& header = *reinterpret_cast<DiskHeader*>(block.data());
    if (header.bytenr != bytenr || header.generation != transid_)
      return make_error(EUCLEAN,
                        "dirty tree block {}: header says bytenr {} generation {}, want generation {}",
                        bytenr, uint64_t{header.bytenr}, uint64_t{header.generation}, transid_);
    header.flags = header.flags | header_flag::kWritten;
    BF_TRY(check_tree_block(check_, block));
    std::memset(header.csum, 0, sizeof(header.csum));
    CsumValue csum = checksum(volume_.csum_type(), block.subspan(sizeof(header.csum)));
    std::memcpy(header.csum, csum.data(), csum.size());
    return {};
  }

  Volume& volume_;
  const uint64_t transid_;
  TreeCheckContext check_;
  uint64_t start_ = 0;
  uint64_t chunk_end_ = 0;
  std::vector<std::byte> buffer_;  // one run of neighbouring blocks, sealed
};

}  // namespace

Status write_tree_blocks(Volume& volume, const std::vector<TreeBlockRef>& blocks, uint64_t transid) {
  BlockWriter writer(volume, transid);
  for (const TreeBlockRef& block : blocks) BF_TRY(writer.add(*block));
  return writer.flush();
}

}  // namespace butterfuse
