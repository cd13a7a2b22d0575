// SPDX-License-Identifier: GPL-2.0-or-later
// ScrubState: a line that says what it is and of which file system, then lines of devid and byte.
#include "cli/scrub_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>

#include "cli/process/standard_streams.h"

namespace butterfuse {
namespace {

constexpr size_t kLargest = 1 << 20;  // some 20,000 devices; what is longer is something else, and not read

using Progress = std::map<uint64_t, uint64_t>;

// By the XDG rules for what outlives a program and is no cache. Without a home: here.
std::string folder() {
  if (geteuid() == 0) return "/var/lib/butterfuse";
  if (const char* given = std::getenv("XDG_STATE_HOME"); given != nullptr && *given != '\0')
    return std::string(given) + "/butterfuse";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : ".") + "/.local/state/butterfuse";
}

std::string first_line(const std::string& fsid) { return "butterfuse scrub state 1 of " + fsid; }

bool is_no_state(const Error& error) { return error.code == EUCLEAN; }

Error something_else(const std::string& path, const std::string& fsid) {
  return Error{EUCLEAN,
               fmt::format("{}: is no state of a scrub of {}, and is left alone: name another --state, "
                           "or take it away",
                           path, fsid)};
}

// Of a regular file only, and never waiting: a FIFO has no end, and opening a device may make its driver act.
Result<std::string> text_of(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return make_error(errno, "{}: {}", path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return make_error(EEXIST, "{}: is not a regular file", path);
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return make_error(errno, "{}: {}", path, std::strerror(errno));
  std::string text(kLargest + 1, '\0');
  size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() && (got = ::read(fd, text.data() + size, text.size() - size)) > 0)
    size += static_cast<size_t>(got);
  const int code = errno;
  ::close(fd);
  if (got < 0) return make_error(code, "{}: {}", path, std::strerror(code));
  text.resize(size);
  return text;
}

std::optional<Progress> parse(const std::string& text, const std::string& fsid) {
  if (text.size() > kLargest) return std::nullopt;
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line != first_line(fsid)) return std::nullopt;
  Progress progress;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    uint64_t devid = 0, byte = 0;
    std::string more;
    if (!(words >> devid >> byte) || (words >> more)) return std::nullopt;
    progress[devid] = byte;
  }
  return progress;
}

// Nothing where nothing is there. EUCLEAN: something else is.
Result<std::optional<Progress>> read_state(const std::string& path, const std::string& fsid) {
  const auto text = text_of(path);
  if (!text && text.error().code == ENOENT) return std::optional<Progress>();
  if (!text) return tl::unexpected(text.error());
  auto progress = parse(*text, fsid);
  if (!progress) return tl::unexpected(something_else(path, fsid));
  return progress;
}

}  // namespace

ScrubState::ScrubState(const std::string& given_path, std::string fsid)
    : fsid_(std::move(fsid)),
      path_(given_path.empty() ? folder() + "/scrub." + fsid_ : given_path),
      own_place_(given_path.empty()) {}

Result<bool> ScrubState::load() {
  const auto stored = read_state(path_, fsid_);
  if (!stored && !may_replace(stored.error())) return tl::unexpected(stored.error());
  if (!stored) complain("warning: {}: holds no state of a scrub of {}, and is passed over", path_, fsid_);
  done_until = stored ? stored->value_or(Progress{}) : Progress{};
  return stored && *stored;
}

bool ScrubState::may_replace(const Error& found) const { return own_place_ && is_no_state(found); }

Status ScrubState::write_draft(int descriptor, const std::string& draft) const {
  std::string text = first_line(fsid_) + "\n";
  for (const auto& [devid, byte] : done_until) text += fmt::format("{} {}\n", devid, byte);
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size()) && ::fdatasync(descriptor) == 0) return {};
  const int code = written >= 0 && written < static_cast<ssize_t>(text.size()) ? ENOSPC : errno;
  return make_error(code, "{}: {}", draft, std::strerror(code));
}

// A draft beside it, durable before it takes the name: after a crash one of the two states is there, whole.
Status ScrubState::save() const {
  std::error_code ignored;
  if (own_place_) std::filesystem::create_directories(folder(), ignored);
  if (const auto there = read_state(path_, fsid_); !there && !may_replace(there.error()))
    return tl::unexpected(there.error());
  std::string draft = path_ + ".XXXXXX";
  const int fd = ::mkostemp(draft.data(), O_CLOEXEC);
  if (fd < 0) return make_error(errno, "{}: {}", path_, std::strerror(errno));
  Status written = write_draft(fd, draft);
  ::close(fd);
  if (written && ::rename(draft.c_str(), path_.c_str()) != 0)
    written = make_error(errno, "{}: {}", path_, std::strerror(errno));
  if (!written) ::unlink(draft.c_str());
  return written;
}

void ScrubState::remove() const {
  const auto there = read_state(path_, fsid_);
  if (there ? there->has_value() : may_replace(there.error())) ::unlink(path_.c_str());
}

}  // namespace butterfuse
