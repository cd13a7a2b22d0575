// SPDX-License-Identifier: GPL-2.0-or-later
// Acl: a POSIX access control list, in the form of the attributes system.posix_acl_access and _default.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace butterfuse {

// The rules are those of POSIX 1003.1e draft 17 and acl(5). The bytes on disk are those of the attribute: a
// version, then (tag, permissions, id) each.
class Acl {
 public:
  // EINVAL when the bytes are no valid list: entries in order, each unnamed one once, a mask where it is due.
  static Result<Acl> parse(ByteSpan bytes);
  // No entry at all: who sets that takes the list away, as the kernel has it. No bytes, or the version alone.
  static bool has_no_entries(ByteSpan bytes);
  std::vector<std::byte> encode() const;

  // The permission bits of a mode that stand for the list: the group's are the mask's where there is one.
  uint32_t mode_bits() const;
  // The mode says it all: such a list is not stored.
  bool is_mode_only() const { return entries_.size() == 3; }
  // What chmod(2) to `mode` makes of an access list.
  void change_mode(uint32_t mode);
  // Gives each named entry another id: of_user, of_group return a Result<uint32_t>.
  template <class User, class Group>
  Status map_ids(User of_user, Group of_group) {
    for (Entry& entry : entries_) {
      if (entry.tag == kUser) {
        BF_ASSIGN(entry.id, of_user(entry.id));
      } else if (entry.tag == kGroup) {
        BF_ASSIGN(entry.id, of_group(entry.id));
      }
    }
    return {};
  }
  // The check for one who is not the owner: all of `wanted` (4 read, 2 write, 1 execute) must come from one
  // entry. `in_group` says which groups the user is in. The first that fits decides:
  //
  // - the entry of this user, within the mask: yes or no
  // - entries of groups he is in, within the mask: yes if one of them grants all, else no
  // - others, past the mask
  template <class InGroup>
  bool permits(uint32_t wanted, uint32_t user, InGroup in_group, uint32_t owning_group) const {
    const Entry* mask = find(kMask);
    const uint32_t masked = mask != nullptr ? mask->permissions & wanted : wanted;
    bool is_member = false;
    for (const Entry& entry : entries_) {
      const bool all = (entry.permissions & masked) == wanted;
      if (entry.tag == kUser && entry.id == user) return all;
      const bool is_group = entry.tag == kGroupObj || entry.tag == kGroup;
      if (!is_group || !in_group(entry.tag == kGroupObj ? owning_group : entry.id)) continue;
      if (all) return true;
      is_member = true;
    }
    return !is_member && (find(kOther)->permissions & wanted) == wanted;
  }
  // Makes of a default list the access list of a new inode; returns its mode's permission bits.
  uint32_t restrict_to(uint32_t mode);

 private:
  // Given by the attribute's form. They rise in the order that entries must have.
  static constexpr uint16_t kUserObj = 0x01, kUser = 0x02, kGroupObj = 0x04, kGroup = 0x08, kMask = 0x10,
                            kOther = 0x20;
  struct Entry {
    uint16_t tag = 0;
    uint16_t permissions = 0;
    uint32_t id = 0;
  };
  Status check() const;
  Entry* find(uint16_t tag);
  const Entry* find(uint16_t tag) const { return const_cast<Acl*>(this)->find(tag); }
  Entry& group_class();  // the mask, or the owning group

  std::vector<Entry> entries_;
};

}  // namespace butterfuse
