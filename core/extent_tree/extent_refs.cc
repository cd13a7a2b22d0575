// SPDX-License-Identifier: GPL-2.0-or-later
// How an extent's queued changes become items: inline while they fit, keyed beyond, nothing at no references.
//
//     EXTENT_ITEM  │ refs = 5 │ inline: a, b │            the sum counts all, inline and keyed
//     keyed refs     c, d, e: an item each, right behind it in the tree
//
// A reference is at one place only, inline or keyed. New ones go inline until the item is full; from then on,
// as long as one keyed reference is left, all new ones are keyed, even where the item has room again. Looking
// for a reference inline first and then by key is right in both cases.
//
// Order: keyed references change first, since that moves the cursor; the item, sought again, comes last.
#include "core/extent_tree/extent_refs.h"

namespace butterfuse {
namespace {

Key item_key(const ExtentChange& change, bool skinny_metadata) {
  if (!change.data && skinny_metadata)
    return {change.bytenr, key_type::kMetadataItem, static_cast<uint64_t>(change.level)};
  return {change.bytenr, key_type::kExtentItem, change.num_bytes};
}

tl::unexpected<Error> missing_ref(uint64_t bytenr, const ExtentRef& ref) {
  return make_error(EUCLEAN, "extent {}: no such reference to drop: {}", bytenr, to_text(ref));
}

}  // namespace

Result<ExtentOutcome> ExtentRefs::apply(const ExtentChange& change) {
  if (change.newborn) return insert_newborn(change);
  BF_TRY(seek_item(change));
  const Key key = cursor_.key();
  BF_ASSIGN(ExtentItem item, ExtentItem::decode(key, cursor_.data()));
  BF_ASSIGN(std::vector<RefDelta> keyed, merge_inline(item, change, false));
  for (const RefDelta& delta : keyed) BF_TRY(change_keyed(change.bytenr, delta));

  int64_t total = change.total();
  // Checked against the item before anything is written to it; the transaction aborts on any error here, so
  // that keyed references which were changed before never get to disk.
  if (total < 0 && static_cast<uint64_t>(-total) > item.refs)
    return make_error(EUCLEAN, "extent {}: {} references, {} to drop", change.bytenr, item.refs, -total);
  item.refs += total;
  item.flags |= change.add_flags;
  if (item.refs == 0) {
    BF_TRY(remove_item(key, item));
    return ExtentOutcome::removed;
  }
  BF_TRY(write_back(key, item));
  return ExtentOutcome::changed;
}

Result<ExtentOutcome> ExtentRefs::insert_newborn(const ExtentChange& change) {
  ExtentItem item;
  item.generation = cursor_.context().transid();
  item.flags = (change.data ? extent_flag::kData : extent_flag::kTreeBlock) | change.add_flags;
  item.has_block_info = !change.data && !shape_.skinny_metadata;
  item.first_key = change.first_key;
  item.level = static_cast<uint8_t>(change.level);
  int64_t total = change.total();
  if (total < 0) return make_error(EUCLEAN, "new extent {}: {} references", change.bytenr, total);
  BF_ASSIGN(std::vector<RefDelta> keyed, merge_inline(item, change, true));
  if (total == 0) return ExtentOutcome::vanished;
  item.refs = static_cast<uint64_t>(total);
  BF_TRY(cursor_.insert(item_key(change, shape_.skinny_metadata), ByteSpan(item.encode())));
  for (const RefDelta& delta : keyed) BF_TRY(change_keyed(change.bytenr, delta));
  return ExtentOutcome::inserted;
}

// Puts the cursor on the extent's item. Images may hold both shapes of tree block items. Skinny items can be
// turned on for a file system that has others: those stay until their block is freed.
Status ExtentRefs::seek_item(const ExtentChange& change) {
  const Key preferred = item_key(change, shape_.skinny_metadata);
  BF_ASSIGN(bool found, cursor_.seek(preferred));
  if (found) return {};
  if (!change.data && shape_.skinny_metadata) {
    BF_ASSIGN(bool found_full, cursor_.seek(item_key(change, false)));
    if (found_full) return {};
  }
  return make_error(EUCLEAN, "extent tree: no item {} for a reference change", to_text(preferred));
}

// REQUIRES the cursor on the extent's item. Leaves it elsewhere.
Result<bool> ExtentRefs::has_keyed_refs(uint64_t bytenr) {
  BF_TRY(cursor_.next());
  return cursor_.valid() && cursor_.key().objectid == bytenr &&
         cursor_.key().type < key_type::kBlockGroupItem;
}

// Applies what can be applied to the inline references and returns the rest, for keyed ones. As in the
// kernel, new references go inline only while the extent has no keyed reference at all, so that none is ever
// there twice. EUCLEAN: the count of a reference would be below 0, or above what the format holds.
Result<std::vector<RefDelta>> ExtentRefs::merge_inline(ExtentItem& item, const ExtentChange& change,
                                                       bool is_new) {
  std::vector<RefDelta> rest;
  bool any_new = false;
  for (const RefDelta& delta : change.deltas) {
    if (delta.delta == 0) continue;
    CountedRef* known = item.find(delta.ref);
    if (!known) {
      if (is_new && delta.delta < 0) return missing_ref(change.bytenr, delta.ref);
      any_new |= delta.delta > 0;
      rest.push_back(delta);
      continue;
    }
    int64_t count = int64_t{known->count} + delta.delta;
    if (count < 0) return missing_ref(change.bytenr, delta.ref);
    if (count > (delta.ref.is_data() ? int64_t{UINT32_MAX} : 1))
      return make_error(EUCLEAN, "extent {}: {} times {}", change.bytenr, count, to_text(delta.ref));
    known->count = static_cast<uint32_t>(count);
    if (count == 0) item.erase(delta.ref);
  }
  if (!any_new) return rest;
  bool keyed = false;
  if (!is_new) {
    BF_ASSIGN(keyed, has_keyed_refs(change.bytenr));
  }
  if (keyed) return rest;
  uint32_t bytes = item.encoded_bytes();
  std::erase_if(rest, [&](const RefDelta& delta) {
    if (delta.delta < 0 || bytes + delta.ref.inline_bytes() >= shape_.max_extent_item_bytes()) return false;
    bytes += delta.ref.inline_bytes();
    item.insert({delta.ref, static_cast<uint32_t>(delta.delta)});
    return true;
  });
  return rest;
}

Status ExtentRefs::write_back(const Key& key, const ExtentItem& item) {
  BF_ASSIGN(bool found, cursor_.seek(key));
  if (!found) return make_error(EUCLEAN, "extent item {} went away", to_text(key));
  std::vector<std::byte> bytes = item.encode();
  if (cursor_.data().size() != bytes.size()) BF_TRY(cursor_.resize(static_cast<uint32_t>(bytes.size())));
  BF_ASSIGN(MutableByteSpan into, cursor_.mutable_data());
  std::copy(bytes.begin(), bytes.end(), into.begin());
  return {};
}

Status ExtentRefs::remove_item(const Key& key, const ExtentItem& item) {
  if (!item.inline_refs.empty())
    return make_error(EUCLEAN, "extent item {}: no references left, but has {}", to_text(key),
                      to_text(item.inline_refs.front().ref));
  BF_ASSIGN(bool found, cursor_.seek(key));
  if (!found) return make_error(EUCLEAN, "extent item {} went away", to_text(key));
  BF_TRY(cursor_.remove());
  if (cursor_.valid() && cursor_.key().objectid == key.objectid &&
      cursor_.key().type < key_type::kBlockGroupItem)
    return make_error(EUCLEAN, "extent item {}: no references left, but item {}", to_text(key),
                      to_text(cursor_.key()));
  return {};
}

Result<BlockRefs> read_block_refs(Tree& extent_tree, uint64_t bytenr, int level, uint32_t nodesize) {
  ReadCursor cursor(extent_tree);
  BF_ASSIGN(bool found, cursor.seek({bytenr, key_type::kMetadataItem, static_cast<uint64_t>(level)}));
  if (!found) {
    BF_ASSIGN(found, cursor.seek({bytenr, key_type::kExtentItem, nodesize}));
  }
  if (!found || cursor.data().size() < sizeof(DiskExtentItem))
    return make_error(EUCLEAN, "extent tree: no item for tree block {} level {}", bytenr, level);
  auto item = cursor.as<DiskExtentItem>();
  if (!(item.flags & extent_flag::kTreeBlock) || item.refs == 0)
    return make_error(EUCLEAN, "extent tree: item of tree block {} has refs {} flags {:#x}", bytenr,
                      uint64_t{item.refs}, uint64_t{item.flags});
  return BlockRefs{item.refs, item.flags};
}

}  // namespace butterfuse
