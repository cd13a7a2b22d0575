// SPDX-License-Identifier: GPL-2.0-or-later
// MountHelper: fork, a socket, libfuse's own way to mount, and the descriptor sent back.
//
// Why a process of its own. The daemon reads images that may be hostile, so it gives up every right before
// (sandbox.h). But mounting takes CAP_SYS_ADMIN or the start of fusermount3, and so does unmounting on a
// signal, hours later. A thread could not keep a right that the others have not: what takes over one has all.
// So the right stays in a process that shares no memory with the daemon, reads nothing but orders of a
// letter, and does what was planned before the image was read.
//
//   daemon                        helper
//   'm', 'b'       ---------->    mount(2) as planned; the connection's descriptor comes back
//   'c'            ---------->    claims the planned block device; a descriptor comes back
//   'd'            ---------->    detaches that mount
//   'u' PID        ---------->    yes or no: is the process in our user namespace?
//   (its end)      ---------->    a killed daemon: ends the connection; unmounts, if that was planned; ends
//
// Each order is answered before the next one is read.
#include "fs/session/mount_helper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/base/mount_process.h"
#include "core/base/numbers.h"
#include "fs/fuse/ops.h"
#include "fs/session/captured_output.h"
#include "fs/session/libfuse_log.h"
#include "fs/session/mount_attributes.h"
#include "fs/session/own_mount.h"

namespace butterfuse {
namespace {

constexpr int kSocket = 3, kBlockDevice = 4;  // behind the standard streams; all above is closed
constexpr int kDaemonDied = SIGUSR1;
// An order is one letter, and of kSharesUserNamespace a number in digits behind it, nothing else. The answer
// is an errno, a space, and words for people; of a mount that was made, its device number.
constexpr char kMount = 'm', kMountAsBlockDevice = 'b', kDetach = 'd', kClaim = 'c';
constexpr char kSharesUserNamespace = 'u';

Message message_of(const Status& status) {
  return {status ? "0 " : fmt::format("{} {}", status.error().code, status.error().message)};
}

Result<int> open_connection(const std::string& mountpoint, std::string options) {
  keep_complaints_of_libfuse();
  std::string program = "butterfuse", flag = "-o";
  std::array<char*, 3> arguments{program.data(), flag.data(), options.data()};
  fuse_args args = FUSE_ARGS_INIT(static_cast<int>(arguments.size()), arguments.data());
  const fuse_lowlevel_ops none{};
  fuse_session* const session = fuse_session_new(&args, &none, sizeof(none), nullptr);
  fuse_opt_free_args(&args);
  if (session == nullptr)
    return make_error(EINVAL, "libfuse refuses the mount options '{}': {}", options,
                      last_complaint_of_libfuse());
  CapturedOutput output;
  const int failed = fuse_session_mount(session, mountpoint.c_str());
  std::string said = output.end();  // by fusermount3, which knows better than libfuse
  while (said.ends_with('\n')) said.pop_back();
  // The session lives as long as this process.
  if (failed == 0) return fuse_session_fd(session);
  fuse_session_destroy(session);
  return make_error(EIO, "can't mount on {}: {}", mountpoint,
                    said.empty() ? last_complaint_of_libfuse() : said);
}

// The helper itself, behind the fork.
class Servant {
 public:
  Servant(int socket, MountPlan plan) : socket_(socket), plan_(std::move(plan)) {}

  // An order that waits when the daemon dies is the last one, or none.
  [[noreturn]] void run(int death_watch) {
    for (;;) {
      pollfd events[] = {{socket_.descriptor(), POLLIN, 0}, {death_watch, POLLIN, 0}};
      if (::poll(events, 2, -1) < 0) continue;
      // Killed, and perhaps not able to die: see OwnMount::abort_connection.
      if (events[1].revents != 0) mount_.abort_connection();
      if (events[1].revents != 0) end();
      const auto order = socket_.receive();
      if (!order) end();
      if (order->descriptor >= 0) ::close(order->descriptor);
      obey(order->text);
    }
  }

 private:
  [[noreturn]] void end() const {
    if (plan_.auto_unmount) (void)mount_.detach();
    _exit(0);
  }

  void obey(const std::string& order) {
    if (order.front() == kSharesUserNamespace) {
      socket_.send(message_of(compare_user_namespaces(order)));
      return;
    }
    switch (order.size() == 1 ? order.front() : ' ') {
      case kMount:
        return hand_over(mount(plan_.options));
      case kMountAsBlockDevice:
        return hand_over(mount_as_block_device());
      case kClaim:
        answer(claim(), "");
        return;
      case kDetach:
        socket_.send(message_of(mount_.detach()));
        return;
      default:
        socket_.send(message_of(make_error(EINVAL, "no such order")));
    }
  }

  // False when there is nobody any more who waits for it.
  bool answer(const Result<int>& opened, const std::string& words) {
    const bool is_taken =
        socket_.send(opened ? Message{"0 " + words, *opened} : message_of(tl::unexpected(opened.error())));
    if (opened) ::close(*opened);  // only the daemon's end is the connection's, or the claim's
    return is_taken;
  }

  // A daemon that died meanwhile leaves no mount behind that nobody serves.
  void hand_over(const Result<int>& connection) {
    if (!answer(connection, std::to_string(mount_.device()))) (void)mount_.detach();
  }

  Result<int> mount(const std::string& options) {
    if (options.empty() || has_mounted_)
      return make_error(EALREADY, "{}: not to be mounted", plan_.mountpoint);
    auto connection = open_connection(plan_.mountpoint, options);
    if (!connection) return connection;
    has_mounted_ = true;
    mount_ = OwnMount(plan_.mountpoint);
    name_helper_of_mount(mount_.device());
    if (plan_.follow_symlinks) return connection;
    const Status forbidden = forbid_symlinks(plan_.mountpoint);
    if (forbidden) return connection;
    (void)mount_.detach();
    ::close(*connection);
    return tl::unexpected(forbidden.error());
  }

  // The number is looked at before, so that no other device is claimed even for a moment, and again once the
  // kernel has opened what the name meant to it.
  Result<int> mount_as_block_device() {
    struct stat planned {};
    struct stat named {};
    if (::fstat(kBlockDevice, &planned) != 0 || ::stat(plan_.block_device_name.c_str(), &named) != 0)
      return make_error(errno, "{}: {}", plan_.block_device_name, std::strerror(errno));
    const auto another = [this] {
      return make_error(ENODEV, "{}: by now another device has this name", plan_.block_device_name);
    };
    if (!S_ISBLK(named.st_mode) || named.st_rdev != planned.st_rdev) return another();
    auto connection = mount(plan_.options_as_block_device);
    if (!connection || mount_.device() == planned.st_rdev) return connection;
    ::close(*connection);
    BF_TRY(mount_.detach());
    has_mounted_ = false;
    return another();
  }

  // Says nothing but yes or no, of any number: a daemon that was taken over learns little.
  static Status compare_user_namespaces(const std::string& order) {
    const auto process = parse_integer<pid_t>(std::string_view(order).substr(1));
    if (!process || *process <= 0) return make_error(EINVAL, "no such order");
    struct stat own {};
    struct stat theirs {};
    if (::stat("/proc/self/ns/user", &own) != 0 ||
        ::stat(fmt::format("/proc/{}/ns/user", *process).c_str(), &theirs) != 0)
      return make_error(errno, "can't see the namespace of process {}", *process);
    const bool same = own.st_dev == theirs.st_dev && own.st_ino == theirs.st_ino;
    return same ? Status{} : make_error(EPERM, "process {} is in another user namespace", *process);
  }

  Result<int> claim() const {
    const std::string device = fmt::format("/proc/self/fd/{}", kBlockDevice);
    if (plan_.block_device < 0) return make_error(EBADF, "no block device is to be claimed");
    const int descriptor = ::open(device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
    if (descriptor >= 0) return descriptor;
    return make_error(errno, "{}: can't be claimed: {}", plan_.block_device_name, std::strerror(errno));
  }

  const OrderSocket socket_;
  const MountPlan plan_;
  bool has_mounted_ = false;
  OwnMount mount_;
};

// ps(1) would show two daemons. The arguments lie where /proc says, and may be written over.
void change_command_line() {
  constexpr std::string_view kName = "butterfuse-mount-helper";
  constexpr int kState = 3, kArgumentsBegin = 48;  // fields of proc(5)'s stat
  std::ifstream stat("/proc/self/stat");
  std::string text;
  std::getline(stat, text);
  const size_t name_end = text.rfind(')');
  if (name_end == text.npos) return;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = kState; field < kArgumentsBegin; ++field) fields >> skipped;
  uintptr_t start = 0, end = 0;
  if (!(fields >> start >> end) || start == 0 || end <= start) return;
  char* const arguments = reinterpret_cast<char*>(start);
  std::memset(arguments, 0, end - start);
  std::memcpy(arguments, kName.data(), std::min(kName.size(), end - start - 1));
}

// The same file, as a place in the tree and no more: nothing can be read or locked by it.
// A number that is out of the way.
int as_place(int descriptor) {
  const int place = ::open(fmt::format("/proc/self/fd/{}", descriptor).c_str(), O_PATH | O_CLOEXEC);
  const int moved = place < 0 ? -1 : ::fcntl(place, F_DUPFD_CLOEXEC, kBlockDevice + 1);
  if (place >= 0) ::close(place);
  return moved;
}

// It must not keep the image locked, the terminal, nor whatever else was open.
void let_go_of_all_but(int socket, int block_device) {
  const int place = block_device < 0 ? -1 : as_place(block_device);
  if (socket != kSocket && ::dup2(socket, kSocket) < 0) _exit(1);
  ::fcntl(kSocket, F_SETFD, FD_CLOEXEC);
  if (place < 0 || ::dup3(place, kBlockDevice, O_CLOEXEC) < 0) ::close(kBlockDevice);
  ::syscall(SYS_close_range, kBlockDevice + 1, ~0U, 0);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (null >= 0) ::dup2(null, standard);
  if (null > kSocket) ::close(null);
  (void)!::chdir("/");
}

// Readable once the daemon's first thread has ended without having waited for us. Its files, our socket among
// them, stay open until its last thread has.
int watch_the_daemon() {
  sigset_t death;
  sigemptyset(&death);
  sigaddset(&death, kDaemonDied);
  ::pthread_sigmask(SIG_BLOCK, &death, nullptr);
  ::prctl(PR_SET_PDEATHSIG, kDaemonDied);
  return ::signalfd(-1, &death, SFD_CLOEXEC);
}

[[noreturn]] void become_helper(int socket, const MountPlan& plan) {
  ::setsid();
  ::prctl(PR_SET_NAME, "bf-mount");
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  let_go_of_all_but(socket, plan.block_device);
  change_command_line();
  Servant(kSocket, plan).run(watch_the_daemon());
}

}  // namespace

Result<MountHelper> MountHelper::start(const MountPlan& plan) {
  BF_ASSIGN(auto ends, OrderSocket::make());
  const pid_t child = ::fork();
  if (child < 0) return make_error(errno, "fork: {}", std::strerror(errno));
  if (child == 0) become_helper(ends.second.descriptor(), plan);
  return MountHelper(child, std::move(ends.first));
}

MountHelper::MountHelper(MountHelper&& other) noexcept
    : child_(std::exchange(other.child_, -1)), socket_(std::move(other.socket_)) {}

MountHelper::~MountHelper() {
  { const OrderSocket closed = std::move(socket_); }
  if (child_ > 0) ::waitpid(child_, nullptr, 0);
}

Result<MountHelper::Answer> MountHelper::ask(char order, const std::string& argument) const {
  MutexLock lock(*asking_);
  const auto answer = socket_.send({order + argument}) ? socket_.receive() : std::nullopt;
  if (!answer) return make_error(EIO, "the process that mounts and unmounts is gone");
  if (answer->descriptor_lost) return make_error(EMFILE, "too many open files (ulimit -n)");
  int code = EIO;
  const char* const end = answer->text.data() + answer->text.size();
  const char* const words = std::from_chars(answer->text.data(), end, code).ptr;
  const std::string_view said = std::string_view(words, end).substr(words == end ? 0 : 1);
  if (code == 0) return Answer{answer->descriptor, std::string(said)};
  return make_error(code, "{}", said);
}

Result<MadeMount> MountHelper::ask_for_mount(char order) const {
  BF_ASSIGN(const Answer answer, ask(order));
  MadeMount made{.connection = answer.descriptor};
  std::from_chars(answer.words.data(), answer.words.data() + answer.words.size(), made.device);
  return made;
}

Result<MadeMount> MountHelper::mount() const { return ask_for_mount(kMount); }
Result<MadeMount> MountHelper::mount_as_block_device() const { return ask_for_mount(kMountAsBlockDevice); }

Result<int> MountHelper::claim() const {
  BF_ASSIGN(const Answer answer, ask(kClaim));
  return answer.descriptor;
}

bool MountHelper::shares_user_namespace(pid_t process) const {
  return ask(kSharesUserNamespace, std::to_string(process)).has_value();
}

Status MountHelper::detach() const {
  const auto done = ask(kDetach);
  return done ? Status{} : tl::unexpected(done.error());
}

}  // namespace butterfuse
