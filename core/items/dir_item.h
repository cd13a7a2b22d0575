// SPDX-License-Identifier: GPL-2.0-or-later
// Directory entries: a DIR_ITEM (by name hash, collisions share an item) and a DIR_INDEX (by index) each.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/btree/cursor.h"
#include "core/ondisk/format.h"

namespace butterfuse {

struct DirEntry {
  std::string name;
  Key location;        // (ino INODE_ITEM 0), or (root id ROOT_ITEM -1) for a subvolume
  uint8_t type = 0;    // file_type::
  uint64_t index = 0;  // of the DIR_INDEX; 0 when read from a DIR_ITEM
  uint64_t transid = 0;
};

// By name, from the DIR_ITEM. Nothing when absent.
Result<std::optional<DirEntry>> lookup_dir_entry(Tree& tree, uint64_t dir_ino, std::string_view name);
// Entries of index >= from_index, in order, until `visit` returns false; under the tree's shared lock.
// `visit` takes no lock of this tree. EUCLEAN for an item that can't be decoded.
Status for_each_dir_entry(Tree& tree, uint64_t dir_ino, uint64_t from_index,
                          const std::function<bool(const DirEntry&)>& visit);
// Entries of subvolumes count.
Result<bool> dir_is_empty(Tree& tree, uint64_t dir_ino);
// Highest index in use + 1 (>= 2).
Result<uint64_t> next_dir_index(Tree& tree, uint64_t dir_ino);
// EEXIST when the name is there, EOVERFLOW when its hash bucket item is full, EUCLEAN when the index is
// taken; then nothing has changed.
Status insert_dir_entry(Tree& tree, CowContext& context, uint64_t dir_ino, const DirEntry& entry);
// ENOENT when the name is not there, EUCLEAN when it has another index; then nothing has changed.
Status remove_dir_entry(Tree& tree, CowContext& context, uint64_t dir_ino, std::string_view name,
                        uint64_t index);

// Back references of an inode: INODE_REF, or INODE_EXTREF when that item is full (EMLINK when extref is off).
struct InodeRef {
  uint64_t parent_ino = 0;
  uint64_t index = 0;
  std::string name;
};
// EEXIST when the name is there.
Status insert_inode_ref(Tree& tree, CowContext& context, uint64_t ino, const InodeRef& ref,
                        bool extref_allowed);
// Returns the index it had. ENOENT.
Result<uint64_t> remove_inode_ref(Tree& tree, CowContext& context, uint64_t ino, uint64_t parent_ino,
                                  std::string_view name);
// Nothing when absent.
Result<std::optional<InodeRef>> find_inode_ref(Tree& tree, uint64_t ino, uint64_t parent_ino,
                                               std::string_view name);
Result<std::vector<InodeRef>> list_inode_refs(Tree& tree, uint64_t ino);

}  // namespace butterfuse
