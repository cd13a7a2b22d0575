// SPDX-License-Identifier: GPL-2.0-or-later
// Process: /proc/PID, in the kernel's own words.
//
// Who a caller is decides what he may do, so everything that is not certain counts as "not known",
// and grants nothing:
//
//   pid 0                                  in another pid namespace: there is no number for it here
//   /proc of another pid namespace         its numbers mean other processes: NSpid of ourselves tells
//   a kernel thread                        acts for somebody else
//   another user namespace                 known, but without capabilities: its root is no root here
//
// Fields are read by their names, not by their place, but in `stat` (core/base/processes.h).
#include "fs/fuse/process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <string>

#include "core/base/processes.h"

namespace butterfuse {
namespace {

constexpr unsigned kKernelThread = 0x00200000;  // PF_KTHREAD, in field 9 of /proc/PID/stat

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid) + "/"; }

std::string content_of(const std::string& path) {
  constexpr size_t kUsual = 2048;  // of what is read here
  std::string text;
  std::array<char, kUsual> part;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return text;
  try {
    for (ssize_t got; (got = ::read(file, part.data(), part.size())) > 0;)
      text.append(part.data(), static_cast<size_t>(got));
  } catch (...) {
    ::close(file);
    throw;
  }
  ::close(file);
  return text;
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

bool is_kernel_thread(pid_t pid) {
  constexpr int kFlagsField = 9;
  const auto flags = number_in_stat(content_of(folder_of(pid) + "stat"), kFlagsField);
  return !flags || (*flags & kKernelThread);
}

// Real, effective, saved, of the file system.
bool read_id(const std::string& status, std::string_view name, unsigned& id) {
  auto line = line_of(status, name);
  unsigned real = 0, effective = 0, saved = 0;
  return static_cast<bool>(line >> real >> effective >> saved >> id);
}

}  // namespace

std::optional<int> processor_of(pid_t pid) {
  constexpr int kProcessorField = 39;
  if (pid <= 0 || !proc_counts_as_we_do()) return std::nullopt;
  // Asked often, and by who has no way to say that there was no memory.
  std::array<char, 32> path{};
  std::array<char, 1024> text;
  std::snprintf(path.data(), path.size(), "/proc/%d/stat", pid);
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  const ssize_t got = ::read(file, text.data(), text.size());
  ::close(file);
  const auto number =
      number_in_stat({text.data(), static_cast<size_t>(std::max<ssize_t>(got, 0))}, kProcessorField);
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

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

// One process mostly asks for many files: what it was a moment ago is good enough for accounting.
uid_t user_of_process(pid_t pid) {
  struct Known {
    pid_t pid = 0;
    uid_t user = kUnknownUser;
    std::chrono::steady_clock::time_point until;
  };
  static thread_local Known known;
  constexpr auto kGoodFor = std::chrono::milliseconds(50);
  if (pid <= 0 || !proc_counts_as_we_do()) return kUnknownUser;
  const auto now = std::chrono::steady_clock::now();
  if (known.pid == pid && now < known.until) return known.user;
  uid_t user = kUnknownUser;
  if (!read_id(content_of(folder_of(pid) + "status"), "Uid:", user)) user = kUnknownUser;
  known = {pid, user, now + kGoodFor};
  return user;
}

}  // namespace butterfuse
