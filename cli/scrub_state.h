// ScrubState: how far an interrupted scrub got on each device, in a small file of its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/result.h"

namespace butterfuse {

// What lies at its path is replaced or removed only while it is a state of the same file system: people give
// paths of their own, and mistype them.
class ScrubState {
 public:
  // Without a path: in /var/lib/butterfuse for root, else in $XDG_STATE_HOME or ~/.local/state, which are made.
  ScrubState(const std::string& given_path, std::string fsid);

  // Fills done_until, and says whether there was a state. EEXIST: something else is there.
  Result<bool> load();
  // As a whole, so that a reader sees the old one or the new one.
  Status save() const;
  void remove() const;
  const std::string& path() const { return path_; }

  std::map<uint64_t, uint64_t> done_until;  // physical byte, by devid

 private:
  Status write_draft(int descriptor, const std::string& draft) const;

  const std::string fsid_, path_;
  const bool makes_folder_;
};

}  // namespace butterfuse
