// ScrubState: how far an interrupted scrub got on each device, in a small file of its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/result.h"

namespace butterfuse {

class ScrubState {
 public:
  // In /var/lib/butterfuse for root, else in $XDG_STATE_HOME or ~/.local/state.
  static std::string path_for(const std::string& fsid);
  explicit ScrubState(std::string path) : path_(std::move(path)) {}

  Status load();  // ENOENT: nothing to resume
  Status save() const;
  void remove() const;
  const std::string& path() const { return path_; }

  std::map<uint64_t, uint64_t> done_until;  // physical byte, by devid

 private:
  const std::string path_;
};

}  // namespace butterfuse
