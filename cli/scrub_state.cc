// ScrubState: lines of devid and byte; replaced as a whole.
#include "cli/scrub_state.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace butterfuse {
namespace {

std::string folder() {
  if (geteuid() == 0) return "/var/lib/butterfuse";
  if (const char* given = std::getenv("XDG_STATE_HOME"); given != nullptr && *given != '\0')
    return std::string(given) + "/butterfuse";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : ".") + "/.local/state/butterfuse";
}

}  // namespace

std::string ScrubState::path_for(const std::string& fsid) { return folder() + "/scrub." + fsid; }

Status ScrubState::load() {
  std::ifstream file(path_);
  if (!file) return make_error(ENOENT, "{}: no interrupted scrub to go on with", path_);
  done_until.clear();
  for (uint64_t devid = 0, byte = 0; file >> devid >> byte;) done_until[devid] = byte;
  return {};
}

Status ScrubState::save() const {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), failed);
  const std::string draft = path_ + ".new";
  {
    std::ofstream file(draft, std::ios::trunc);
    for (const auto& [devid, byte] : done_until) file << devid << ' ' << byte << '\n';
    if (!file.flush()) return make_error(errno, "{}: {}", draft, std::strerror(errno));
  }
  std::filesystem::rename(draft, path_, failed);
  return failed ? make_error(failed.value(), "{}: {}", path_, failed.message()) : Status{};
}

void ScrubState::remove() const { ::unlink(path_.c_str()); }

}  // namespace butterfuse
