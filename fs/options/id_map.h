// SPDX-License-Identifier: GPL-2.0-or-later
// IdMap: owners as the image has them, and as the mount shows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace butterfuse {

// Users or groups: a map for each, by three options that may meet:
//
//              stored                                   shown
//   uid=S      any           --------------------->    S                 (wins over the ranges)
//   uidmap=    range D..D+N  <-------------------->    S..S+N            (one to one: ranges never overlap)
//              anything else --------------------->    kNobody
//   fakeroot   0             <--------------------     who serves, when he makes something
//
// Both ways fit together: who gives back what he is shown (chown to the owner that is) changes nothing.
// So an id that no range has is refused, instead of being stored under some number. Empty: shown as
// they are stored.
class IdMap {
 public:
  static constexpr uint32_t kNobody = 65534;  // shown for what no range maps: "nobody", as the kernel has it

  // "DISK:SHOWN:COUNT", of `uidmap=` and `gidmap=`. EINVAL, also when it overlaps one there is, on either
  // side: an id would have two meanings.
  Status add_range(std::string_view text);
  // `uid=`, `gid=`: everything is shown as this one's. New inodes keep their maker's id, and a change of
  // owner is not stored.
  void show_all_as(uint32_t id) { shown_ = id; }
  // `fakeroot`: what this id makes is stored as root's.
  void make_root(uint32_t id) { root_ = id; }

  // Of stat(2). Never fails: a file whose owner nobody knows is still to be seen.
  uint32_t to_shown(uint32_t stored) const;
  // What to store for a maker's id. EOVERFLOW when no range has it.
  Result<uint32_t> of_maker(uint32_t shown) const;
  // What to store for chown(2) of an inode that has `stored`. EOVERFLOW; EPERM where all are another one's.
  Result<uint32_t> of_chown(uint32_t shown, uint32_t stored) const;
  bool operator==(const IdMap&) const = default;
  // Ids need no translation, in access lists neither. `fakeroot` does not count: it is about makers.
  bool is_identity() const { return !shown_ && ranges_.empty(); }

 private:
  struct Range {
    uint32_t stored = 0, shown = 0, count = 0;
    bool operator==(const Range&) const = default;
  };
  std::vector<Range> ranges_;
  std::optional<uint32_t> shown_;
  std::optional<uint32_t> root_;
};

}  // namespace butterfuse
