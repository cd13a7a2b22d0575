// SPDX-License-Identifier: GPL-2.0-or-later
// WriteCursor's verbs that add to or change items: insert, mutable_data, resize, set_key.
#include <algorithm>

#include "core/base/assert.h"
#include "core/btree/block_layout.h"
#include "core/btree/cow.h"
#include "core/btree/cursor.h"
#include "core/btree/make_room.h"
#include "core/btree/search.h"

namespace butterfuse {

WriteCursor::WriteCursor(Tree& tree, CowContext& context) BF_NO_THREAD_SAFETY_ANALYSIS : CursorBase(tree),
                                                                                         context_(context),
                                                                                         lock_(tree.mutex()) {
}
WriteCursor::~WriteCursor() BF_NO_THREAD_SAFETY_ANALYSIS = default;

TreeEdit WriteCursor::edit() { return {tree_, context_, path_}; }

uint32_t WriteCursor::max_item_size() const { return leaf_capacity(tree_.cache().nodesize()) - kItemBytes; }

Result<MutableByteSpan> WriteCursor::insert(const Key& key, uint32_t size) {
  BF_ASSIGN(MutableByteSpan data, insert_uninitialised(key, size));
  std::ranges::fill(data, std::byte{0});
  return data;
}

Status WriteCursor::insert(const Key& key, ByteSpan data) {
  BF_ASSIGN(MutableByteSpan place, insert_uninitialised(key, static_cast<uint32_t>(data.size())));
  std::ranges::copy(data, place.begin());
  return {};
}

Result<MutableByteSpan> WriteCursor::insert_uninitialised(const Key& key, uint32_t size) {
  if (size > max_item_size()) {
    return make_error(EOVERFLOW, "root={} item {} of {} bytes, largest is {}", tree_.id(), to_text(key), size,
                      max_item_size());
  }
  BF_ASSIGN(bool taken, search_path(tree_, key, path_));
  if (taken) return make_error(EEXIST, "root={} has an item {} already", tree_.id(), to_text(key));
  BF_TRY(cow_path(edit()));
  BF_TRY(make_room(edit(), key, size + kItemBytes, RoomFor::new_item));
  uint32_t slot = path_.slots[0];
  MutableByteSpan data = leaf_insert(path_.leaf().mutable_bytes(), slot, key, size);
  path_.leaf().set_next_insert_slot(slot + 1);
  if (slot == 0) fix_low_keys(edit(), 1);
  return data;
}

Result<MutableByteSpan> WriteCursor::mutable_data() {
  BF_ASSERT(valid(), "no item under the cursor in root={}", tree_.id());
  BF_TRY(cow_path(edit()));
  return leaf_data(path_.leaf().mutable_bytes(), path_.slots[0]);
}

Status WriteCursor::resize(uint32_t size) {
  BF_ASSERT(valid(), "no item under the cursor in root={}", tree_.id());
  auto old_size = static_cast<uint32_t>(data().size());
  if (size == old_size) return {};
  if (size > max_item_size()) {
    return make_error(EOVERFLOW, "root={} item {} grows to {} bytes, largest is {}", tree_.id(),
                      to_text(key()), size, max_item_size());
  }
  BF_TRY(cow_path(edit()));
  if (size > old_size) BF_TRY(make_room(edit(), key(), size - old_size, RoomFor::growing_item));
  leaf_resize(path_.leaf().mutable_bytes(), path_.slots[0], size);
  return {};
}

Status WriteCursor::set_key(const Key& new_key) {
  BF_ASSERT(valid(), "no item under the cursor in root={}", tree_.id());
  LeafView leaf(path_.leaf().bytes());
  uint32_t slot = path_.slots[0];
  bool in_order = (slot == 0 || leaf.key(slot - 1) < new_key) &&
                  (slot + 1 == leaf.count() || new_key < leaf.key(slot + 1));
  if (!in_order) {  // items that overlap on disk can lead here
    return make_error(EUCLEAN,
                      "corrupt tree: root={} block={} slot={} key {} can't become {} among its neighbours",
                      tree_.id(), path_.leaf().bytenr(), slot, to_text(leaf.key(slot)), to_text(new_key));
  }
  BF_TRY(cow_path(edit()));
  leaf_set_key(path_.leaf().mutable_bytes(), slot, new_key);
  if (slot == 0) fix_low_keys(edit(), 1);
  return {};
}

}  // namespace butterfuse
