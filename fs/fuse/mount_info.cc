// MountInfo: one line of proc(5)'s mountinfo.
#include "fs/fuse/mount_info.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace butterfuse {
namespace {

// Space, tab, newline and backslash are written as \ooo.
std::string without_escapes(const std::string& text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size()) {
      plain += static_cast<char>(std::stoi(text.substr(at + 1, 3), nullptr, 8));
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream in(list);
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  return words;
}

bool contains(const std::vector<std::string>& words, const char* word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// id, parent, device, root, mount point, flags, optional fields, "-", type, source, flags of the file system.
std::optional<MountInfo> parse(const std::string& line) {
  std::istringstream in(line);
  std::string id, skipped, mountpoint, flags, type, source, super;
  if (!(in >> id >> skipped >> skipped >> skipped >> mountpoint >> flags)) return std::nullopt;
  for (std::string word; in >> word && word != "-";) {
  }
  if (!(in >> type >> source >> super)) return std::nullopt;
  return MountInfo{
      id, without_escapes(mountpoint), type, without_escapes(source), words_of(flags), words_of(super)};
}

}  // namespace

bool MountInfo::has(const char* flag) const { return contains(flags, flag); }
bool MountInfo::super_has(const char* flag) const { return contains(super, flag); }

std::optional<MountInfo> mount_at(const std::string& mountpoint) {
  std::ifstream table("/proc/self/mountinfo");
  std::optional<MountInfo> last;
  for (std::string line; std::getline(table, line);)
    if (auto info = parse(line); info && info->mountpoint == mountpoint) last = std::move(info);
  return last;
}

}  // namespace butterfuse
