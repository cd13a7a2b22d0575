// SPDX-License-Identifier: GPL-2.0-or-later
// ScrubState: how far an interrupted scrub got on each device, in a small file of its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/result.h"

namespace butterfuse {

// What lies at a given path is replaced or removed only while it is a state of the same file system: people
// mistype paths. In the place of its own, which has the file system's id, whatever a file holds is passed
// over with a warning.
class ScrubState {
 public:
  // Without a path: in /var/lib/butterfuse for root,
  // else in $XDG_STATE_HOME or ~/.local/state, which are made.
  ScrubState(const std::string& given_path, std::string fsid);

  // Fills done_until, and says whether there was a state. EEXIST, EUCLEAN: something else is there.
  Result<bool> load();
  // As a whole, so that a reader sees the old one or the new one.
  Status save() const;
  void remove() const;
  const std::string& path() const { return path_; }

  std::map<uint64_t, uint64_t> done_until;  // physical byte, by devid

 private:
  bool may_replace(const Error& found) const;
  Status write_draft(int descriptor, const std::string& draft) const;

  const std::string fsid_, path_;
  const bool own_place_;  // where nobody gave a path; its folder is made
};

}  // namespace butterfuse
