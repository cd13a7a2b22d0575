// SPDX-License-Identifier: GPL-2.0-or-later
// Sandbox: the list of system calls, and the one path.
//
// The order of it:
//
//   one thread           no_new_privs and Landlock hold for the thread that asks, and those it starts
//   libraries            what they read when they are first used they read now
//   no_new_privs         without it an ordinary user may ask for neither of the two below
//   Landlock             names /proc and the like: before the filter, which lets none of its calls through
//   capabilities         dropped: before the filter as well
//   seccomp              last: from here on nothing of the above could be done any more
//
// What can't be had of Landlock (an old kernel) is done without, and the log says so; without the filter
// there is no sandbox. Calls that are not on the list are EPERM and not the process's end: libraries try what
// is new, and have another way.
#include "fs/session/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "core/base/checksum.h"
#include "core/verity/verity_descriptor.h"

namespace butterfuse {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// With any arguments.
constexpr int kAllowed[] = {
    // I/O on what is open
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(preadv2),
    SCMP_SYS(pwritev2),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(splice),
    SCMP_SYS(vmsplice),
    SCMP_SYS(tee),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(eventfd2),
    // looking at files
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(stat),
    SCMP_SYS(stat64),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(fstatfs),
    SCMP_SYS(getdents64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(getcwd),
    // memory
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(mmap2),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(mincore),
    SCMP_SYS(membarrier),
    // threads, time and signals
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(tgkill),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_getattr),
    SCMP_SYS(sched_setattr),
    SCMP_SYS(ioprio_get),
    SCMP_SYS(ioprio_set),
    SCMP_SYS(getpriority),
    SCMP_SYS(setpriority),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(prctl),
    // facts
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(umask),
    // the system log and the helper, which are connected already
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
};

// Discards, size and protection of a block device; the connection of a worker; what isatty(3) asks.
constexpr unsigned long kIoctls[] = {BLKDISCARD, BLKGETSIZE64, BLKROGET, FUSE_DEV_IOC_CLONE, TCGETS};

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

// `code` is negative, as libseccomp has it.
Status or_error(const char* what, int code) {
  return code == 0 ? Status{} : make_error(-code, "{}: {}", what, std::strerror(-code));
}

Status allow_some(void* filter) {
  const auto allow = [&](int call, const scmp_arg_cmp& condition) {
    return or_error("seccomp rule", seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, condition));
  };
  // By path, only reading.
  constexpr int kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  BF_TRY(allow(SCMP_SYS(open), SCMP_A1(SCMP_CMP_MASKED_EQ, kWriting, 0)));
  BF_TRY(allow(SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, kWriting, 0)));
  // Threads, not processes. clone3 hides its flags in memory: the C library falls back to clone.
  BF_TRY(allow(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)));
  BF_TRY(or_error("seccomp rule", seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0)));
  for (const unsigned long command : kIoctls) BF_TRY(allow(SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, command)));
  // A signal that comes too early for its watch is sent again.
  const auto ourselves = static_cast<scmp_datum_t>(::getpid());
  BF_TRY(allow(SCMP_SYS(kill), SCMP_A0(SCMP_CMP_EQ, ourselves)));
  // Limits can be asked for, not changed.
  return allow(SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0));
}

Status filter_system_calls() {
  Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) return make_error(ENOMEM, "seccomp: no filter");
  BF_TRY(or_error("seccomp", seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1)));
  for (const int call : kAllowed)
    BF_TRY(or_error("seccomp rule", seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0)));
  BF_TRY(allow_some(filter.get()));
  return or_error("seccomp", seccomp_load(filter.get()));
}

// All rights of the first version: newer kernels have more, which older ones would refuse to hear of.
constexpr uint64_t kPathRights =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
    LANDLOCK_ACCESS_FS_MAKE_SYM;

// What reads of it: callers' rights and mounts; memory limits; how many processors there are.
constexpr const char* kReadable[] = {"/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu"};

bool close_paths() {
  landlock_ruleset_attr all{};
  all.handled_access_fs = kPathRights;
  const int ruleset = static_cast<int>(syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0));
  if (ruleset < 0) return false;
  for (const char* path : kReadable) {
    const int folder = ::open(path, O_PATH | O_CLOEXEC);
    if (folder < 0) continue;
    landlock_path_beneath_attr readable{};
    readable.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    readable.parent_fd = folder;
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &readable, 0);
    ::close(folder);
  }
  const bool closed = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  ::close(ruleset);
  return closed;
}

// All sets: what is open stays open, and nothing else is asked for. User id 0 alone opens what root owns, by
// path: that is what Landlock and the filter are for.
Status drop_capabilities() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // EPERM for who has none to drop
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) == 0) return {};
  return make_error(errno, "dropping capabilities: {}", std::strerror(errno));
}

// What libraries read when they are first used, they read now.
void warm_up_libraries() {
  tzset();
  const std::byte nothing{};
  for (const CsumType type : {CsumType::crc32c, CsumType::xxhash, CsumType::sha256, CsumType::blake2})
    (void)checksum(type, {&nothing, 1});
  for (const VerityHash hash : {VerityHash::sha256, VerityHash::sha512})
    (void)digest_of(hash, {{&nothing, 1}});
}

size_t count_threads() {
  std::error_code error;
  const std::filesystem::directory_iterator tasks("/proc/self/task", error);
  return error ? 1 : static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

// A thread that was joined may be seen for a moment longer: a tenth of a second is far more than that.
bool is_single_threaded() {
  for (int tries = 0; count_threads() > 1; ++tries) {
    if (tries == 100) return false;
    ::usleep(1000);
  }
  return true;
}

}  // namespace

Result<std::string> enter_sandbox() {
  if (kSanitized) return make_error(ENOTSUP, "this build has a sanitizer");
  if (!is_single_threaded()) return make_error(EBUSY, "other threads run already, and would stay outside");
  warm_up_libraries();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return make_error(errno, "no_new_privs: {}", std::strerror(errno));
  const bool landlocked = close_paths();
  BF_TRY(drop_capabilities());
  BF_TRY(filter_system_calls());
  return fmt::format("no new privileges, no capabilities, seccomp{}", landlocked ? ", Landlock" : "");
}

}  // namespace butterfuse
