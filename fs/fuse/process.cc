// Process: /proc/PID, in the kernel's own words.
#include "fs/fuse/process.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace butterfuse {
namespace {

constexpr unsigned kKernelThread = 0x00200000;  // PF_KTHREAD, in field 9 of /proc/PID/stat

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid) + "/"; }

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string link_of(const std::string& path) {
  std::array<char, 64> target{};
  const ssize_t length = readlink(path.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<size_t>(length)) : "";
}

// What follows `name` in the text of a status file; empty when there is nothing.
std::istringstream line_of(const std::string& status, std::string_view name) {
  size_t at = status.find("\n" + std::string(name));
  if (at == status.npos) return {};
  at += 1 + name.size();
  return std::istringstream(status.substr(at, status.find('\n', at) - at));
}

// /proc may have been mounted for another pid namespace: then its numbers are not those of requests.
bool proc_counts_as_we_do() {
  static const bool same = [] {
    auto line = line_of(content_of("/proc/self/status"), "NSpid:");
    pid_t first = 0, second = 0;
    return line >> first && first == getpid() && !(line >> second);
  }();
  return same;
}

std::function<bool(pid_t)> shares_our_user_namespace;

// The link is the proof, and nothing else is: a container of root's may have the mapping of ids that we have.
bool is_in_our_user_namespace(pid_t pid) {
  static const std::string our_link = link_of("/proc/self/ns/user");
  const std::string link = link_of(folder_of(pid) + "ns/user");
  if (!link.empty()) return link == our_link;
  return shares_our_user_namespace && shares_our_user_namespace(pid);
}

// The number of the first one's never changes.
bool is_initial_user_namespace() {
  static const bool initial = link_of("/proc/self/ns/user") == "user:[4026531837]";
  return initial;
}

// pid (name) state and numbers: the name may have anything in it.
bool is_kernel_thread(pid_t pid) {
  const std::string text = content_of(folder_of(pid) + "stat");
  const size_t name_end = text.rfind(')');
  if (name_end == text.npos) return true;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 9; ++field) fields >> skipped;
  unsigned flags = kKernelThread;
  fields >> flags;
  return flags & kKernelThread;
}

// Real, effective, saved, of the file system.
bool read_id(const std::string& status, std::string_view name, unsigned& id) {
  auto line = line_of(status, name);
  unsigned real = 0, effective = 0, saved = 0;
  return static_cast<bool>(line >> real >> effective >> saved >> id);
}

}  // namespace

void ask_for_user_namespaces(std::function<bool(pid_t)> shares_ours) {
  shares_our_user_namespace = std::move(shares_ours);
}

Credentials credentials_of(pid_t pid) {
  Credentials who;
  if (pid <= 0 || !proc_counts_as_we_do() || is_kernel_thread(pid)) return who;
  const std::string status = content_of(folder_of(pid) + "status");
  if (!read_id(status, "Uid:", who.uid) || !read_id(status, "Gid:", who.gid)) return who;
  auto groups = line_of(status, "Groups:");
  for (gid_t group = 0; groups >> group;) who.groups.push_back(group);
  if (is_in_our_user_namespace(pid)) line_of(status, "CapEff:") >> std::hex >> who.capabilities;
  who.serves = geteuid() != 0 && who.uid == geteuid();
  who.known = true;
  return who;
}

Caller with_told_losses(Caller caller, const InodeItem& item) {
  caller.kill_suidgid &= (item.mode & (S_ISUID | S_ISGID)) != 0;
  if (!caller.kill_suidgid || !(item.mode & S_ISGID)) return caller;
  const Credentials who = credentials_of(caller.pid);
  caller.kill_sgid = !who.is_in_group(item.gid) && !who.has(capability::kFsetid);
  return caller;
}

Caller with_own_losses(Caller caller, const InodeItem& item) {
  caller.kill_suidgid = caller.kill_sgid = false;
  if (!(item.mode & (S_ISUID | S_ISGID))) return caller;
  const Credentials who = credentials_of(caller.pid);
  if (who.has(capability::kFsetid) && is_initial_user_namespace()) return caller;
  caller.kill_suidgid = true;
  caller.kill_sgid = !who.is_in_group(item.gid);
  return caller;
}

std::vector<MountEntry> mounts_seen_by(pid_t pid) {
  if (pid <= 0 || !proc_counts_as_we_do()) return {};
  return read_mount_table(std::to_string(pid));
}

std::optional<uint64_t> connection_of_descriptor(int descriptor) {
  auto line = line_of(content_of("/proc/self/fdinfo/" + std::to_string(descriptor)), "fuse_connection:");
  uint64_t number = 0;
  return line >> number ? std::optional(number) : std::nullopt;
}

uid_t user_of_process(pid_t pid) {
  uid_t user = kUnknownUser;
  return pid > 0 && proc_counts_as_we_do() && read_id(content_of(folder_of(pid) + "status"), "Uid:", user)
             ? user
             : kUnknownUser;
}

}  // namespace butterfuse
