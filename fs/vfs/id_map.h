// IdMap: owners as the image has them, and as the mount shows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace butterfuse {

// Users or groups. Empty: shown as they are stored.
class IdMap {
 public:
  static constexpr uint32_t kNobody = 65534;  // shown for what no range maps

  // "DISK:SHOWN:COUNT", of `uidmap=` and `gidmap=`. EINVAL, also when it overlaps one there is.
  Status add_range(std::string_view text);
  // `uid=`, `gid=`: everything is shown as this one's. New inodes keep their maker's id, and a change of
  // owner is not stored.
  void show_all_as(uint32_t id) { shown_ = id; }
  // `fakeroot`: what this id makes is stored as root's.
  void make_root(uint32_t id) { root_ = id; }

  uint32_t to_shown(uint32_t stored) const;
  // What to store for a maker's id. EOVERFLOW when no range has it.
  Result<uint32_t> of_maker(uint32_t shown) const;
  // What to store for chown(2) of an inode that has `stored`. EOVERFLOW; EPERM when all are shown as another
  // one's.
  Result<uint32_t> of_chown(uint32_t shown, uint32_t stored) const;
  bool operator==(const IdMap&) const = default;
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
