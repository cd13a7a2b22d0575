// SPDX-License-Identifier: GPL-2.0-or-later
// Finding and reserving what a log occupies.
//
// An extent of a log is either known to the extent tree (a file was cloned, or an old extent is logged
// again), and then it needs no space; or it is fresh, and its data is in space that is free for the
// allocator. The first item that names a fresh extent queues its extent item (take_fresh), others add
// a reference.
#include "core/log/logged_space.h"

#include "core/items/file_extent.h"

namespace butterfuse {

Status LoggedSpace::reserve(Tree& log) {
  ReadCursor cursor(log);
  BF_TRY(cursor.seek(Key{}));
  if (!cursor.valid()) {  // an empty root
    BF_ASSIGN(TreeBlockRef root, log.cache().get(log.root().bytenr, {.generation = log.root().generation}));
    return reserve_block(*root);
  }
  const TreeBlock* leaf = nullptr;
  for (; cursor.valid();) {
    if (&cursor.path().leaf() != leaf) {
      leaf = &cursor.path().leaf();
      for (int level = 0; level < cursor.path().height; ++level)
        BF_TRY(reserve_block(cursor.path().block(level)));
    }
    ++items_;
    if (cursor.key().type == key_type::kExtentData) BF_TRY(reserve_extent(cursor.key(), cursor.data()));
    BF_TRY(cursor.next());
  }
  return {};
}

Status LoggedSpace::reserve_block(const TreeBlock& block) {
  if (blocks_.contains(block.bytenr())) return {};
  if (block.header().owner != objectid::kTreeLog)
    return make_error(EUCLEAN, "log tree: block {} belongs to tree {}", block.bytenr(),
                      uint64_t{block.header().owner});
  const auto range = ByteRange::at(block.bytenr(), block.bytes().size());
  if (auto status = filesystem_.allocator().reserve_at(SpaceClass::metadata, range); !status)
    return make_error(status.error().code, "log tree: block {}: {}", block.bytenr(), status.error().message);
  blocks_.insert(block.bytenr());
  return {};
}

Result<bool> LoggedSpace::has_extent_item(ByteRange extent) {
  BF_ASSIGN(const auto item,
            lookup_item(filesystem_.extent_tree(), {extent.start, key_type::kExtentItem, extent.length()}));
  if (!item || item->size() < sizeof(DiskExtentItem)) return false;
  return (load<DiskExtentItem>(*item).flags & extent_flag::kData) != 0;
}

Status LoggedSpace::reserve_extent(const Key& key, ByteSpan item) {
  const FileExtent file_extent = decode_file_extent(key, item);
  if (file_extent.kind != ExtentKind::regular && file_extent.kind != ExtentKind::prealloc) return {};
  if (file_extent.disk_bytenr == 0) return {};
  const uint64_t start = file_extent.disk_bytenr, length = file_extent.disk_num_bytes;
  for (const auto* known : {&fresh_, &existing_}) {
    auto found = known->find(start);
    if (found == known->end()) continue;
    if (found->second == length) return {};
    return make_error(EUCLEAN, "log tree: {}: extent {} has {} bytes, and {} in another item", to_text(key),
                      start, length, found->second);
  }
  BF_ASSIGN(const bool exists, has_extent_item(ByteRange::at(start, length)));
  if (!exists) {
    auto status = filesystem_.allocator().reserve_at(SpaceClass::data, ByteRange::at(start, length));
    if (!status)
      return make_error(status.error().code, "log tree: {}: extent at {}: {}", to_text(key), start,
                        status.error().message);
  }
  (exists ? existing_ : fresh_).emplace(start, length);
  return {};
}

Result<bool> LoggedSpace::take_fresh(ByteRange extent) {
  auto fresh = fresh_.find(extent.start);
  if (fresh == fresh_.end()) {
    auto known = existing_.find(extent.start);
    if (known != existing_.end() && known->second == extent.length()) return false;
    return make_error(EUCLEAN, "log tree: extent [{}, {}) was not seen before", extent.start, extent.end);
  }
  existing_.insert(*fresh);
  fresh_.erase(fresh);
  return true;
}

void LoggedSpace::release() {
  const uint64_t nodesize = filesystem_.volume().nodesize();
  for (uint64_t bytenr : blocks_) filesystem_.allocator().release_reserved(ByteRange::at(bytenr, nodesize));
  for (const auto& [start, length] : fresh_)
    filesystem_.allocator().release_reserved(ByteRange::at(start, length));
  blocks_.clear();
  fresh_.clear();
}

}  // namespace butterfuse
