// SPDX-License-Identifier: GPL-2.0-or-later
// butterfuse umount: takes a mount away, and returns when the image is final.
//
// Of most mounts umount(2) returns while the daemon still writes. Whoever then pulls the stick, copies the
// image or repairs it has half of the last commit. So this program waits for the daemon's end, in this order:
//
//   1. find the mount        by mount point or source, in the mount table: the mount itself is not asked
//   2. find the daemon       now: behind the unmount nothing leads to it any more
//   3. take the mount away   umount2(2); for an ordinary user fusermount3, which may
//   4. still elsewhere?      a bind, or another namespace: nothing to wait for, status 64
//   5. wait for the daemon   how it ended is told, as far as the kernel knows (MountDaemon::wait)
//      out of sight          its lock on the source is waited for instead
//
// A lazy unmount waits for nothing, as umount(8) -l does; nor has a dead one anything to wait for. Only
// mounts of ours are taken away, and dead ones of anybody: of a dead fuseblk mount nobody can tell any more
// whose it was.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <ranges>

#include "cli/commands.h"
#include "cli/mounts/dead_mount.h"
#include "cli/mounts/mount_daemon.h"
#include "cli/mounts/mount_namespace.h"
#include "cli/mounts/unasked_path.h"
#include "cli/process/exit_codes.h"
#include "cli/process/interruption.h"
#include "cli/process/processes.h"
#include "cli/process/standard_streams.h"
#include "core/base/mount_table.h"
#include "core/base/unasked_stat.h"
#include "core/device/block_device.h"
#include "core/device/mount_tables.h"

namespace butterfuse {
namespace {

// What a daemon may take without a word. Behind it one line says what is waited for, for as long as it takes:
// a limit would give up when it matters most.
constexpr int kQuietMs = 3000;
constexpr size_t kUsersShown = 10;  // lines: who can be ended is seen by the first ones

struct UmountArguments {
  std::vector<std::string> targets;
  std::string accepted_type, mount_namespace;
  bool lazy = false, force = false, quiet = false, accepted = false;
};

constexpr const ExitCodes& codes() { return exit_codes_of("umount"); }

int fail_umount(const std::string& message) {
  complain("butterfuse umount: {}", message);
  return codes().failed;
}

// By mount point, or by the source when that is mounted once.
Result<const MountEntry*> find_target(const std::vector<MountEntry>& table, const std::string& target) {
  if (const MountEntry* mount = find_mount_seen_at(table, unasked_mount_point(target))) return mount;
  const MountEntry* found = nullptr;
  if (const auto place = place_of(target))
    for (const MountedSource& mount : read_own_mount_table()) {
      if (!mount.entry.is_butterfuse() || !mount.seems_to_use(*place)) continue;
      const auto entry = std::ranges::find(table, mount.entry.id, &MountEntry::id);
      if (entry == table.end()) continue;
      if (found != nullptr)
        return make_error(EINVAL, "{} is mounted at {} and at {}: say which", target, found->mount_point,
                          entry->mount_point);
      found = &*entry;
    }
  if (found == nullptr) return make_error(EINVAL, "{}: not mounted", target);
  return found;
}

// An ordinary user's way. It says itself what is wrong. True when the mount is gone.
bool unmount_by_fusermount(const MountEntry& mount, bool lazy) {
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    if (lazy) ::execlp("fusermount3", "fusermount3", "-u", "-z", "--", mount.mount_point.c_str(), nullptr);
    ::execlp("fusermount3", "fusermount3", "-u", "--", mount.mount_point.c_str(), nullptr);
    _exit(127);
  }
  int status = -1;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0;
}

int say_busy(const MountEntry& mount) {
  const int status = fail_umount(fmt::format("{}: in use", mount.mount_point));
  const auto users = users_of_mount(mount);
  for (const std::string& user : users | std::views::take(kUsersShown)) complain("  by {}", user);
  if (users.size() > kUsersShown) complain("  and {} more", users.size() - kUsersShown);
  const auto table = read_mount_table();
  for (const MountEntry& other : table)
    if (other.parent == mount.id) complain("  by what is mounted at {}", other.mount_point);
  return status;
}

// 0, or the exit status after a word about it.
int take_away(const MountEntry& mount, const UmountArguments& arguments) {
  const int flags = UMOUNT_NOFOLLOW | (arguments.lazy ? MNT_DETACH : 0) | (arguments.force ? MNT_FORCE : 0);
  if (::umount2(mount.mount_point.c_str(), flags) == 0) return 0;
  if (errno == EPERM) {
    if (unmount_by_fusermount(mount, arguments.lazy)) return 0;
    return users_of_mount(mount).empty() ? fail_umount(mount.mount_point + ": not unmounted")
                                         : say_busy(mount);
  }
  if (errno == EBUSY) return say_busy(mount);
  return fail_umount(fmt::format("{}: {}", mount.mount_point, std::strerror(errno)));
}

// Where the daemon is out of sight: its lock on the source tells of its end.
Status wait_for_lock(const MountEntry& mount) {
  const auto info = stat_in_time(mount.source);
  if (!info) return make_error(ENOENT, "its daemon is out of sight, and so is its source {}", mount.source);
  OpenOptions options;
  options.mode = S_ISBLK(info->st_mode) ? OpenMode::read_write : OpenMode::read_only;
  options.lock_wait_ms = UINT32_MAX;
  auto device = open_file_device(mount.source, options);
  return device ? Status{} : Status(tl::unexpected(device.error()));
}

Status wait_for(const MountEntry& mount, const std::optional<MountDaemon>& daemon) {
  if (!daemon) return wait_for_lock(mount);
  Status ended = daemon->wait(kQuietMs);
  if (ended || ended.error().code != ETIME) return ended;
  complain("butterfuse umount: {}: waiting for its daemon (process {}) to write what is left",
           mount.mount_point, daemon->pid());
  return daemon->wait(-1);
}

// The file system lives on where it is mounted once more.
std::optional<std::string> other_place_of(const MountEntry& mount) {
  const auto table = read_mount_table();
  for (const MountEntry& other : table)
    if (other.is_same_filesystem(mount)) return other.mount_point;
  if (const pid_t process = process_with_mount_elsewhere(mount))
    return fmt::format("the mount namespace of process {}", process);
  return std::nullopt;
}

// umount(2) goes by the path: it would take whatever lies there.
Status check_on_top(const std::vector<MountEntry>& table, const MountEntry& mount) {
  const MountEntry* const seen = find_mount_seen_at(table, mount.mount_point);
  if (seen == &mount) return {};
  if (seen == nullptr)
    return make_error(EBUSY, "{}: can't be reached: another mount covers it", mount.mount_point);
  return make_error(EBUSY, "{}: {} ({}) is mounted on top of it: unmount that first", mount.mount_point,
                    seen->source, seen->type);
}

int unmount(const std::string& target, const UmountArguments& arguments) {
  const auto table = read_mount_table();
  const auto named = find_target(table, target);
  if (!named) return arguments.quiet ? codes().failed : fail_umount(named.error().message);
  const MountEntry* const mount = *named;
  const auto daemon = MountDaemon::find(*mount);
  // Of a block device's it can't be told any more whose it was. There is nothing to wait for.
  const bool dead = !daemon && is_dead_mount(*mount);
  if (!mount->is_butterfuse() && !dead)
    return fail_umount(fmt::format("{}: not ours: {} is mounted there ({})", mount->mount_point,
                                   mount->source, mount->type));
  if (const Status seen = check_on_top(table, *mount); !seen) return fail_umount(seen.error().message);
  if (const int status = take_away(*mount, arguments); status != 0) return status;
  if (arguments.lazy || dead) return 0;
  if (const auto other = other_place_of(*mount)) {
    complain("butterfuse umount: {}: unmounted, but the file system is still mounted: {}", mount->mount_point,
             *other);
    return mount_status::kNotAll;
  }
  const Status ended = wait_for(*mount, daemon);
  if (ended) return 0;
  fail_umount(fmt::format("{}: unmounted, but {}", mount->mount_point, ended.error().message));
  return ended.error().code == EINTR ? codes().interrupted : codes().failed;
}

// All targets are tried. Some done and some not is 64, as umount(8) has it; else the last failure's status. A
// signal ends it at once: what was not tried stays mounted.
int run_umount(const UmountArguments& arguments) {
  Interruption::watch();
  StandardStreams::outlive_readers();
  if (const Status own = check_own_mount_namespace(arguments.mount_namespace); !own)
    return fail_umount(own.error().message);
  int failed = 0;
  size_t failures = 0;
  for (const std::string& target : arguments.targets) {
    const int status = unmount(target, arguments);
    if (status == 0) continue;
    failed = status;
    ++failures;
    if (status == codes().interrupted) return status;
  }
  return failures != 0 && failures < arguments.targets.size() ? mount_status::kNotAll : failed;
}

}  // namespace

void add_umount_command(CLI::App& app, CommandResult& result) {
  auto arguments = std::make_shared<UmountArguments>();
  CLI::App* command = add_command(
      app, "umount", "Unmount, and return when the image or device is final",
      {.paragraphs =
           {"Takes the mount away, and waits until its process has written and committed everything: "
            "only then may the image be copied, or the device pulled. umount(8) returns earlier. Who "
            "keeps a mount busy is named. The mount of a process that was killed is taken away, too."},
       .see_also = {"butterfuse-mount(8)", "umount(8)", "fusermount3(1)"}});
  command->add_option("MOUNTPOINT", arguments->targets, "a mount point, or the source that is mounted there")
      ->required();
  command->add_flag("-l,--lazy", arguments->lazy,
                    "take it out of the tree though it is in use, and wait for nothing");
  command->add_flag("-f,--force", arguments->force,
                    "end what waits for a daemon that does not answer: it fails");
  command->add_flag("-q,--quiet", arguments->quiet, "no word about what is not mounted");
  command->add_flag("-c,-d,-i,-n,-r,-v,--verbose", arguments->accepted, "accepted from umount(8)");
  command->add_option("-t,--types", arguments->accepted_type, "accepted from umount(8)")
      ->type_name("TYPE")
      ->allow_extra_args(false);
  command
      ->add_option("-N,--namespace", arguments->mount_namespace,
                   "from umount(8): this mount namespace, if it is ours")
      ->type_name("NAMESPACE")
      ->allow_extra_args(false);
  command->callback([arguments, &result] { result.exit_status = run_umount(*arguments); });
}

}  // namespace butterfuse
