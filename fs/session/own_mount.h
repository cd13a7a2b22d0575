// SPDX-License-Identifier: GPL-2.0-or-later
// OwnMount: our mount in the tree, told from others that are mounted on it, in it, or in its place.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "core/base/mount_table.h"
#include "core/base/result.h"

namespace butterfuse {

class AbortOrder;

// Constant after construction.
class OwnMount {
 public:
  // A mount that somebody else made and ends: /dev/fd/N. detach() does nothing.
  OwnMount() = default;
  // The one that is seen at `path`, directly after mount(2).
  explicit OwnMount(std::string path);

  // st_dev of its files: of a block device's own file system the number of that. 0: none was made.
  dev_t device() const { return made_ ? made_->device : 0; }

  // Takes it out of the tree of this mount namespace, lazily, wherever it was bound or moved to, and nothing
  // else: what is seen at its path by now stays. EBUSY when something of others is mounted on it or in it,
  // which can't stay without it. For an ordinary user fusermount3 does it, in the first place only. Starts a
  // process: see MountHelper.
  Status detach() const;

  // Ends the connection: every request that waits or comes fails. For a daemon that is dead and can't end,
  // because one of its threads waits in the kernel for an answer of its own. When the connection has ended
  // already, this does nothing, though another mount may have got its number; nor where fusectl is not to be
  // had: an ordinary user needs it mounted.
  void abort_connection() const;

 private:
  bool is_ours(const MountEntry& entry) const;

  std::string path_;
  std::optional<MountEntry> made_;  // as it was seen then
  // Where the order to abort goes, open: it stays this connection's, and goes nowhere when that has ended.
  std::shared_ptr<const AbortOrder> abort_order_;
};

}  // namespace butterfuse
