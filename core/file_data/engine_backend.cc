// SPDX-License-Identifier: GPL-2.0-or-later
// EngineBackend: file extents, inline extents and checksums, in one transaction each time.
#include "core/file_data/engine_backend.h"

#include "core/btree/cursor.h"
#include "core/csum/csum_tree.h"
#include "core/file_data/in_place.h"
#include "core/items/file_extent.h"

namespace butterfuse {
namespace {

// Items that one finished extent may change: its file extent with what it replaces, and its checksums.
constexpr uint64_t kItemsPerExtent = 2;
// From this size on the device starts writing at once, so that a flush at commit finds little to do.
constexpr uint64_t kStartWritebackBytes = 256u << 10;

class EngineBackend final : public WritebackBackend {
 public:
  explicit EngineBackend(Filesystem& filesystem) : filesystem_(filesystem), reader_(filesystem) {}

  CsumType csum_type() const override { return filesystem_.volume().csum_type(); }
  uint64_t max_inline_bytes() const override { return butterfuse::max_inline_bytes(filesystem_); }

  Result<Reservation> reserve_data(uint64_t bytes) override {
    return filesystem_.allocator().reserve(SpaceClass::data, bytes);
  }
  Result<Reservation> reserve_metadata(uint64_t bytes, uint64_t root) override {
    return filesystem_.allocator().reserve_metadata(bytes, root);
  }
  uint64_t metadata_bytes_per_extent() const override {
    return filesystem_.allocator().metadata_bytes_for_items(kItemsPerExtent);
  }

  // What the allocator knows to be pinned is not all: references that were dropped may still be queued.
  Result<bool> commit_for_space() override { return filesystem_.commit_for_space(); }

  Result<ByteRange> alloc_extent(uint64_t bytes, uint64_t min_bytes, uint64_t hint) override {
    Allocator& allocator = filesystem_.allocator();
    Result<ByteRange> taken = allocator.alloc_data(bytes, min_bytes, hint);
    if (allocator.hear_that_commit_is_due()) filesystem_.request_commit();
    return taken;
  }
  Result<std::vector<InPlaceRange>> in_place_ranges(DataOwner& owner, ByteRange file) override {
    return butterfuse::in_place_ranges(filesystem_, owner, file);
  }
  void release_extent(ByteRange disk) override { filesystem_.allocator().release_reserved(disk); }

  Status write(uint64_t bytenr, const std::vector<ByteSpan>& pieces) override {
    uint64_t bytes = 0;
    for (const ByteSpan piece : pieces) bytes += piece.size();
    BF_TRY(filesystem_.volume().write_gather(bytenr, pieces, WriteKind::data));
    if (bytes >= kStartWritebackBytes) filesystem_.volume().start_writeback(bytenr, bytes);
    return {};
  }

  Status read(DataOwner& owner, ByteRange file, MutableByteSpan into) override {
    BF_TRY(reader_.read(owner.tree(), owner.ino(), owner.nodatasum(), file, into));
    return owner.check_content(file, into);
  }
  Result<ByteRange> compressed_range(DataOwner& owner, uint64_t position, ByteRange limit) override {
    return reader_.natural_range(owner.tree(), owner.ino(), position, limit);
  }

  Status finish_regular(DataOwner& owner, std::span<const FinishedExtent> extents, Reservation metadata,
                        const ExtentsInTrees& in_trees) override {
    Result<TransactionHandle> handle = filesystem_.begin_reserved(std::move(metadata));
    if (!handle) {
      for (const FinishedExtent& extent : extents)
        if (!extent.in_place) release_extent(extent.disk);
      return tl::unexpected(handle.error());
    }
    const WriterLock moving(in_trees.moving);
    if (extents.front().in_place)
      return abort_on_error(*handle, note_in_place(owner, extents.front(), *handle, in_trees));
    return abort_on_error(*handle, insert_regular(owner, extents, *handle, in_trees));
  }

  Status insert_inline(DataOwner& owner, const InlineData& data, Reservation metadata,
                       const ExtentsInTrees& in_trees) override {
    BF_ASSIGN(TransactionHandle handle, filesystem_.begin_reserved(std::move(metadata)));
    const WriterLock moving(in_trees.moving);
    return abort_on_error(handle, insert_inline_item(owner, data, handle, in_trees));
  }

  // An error has been recorded already; one more, which leaves the file system read-only, adds nothing to it.
  void cover_unwritten(DataOwner& owner, ByteRange file, Reservation metadata,
                       const ExtentsInTrees& in_trees) override {
    Result<TransactionHandle> handle = filesystem_.begin_reserved(std::move(metadata));
    if (!handle) return;
    const WriterLock moving(in_trees.moving);
    (void)abort_on_error(*handle, cover_and_tell(owner, file.end, *handle, in_trees));
  }

 private:
  // A change that stopped half-way must never reach the disk. The space stays allocated in memory: it ends
  // with the mount.
  Status abort_on_error(TransactionHandle& handle, Status status) {
    if (!status) handle.abort(status.error());
    return status;
  }

  Status cover_and_tell(DataOwner& owner, uint64_t end, TransactionHandle& handle,
                        const ExtentsInTrees& in_trees) {
    BF_TRY(fill_gaps_before(owner.tree(), handle, owner.ino(), end, true));
    return tell_owner(owner, 0, handle, in_trees);
  }

  // The size on disk may now reach over bytes that no extent was ever written for.
  Status tell_owner(DataOwner& owner, int64_t nbytes_delta, TransactionHandle& handle,
                    const ExtentsInTrees& in_trees) {
    const uint64_t disk_size = in_trees();
    BF_TRY(fill_gaps_before(owner.tree(), handle, owner.ino(), round_up(disk_size, kSectorBytes),
                            owner.has_prealloc()));
    owner.note_extents_changed(handle, nbytes_delta, disk_size);
    return {};
  }

  Status insert_regular(DataOwner& owner, std::span<const FinishedExtent> extents, TransactionHandle& handle,
                        const ExtentsInTrees& in_trees) {
    Tree& tree = owner.tree();
    const uint64_t ino = owner.ino();
    const ByteRange range{extents.front().file.start, extents.back().file.end};
    BF_ASSIGN(const uint64_t dropped, drop_file_extents(tree, handle, ino, range));
    BF_TRY(fill_gaps_before(tree, handle, ino, range.start, owner.has_prealloc()));
    for (const FinishedExtent& extent : extents) {
      FileExtent item;
      item.kind = ExtentKind::regular;
      item.start = extent.file.start;
      item.num_bytes = item.ram_bytes = extent.file.length();
      item.disk_bytenr = extent.disk.start;
      item.disk_num_bytes = extent.disk.length();
      item.compression = extent.compression;
      item.generation = handle.transid();
      BF_TRY(insert_file_extent(tree, handle, ino, item, true));
    }
    BF_TRY(insert_checksums(extents, handle));
    return tell_owner(owner, static_cast<int64_t>(range.length()) - static_cast<int64_t>(dropped), handle,
                      in_trees);
  }

  Status note_in_place(DataOwner& owner, const FinishedExtent& extent, TransactionHandle& handle,
                       const ExtentsInTrees& in_trees) {
    BF_TRY(fill_gaps_before(owner.tree(), handle, owner.ino(), extent.file.start, owner.has_prealloc()));
    if (extent.in_place->prealloc) {
      BF_TRY(mark_extent_written(owner.tree(), handle, owner.ino(), extent.in_place->file));
      BF_TRY(insert_checksums({&extent, 1}, handle));
    }
    return tell_owner(owner, 0, handle, in_trees);
  }

  // One insertion for extents that lie one behind the other on disk.
  Status insert_checksums(std::span<const FinishedExtent> extents, TransactionHandle& handle) {
    std::vector<std::byte> run;
    for (size_t i = 0, first = 0; i < extents.size(); ++i) {
      run.insert(run.end(), extents[i].csums.begin(), extents[i].csums.end());
      if (i + 1 < extents.size() && extents[i + 1].disk.start == extents[i].disk.end) continue;
      if (!run.empty()) {
        BF_TRY(insert_csums(filesystem_.csum_tree(), handle, extents[first].disk.start, run, kSectorBytes,
                            static_cast<uint32_t>(csum_size(csum_type()))));
      }
      run.clear();
      first = i + 1;
    }
    return {};
  }

  Status insert_inline_item(DataOwner& owner, const InlineData& data, TransactionHandle& handle,
                            const ExtentsInTrees& in_trees) {
    Tree& tree = owner.tree();
    BF_ASSIGN(const uint64_t dropped, drop_file_extents(tree, handle, owner.ino(), {0, kSectorBytes}));
    FileExtent item;
    item.kind = ExtentKind::inline_data;
    item.num_bytes = item.ram_bytes = data.ram_bytes;
    item.compression = data.compression;
    item.generation = handle.transid();
    item.data = data.stored;
    BF_TRY(insert_file_extent(tree, handle, owner.ino(), item, true));
    return tell_owner(owner, static_cast<int64_t>(data.ram_bytes) - static_cast<int64_t>(dropped), handle,
                      in_trees);
  }

  Filesystem& filesystem_;
  ExtentReader reader_;
};

}  // namespace

std::unique_ptr<WritebackBackend> make_engine_backend(Filesystem& filesystem) {
  return std::make_unique<EngineBackend>(filesystem);
}

}  // namespace butterfuse
