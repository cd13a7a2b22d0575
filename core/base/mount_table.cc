// SPDX-License-Identifier: GPL-2.0-or-later
// MountTable: parsing mountinfo (proc(5)).
#include "core/base/mount_table.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "core/base/mount_process.h"

namespace butterfuse {
namespace {

// The kernel writes blanks, line ends and backslashes in paths as three octal digits.
std::string unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '\\' && i + 3 < text.size() && text.find_first_not_of("01234567", i + 1) >= i + 4;
    plain += escaped ? static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8)) : text[i];
    if (escaped) i += 3;
  }
  return plain;
}

// id parent major:minor root MOUNTPOINT options [tags...] - type SOURCE options
bool parse(const std::string& line, MountEntry& entry) {
  const size_t separator = line.find(" - ");
  if (separator == std::string::npos) return false;
  std::istringstream head(line), tail(line.substr(separator + 3));
  std::string device, root;
  if (!(head >> entry.id >> entry.parent >> device >> root >> entry.mount_point >> entry.flags) ||
      !(tail >> entry.type >> entry.source))
    return false;
  tail >> entry.super_flags;
  unsigned major_number = 0, minor_number = 0;
  if (std::sscanf(device.c_str(), "%u:%u", &major_number, &minor_number) != 2) return false;
  entry.device = makedev(major_number, minor_number);
  entry.mount_point = unescape(entry.mount_point);
  entry.source = unescape(entry.source);
  return true;
}

bool is_below(const std::string& path, const std::string& folder) {
  return folder == "/" || path == folder || path.starts_with(folder + "/");
}

bool has_word(const std::string& list, std::string_view word) {
  return ("," + list + ",").find("," + std::string(word) + ",") != std::string::npos;
}

// One look at all processes for the whole table, and only where a type leaves it open.
void find_helpers(std::vector<MountEntry>& table) {
  const auto is_open = [](const MountEntry& entry) {
    return entry.type.starts_with("fuse") && !entry.is_butterfuse_by_type();
  };
  if (std::ranges::none_of(table, is_open)) return;
  const std::vector<dev_t> helped = mounts_with_helpers();
  for (MountEntry& entry : table) entry.has_helper = std::ranges::find(helped, entry.device) != helped.end();
}

}  // namespace

bool MountEntry::is_same_filesystem(const MountEntry& other) const {
  return device == other.device && type == other.type && source == other.source;
}

bool MountEntry::is_butterfuse_by_type() const { return type == "fuse.butterfuse"; }
bool MountEntry::is_butterfuse() const {
  return is_butterfuse_by_type() || (type.starts_with("fuse") && has_helper);
}

uint64_t MountEntry::fuse_connection() const { return fuse_connection_of(device); }
bool MountEntry::has(std::string_view flag) const { return has_word(flags, flag); }
bool MountEntry::super_has(std::string_view flag) const { return has_word(super_flags, flag); }

std::vector<MountEntry> read_mount_table(const std::string& process) {
  std::vector<MountEntry> table;
  std::ifstream file("/proc/" + process + "/mountinfo");
  for (std::string line; std::getline(file, line);)
    if (MountEntry entry; parse(line, entry)) table.push_back(std::move(entry));
  find_helpers(table);
  return table;
}

const MountEntry* find_mount_at(const std::vector<MountEntry>& table, const std::string& path) {
  const MountEntry* found = nullptr;
  for (const MountEntry& entry : table)
    if (entry.mount_point == path) found = &entry;
  return found;
}

const MountEntry* find_mount_seen_at(const std::vector<MountEntry>& table, const std::string& path) {
  const int place = ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (place < 0) return nullptr;
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(place));
  int id = -1;
  for (std::string word; id < 0 && info >> word;)
    if (word == "mnt_id:") info >> id;
  ::close(place);
  if (id < 0) return find_mount_at(table, path);
  const auto seen = std::ranges::find(table, id, &MountEntry::id);
  return seen != table.end() && seen->mount_point == path ? &*seen : nullptr;
}

std::optional<MountEntry> mount_at(const std::string& path) {
  const auto table = read_mount_table();
  const MountEntry* found = find_mount_at(table, path);
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

const MountEntry* find_mount_of(const std::vector<MountEntry>& table, const std::string& path) {
  const MountEntry* found = nullptr;
  for (const MountEntry& entry : table)
    if (is_below(path, entry.mount_point) &&
        (found == nullptr || entry.mount_point.size() >= found->mount_point.size()))
      found = &entry;
  return found;
}

}  // namespace butterfuse
