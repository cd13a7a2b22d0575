// Session: libfuse's loop around our operations.
#include "fs/fuse/session.h"

#include <unistd.h>

#include <chrono>
#include <cstdarg>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "core/base/log.h"
#include "core/ondisk/constants.h"
#include "fs/fuse/captured_output.h"
#include "fs/fuse/low_memory.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/own_mount.h"
#include "fs/fuse/raw_request.h"
#include "fs/fuse/request_loop.h"
#include "fs/fuse/sandbox.h"
#include "fs/fuse/signal_watch.h"
#include "fs/fuse/unmount_helper.h"

namespace butterfuse {
namespace {

using namespace std::chrono_literals;

constexpr auto kPollInterval = 20ms;
constexpr auto kGraceForUsers = 5'000ms;
// While the kernel copies a request it keeps the processor from all others: longer writes are hardly faster,
// and make everyone else's wait.
constexpr unsigned kWriteBytes = 128u << 10;
constexpr unsigned kReadaheadBytes = 1u << 20;
constexpr unsigned kBackgroundRequests = 16;  // the kernel's own writes and read-aheads at a time
constexpr unsigned kThreadsMax = 64;  // more than all background requests: throttled writers starve no one

void want(fuse_conn_info& connection, unsigned capability, bool on) {
  if (on && (connection.capable & capability)) connection.want |= capability;
  if (!on) connection.want &= ~capability;
}

void op_init(void* userdata, fuse_conn_info* connection) {
  auto& context = *static_cast<FuseContext*>(userdata);
  const MountOptions& options = context.mount.options();
  want(*connection, FUSE_CAP_WRITEBACK_CACHE, options.writeback_cache);
  // Access control lists: the kernel enforces them, and leaves the umask of new inodes to us.
  want(*connection, FUSE_CAP_POSIX_ACL, options.acl && options.default_permissions);
  want(*connection, FUSE_CAP_DONT_MASK, options.acl);
  for (unsigned capability :
       {FUSE_CAP_ASYNC_READ, FUSE_CAP_ATOMIC_O_TRUNC, FUSE_CAP_EXPORT_SUPPORT, FUSE_CAP_READDIRPLUS,
        FUSE_CAP_READDIRPLUS_AUTO, FUSE_CAP_IOCTL_DIR, FUSE_CAP_PARALLEL_DIROPS}) {
    want(*connection, capability, true);
  }
  // A target that the kernel keeps is one whose reading we do not see.
  want(*connection, FUSE_CAP_CACHE_SYMLINKS,
       options.atime == AtimeMode::noatime || context.mount.is_read_only());
  // The kernel does not drop what it has cached of a range behind an asynchronous direct write to it, and a
  // reader that came meanwhile would see the old bytes for good.
  want(*connection, FUSE_CAP_ASYNC_DIO, false);
  // Data goes from libfuse's buffer into our pages and back in one copy; a pipe in between would only add
  // one. Privileges are dropped by version 2 (raw_request.h), if at all. The kernel must not drop its cache
  // when mtime changes: we change it.
  for (unsigned capability : {FUSE_CAP_SPLICE_READ, FUSE_CAP_SPLICE_WRITE, FUSE_CAP_SPLICE_MOVE,
                              FUSE_CAP_HANDLE_KILLPRIV, FUSE_CAP_AUTO_INVAL_DATA}) {
    want(*connection, capability, false);
  }
  connection->max_write = kWriteBytes;
  connection->max_readahead = kReadaheadBytes;
  connection->max_background = kBackgroundRequests;
  connection->congestion_threshold = kBackgroundRequests * 3 / 4;
  connection->time_gran = 1;
  context.top_lesson = TopLesson::begin(context.mount, context.mountpoint);
  if (context.on_live) context.on_live();
  if (!options.sandbox) return;
  const auto sandbox = enter_sandbox();
  if (sandbox) {
    log(LogLevel::debug, "sandbox: {}", *sandbox);
  } else {
    log(LogLevel::warning, "no sandbox: {}", sandbox.error().message);
  }
}

std::string escape_commas(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    if (c == ',' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// libfuse writes its complaints to stderr; we say in one line why the mount failed.
std::string& last_complaint() {
  static std::string text;
  return text;
}
void keep_complaint(fuse_log_level, const char* format, va_list arguments) {
  char line[512];
  vsnprintf(line, sizeof(line), format, arguments);
  std::string_view text = line;
  while (text.ends_with('\n')) text.remove_suffix(1);
  last_complaint() = text;
}

// With names in it, in debug mode: as lines of our own log, where they are escaped.
void log_of_libfuse(fuse_log_level level, const char* format, va_list arguments) {
  char line[1024];
  vsnprintf(line, sizeof(line), format, arguments);
  std::string_view text = line;
  while (text.ends_with('\n')) text.remove_suffix(1);
  log(level <= FUSE_LOG_WARNING ? LogLevel::warning : LogLevel::debug, "{}", text);
}

// libfuse adds nosuid and nodev; a mount by root has neither, as with other file systems, unless asked for. The type
// of a block device is plain "fuseblk", as programs that look at types know it from ntfs-3g.
std::string libfuse_options(const MountOptions& options, const std::string& source, bool as_block_device) {
  std::string text = "fsname=" + escape_commas(source);
  text += as_block_device ? ",blkdev,blksize=" + std::to_string(kSectorSize) : ",subtype=butterfuse";
  if (options.default_permissions) text += ",default_permissions";
  if (options.read_only) text += ",ro";
  if (options.atime == AtimeMode::noatime) text += ",noatime";
  if (geteuid() == 0 && !options.suid_given) text += ",suid";
  if (geteuid() == 0 && !options.dev_given) text += ",dev";
  for (const std::string& option : options.fuse_options) text += "," + option;
  return text;
}

struct SessionDeleter {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
using SessionHandle = std::unique_ptr<fuse_session, SessionDeleter>;

// A mount from mount(2) on, and who can end it.
struct MountedSession {
  SessionHandle session;
  std::string name;  // of the mount point, for people
  OwnMount place;
  std::optional<UnmountHelper> helper;  // root can unmount by itself
  UnmountHelper* helper_or_null() const { return helper ? const_cast<UnmountHelper*>(&*helper) : nullptr; }
};

Result<SessionHandle> new_session(FuseContext& context, const SessionOptions& options, bool as_block_device) {
  std::string text = libfuse_options(context.mount.options(), options.source, as_block_device);
  std::string program = "butterfuse", flag = "-o", debug = "-d";
  std::vector<char*> arguments{program.data(), flag.data(), text.data()};
  if (options.debug) arguments.push_back(debug.data());
  fuse_args args = FUSE_ARGS_INIT(static_cast<int>(arguments.size()), arguments.data());
  const fuse_lowlevel_ops ops = all_operations();
  SessionHandle session(fuse_session_new(&args, &ops, sizeof(ops), &context));
  fuse_opt_free_args(&args);
  if (session == nullptr)
    return make_error(EINVAL, "libfuse refuses the mount options '{}': {}", text, last_complaint());
  return session;
}

Result<SessionHandle> try_mount(FuseContext& context, const SessionOptions& options, bool as_block_device) {
  last_complaint().clear();
  fuse_set_log_func(keep_complaint);
  BF_ASSIGN(SessionHandle session, new_session(context, options, as_block_device));
  CapturedOutput output;
  const int failed = fuse_session_mount(session.get(), options.mountpoint.c_str());
  std::string said = output.end();  // by fusermount3, which knows better than libfuse
  while (said.ends_with('\n')) said.pop_back();
  fuse_set_log_func(log_of_libfuse);
  if (failed == 0) return session;
  return make_error(EIO, "can't mount on {}: {}", options.mountpoint, said.empty() ? last_complaint() : said);
}

// As a block device's own file system, as far as the kernel allows it: umount(2) then returns only when we
// have answered its last request, and syncfs(2) arrives where the kernel passes it on (Linux 6.18). The
// kernel claims the device for its mount, so ours must go first; anybody who comes in between makes this
// mount fail.
Result<SessionHandle> mount_on_tree(FuseContext& context, const SessionOptions& options) {
  if (!options.claim_device || geteuid() != 0) return try_mount(context, options, false);
  BF_TRY(options.claim_device(false));
  auto session = try_mount(context, options, true);
  if (session) return session;
  log(LogLevel::debug, "not mounted as a block device: {}", session.error().message);
  BF_TRY(options.claim_device(true));
  return try_mount(context, options, false);
}

Result<MountedSession> mount_session(FuseContext& context, const SessionOptions& options) {
  MountedSession mounted;
  mounted.name = options.mountpoint;
  if (is_fuse_descriptor(options.mountpoint)) {
    BF_ASSIGN(mounted.session, try_mount(context, options, false));
    return mounted;
  }
  if (geteuid() != 0) {
    BF_ASSIGN(mounted.helper, UnmountHelper::start(options.mountpoint));
  }
  BF_ASSIGN(mounted.session, mount_on_tree(context, options));
  mounted.place = OwnMount(options.mountpoint);
  return mounted;
}

// Takes the mount out of the tree: the kernel ends the session when its last user is gone, and writes what it
// holds before; we go on serving meanwhile. Users that keep files open may keep the session for a while, not
// for ever: what they wrote is saved first.
void end_session(FuseContext& context, RequestLoop& loop, const MountedSession& mounted,
                 const std::atomic<bool>& ending) {
  log(LogLevel::info, "unmounting {} on a signal", mounted.name);
  if (auto status = mounted.place.detach(mounted.helper_or_null()); !status)
    log(LogLevel::error, "{}", status.error().message);
  cancel_long_calls(context);
  if (auto status = context.mount.sync(); !status) log(LogLevel::error, "sync: {}", status.error().message);
  for (auto waited = 0ms; waited < kGraceForUsers; waited += kPollInterval) {
    if (ending) return;
    std::this_thread::sleep_for(kPollInterval);
  }
  log(LogLevel::warning, "{} is still in use: ending the session", mounted.name);
  loop.interrupt();
}

// From the mount to its end.
Status answer_requests(FuseContext& context, const SessionOptions& options, MountedSession& mounted) {
  BF_TRY(offer_more_features(context.session, fuse_session_fd(context.session)));
  keep_memory_reserve();
  RequestLoop loop(context, options.single_thread ? 1 : kThreadsMax);
  SignalWatch watch([&](const std::atomic<bool>& ending) { end_session(context, loop, mounted, ending); });
  const int result = loop.run();
  return result < 0 ? make_error(-result, "serving {} ended with an error", mounted.name) : Status{};
}

}  // namespace

fuse_lowlevel_ops all_operations() {
  fuse_lowlevel_ops ops{};
  ops.init = op_init;
  add_lookup_ops(ops);
  add_attr_ops(ops);
  add_namespace_ops(ops);
  add_file_ops(ops);
  add_range_ops(ops);
  add_ioctl_ops(ops);
  add_dir_ops(ops);
  add_xattr_ops(ops);
  add_statfs_ops(ops);
  return ops;
}

bool is_fuse_descriptor(const std::string& mountpoint) {
  constexpr std::string_view kFolder = "/dev/fd/";
  const std::string number = mountpoint.starts_with(kFolder) ? mountpoint.substr(kFolder.size()) : "";
  return !number.empty() && number.find_first_not_of("0123456789") == std::string::npos;
}

// libfuse's own unmounting goes by the path, whatever is mounted there: we do it ourselves (OwnMount).
Status serve(Mount& mount, const SessionOptions& options) {
  FuseContext context{mount, options.on_live, nullptr};
  context.mountpoint = options.mountpoint;
  context.single_thread = options.single_thread;
  BF_ASSIGN(MountedSession mounted, mount_session(context, options));
  context.session = mounted.session.get();
  Status served;
  try {
    served = answer_requests(context, options, mounted);
  } catch (const std::system_error& error) {
    served = make_error(error.code().value(), "can't start a thread: {}", error.code().message());
  }
  // Where the kernel did not end it.
  if (const Status gone = mounted.place.detach(mounted.helper_or_null()); !gone)
    log(LogLevel::warning, "a dead mount is left: {}", gone.error().message);
  return served;
}

}  // namespace butterfuse
