// SPDX-License-Identifier: GPL-2.0-or-later
// Cursors: positions in a tree, under its lock for their life: ReadCursor shared, WriteCursor exclusively.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/btree/cow_context.h"
#include "core/btree/tree.h"
#include "core/btree/tree_path.h"

namespace butterfuse {

struct TreeEdit;

// All positions are items; `valid()` is false behind the last or before the first item. Keys and data spans
// stay good while the cursor lives and does not change the leaf.
class CursorBase {
 public:
  bool valid() const { return path_.height > 0 && path_.slots[0] < path_.leaf().count(); }
  Key key() const { return LeafView(path_.leaf().bytes()).key(path_.slots[0]); }         // REQUIRES valid()
  ByteSpan data() const { return LeafView(path_.leaf().bytes()).data(path_.slots[0]); }  // REQUIRES valid()
  template <class T>  // REQUIRES data().size() >= sizeof(T)
  T as() const {
    return load<T>(data());
  }
  const TreePath& path() const { return path_; }
  Tree& tree() const { return tree_; }

  // Positions at the first item with a key >= `key`; true when it is exactly `key`.
  // At the end: invalid, false.
  Result<bool> seek(const Key& key);
  // Positions at the last item with a key <= `key`; false (and invalid) when there is none.
  Result<bool> seek_at_or_before(const Key& key);
  Status next();  // REQUIRES valid(); becomes invalid at the end
  Status prev();  // REQUIRES valid(); becomes invalid before the first

 protected:
  explicit CursorBase(Tree& tree) : tree_(tree) {}
  Tree& tree_;
  TreePath path_;
};

class ReadCursor : public CursorBase {
 public:
  explicit ReadCursor(Tree& tree);
  ~ReadCursor();
  ReadCursor(const ReadCursor&) = delete;

 private:
  ReaderLock lock_;
};

// Reads like ReadCursor; changes go through the methods below, each of which copies-on-write the path first.
// EEXIST and EOVERFLOW leave the tree unchanged. After any other error of a changing method the transaction
// must be aborted (where the context itself failed it knows).
class WriteCursor : public CursorBase {
 public:
  WriteCursor(Tree& tree, CowContext& context);
  ~WriteCursor();
  WriteCursor(const WriteCursor&) = delete;
  CowContext& context() { return context_; }

  // A new item, zero-filled, and the cursor on it. EEXIST when the key is taken (cursor on that item).
  // EOVERFLOW when size > max_item_size().
  Result<MutableByteSpan> insert(const Key& key, uint32_t size);
  Status insert(const Key& key, ByteSpan data);  // `data` must not lie in this tree
  // Writable data of the item under the cursor. REQUIRES valid().
  Result<MutableByteSpan> mutable_data();
  template <class T>
  Status replace(const T& object) {  // REQUIRES data().size() >= sizeof(T)
    BF_ASSIGN(MutableByteSpan bytes, mutable_data());
    store(bytes, object);
    return {};
  }
  // Grows or cuts the item's data at its end (new bytes zero). EOVERFLOW as insert. REQUIRES valid().
  Status resize(uint32_t size);
  // Changes the key of the item in place; its order among its neighbours must not change (EUCLEAN).
  // REQUIRES valid().
  Status set_key(const Key& key);
  // Removes the item; the cursor stands on the one that followed it (or is invalid at the end).
  // REQUIRES valid().
  Status remove();
  // Removes consecutive items while keep_going(key, data) is true, leaf-wise: much cheaper than one by one.
  // keep_going may use the context, not this tree. The cursor stands on the first item kept (or is invalid at
  // the end). No-op when invalid. An error of keep_going is returned with the items before it removed.
  Status remove_while(const std::function<Result<bool>(const Key&, ByteSpan)>& keep_going);

  uint32_t max_item_size() const;  // bytes of data in the largest item a leaf can hold

 private:
  TreeEdit edit();
  Result<MutableByteSpan> insert_uninitialised(const Key& key, uint32_t size);
  Result<uint32_t> count_removable(const std::function<Result<bool>(const Key&, ByteSpan)>& keep_going,
                                   std::optional<Error>& failure);
  Result<bool> remove_items(uint32_t count);

  CowContext& context_;
  WriterLock lock_;
};

// One look-up: the data of the item with exactly this key, or nothing.
Result<std::optional<std::vector<std::byte>>> lookup_item(Tree& tree, const Key& key);

}  // namespace butterfuse
