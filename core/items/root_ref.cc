// SPDX-License-Identifier: GPL-2.0-or-later
// Root references: listing subvolumes, and looking one up.
#include "core/items/root_ref.h"

#include "core/ondisk/named_entries.h"

namespace butterfuse {
namespace {

Result<SubvolumeLink> decode_link(const Key& key, ByteSpan item) {
  const auto ref = root_ref_entry(item);
  if (!ref)
    return make_error(EUCLEAN, "{}: {} bytes are no reference with its name", to_text(key), item.size());
  return SubvolumeLink{key.objectid, key.offset, ref->dir_ino, ref->index, std::string(ref->name)};
}

// The top subvolume hangs nowhere; other trees are none.
constexpr bool is_subvolume_id(uint64_t root_id) {
  return root_id >= objectid::kFirstFree && root_id <= objectid::kLastFree;
}

}  // namespace

Result<std::vector<SubvolumeLink>> list_subvolumes(Filesystem& filesystem) {
  std::vector<SubvolumeLink> links;
  ReadCursor cursor(filesystem.root_tree());
  BF_TRY(cursor.seek({objectid::kFirstFree, 0, 0}));
  while (cursor.valid() && cursor.key().objectid <= objectid::kLastFree) {
    if (cursor.key().type == key_type::kRootBackref) {
      BF_ASSIGN(SubvolumeLink link, decode_link(cursor.key(), cursor.data()));
      links.push_back(std::move(link));
    }
    BF_TRY(cursor.next());
  }
  return links;
}

Result<bool> subvolume_hangs_at(Filesystem& filesystem, uint64_t root_id, uint64_t parent_root_id,
                                uint64_t dir_ino, std::string_view name) {
  if (!is_subvolume_id(root_id)) return false;
  ReadCursor cursor(filesystem.root_tree());
  BF_ASSIGN(bool exact, cursor.seek({root_id, key_type::kRootBackref, parent_root_id}));
  if (!exact) return false;
  BF_ASSIGN(SubvolumeLink link, decode_link(cursor.key(), cursor.data()));
  return link.dir_ino == dir_ino && link.name == name;
}

}  // namespace butterfuse
