// Session: libfuse's loop around our operations.
#include "fs/fuse/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "core/base/log.h"
#include "core/ondisk/constants.h"
#include "fs/fuse/libfuse_log.h"
#include "fs/fuse/low_memory.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/process.h"
#include "fs/fuse/raw_request.h"
#include "fs/fuse/request_loop.h"
#include "fs/fuse/signal_watch.h"

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
constexpr unsigned kThreadsMax = 96;  // more than all background requests: throttled writers starve no one

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
  connection->max_read = options.max_read_bytes;  // as it was mounted
  connection->max_readahead = kReadaheadBytes;
  connection->max_background = kBackgroundRequests;
  connection->congestion_threshold = kBackgroundRequests * 3 / 4;
  connection->time_gran = 1;
  context.top_lesson = TopLesson::begin(context.mount, context.mountpoint);
  if (context.on_live) context.on_live();
}

std::string escape_commas(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    if (c == ',' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// What is shown as the source of a block device's own file system is what the kernel opens.
constexpr std::string_view kSourceShown = "fsname=";

// libfuse adds nosuid and nodev; a mount by root has neither, as with other file systems, unless asked for.
// The type says that it is ours (MountEntry::is_butterfuse_by_type), but of a block device, which is plain "fuseblk": scripts
// know that word, and not one with a suffix.
std::string libfuse_options(const MountOptions& options, const std::string& source, bool as_block_device,
                            bool is_claimed) {
  std::string text = "fsname=" + escape_commas(source);
  text += as_block_device ? ",blkdev,blksize=" + std::to_string(kSectorSize) : ",subtype=butterfuse";
  if (options.default_permissions) text += ",default_permissions";
  if (options.read_only) text += ",ro";
  if (options.atime == AtimeMode::noatime) text += ",noatime";
  if (geteuid() == 0 && !options.suid_given) text += ",suid";
  if (geteuid() == 0 && !options.dev_given) text += ",dev";
  if (options.max_read_bytes != 0) text += fmt::format(",max_read={}", options.max_read_bytes);
  for (const std::string& option : options.fuse_options)
    if (!is_claimed || !option.starts_with(kSourceShown)) text += "," + option;
  return text;
}

struct SessionDeleter {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
using SessionHandle = std::unique_ptr<fuse_session, SessionDeleter>;

// The session takes the connection, and closes it at its end.
Result<SessionHandle> new_session(FuseContext& context, const SessionOptions& options, int connection) {
  keep_complaints_of_libfuse();
  std::string words = libfuse_options(context.mount.options(), options.source, false, false);
  std::string program = "butterfuse", flag = "-o", debug = "-d";
  std::vector<char*> arguments{program.data(), flag.data(), words.data()};
  if (options.debug) arguments.push_back(debug.data());
  fuse_args args = FUSE_ARGS_INIT(static_cast<int>(arguments.size()), arguments.data());
  const fuse_lowlevel_ops ops = all_operations();
  SessionHandle session(fuse_session_new(&args, &ops, sizeof(ops), &context));
  fuse_opt_free_args(&args);
  const std::string place = fmt::format("/dev/fd/{}", connection);
  const bool is_made = session != nullptr && fuse_session_mount(session.get(), place.c_str()) == 0;
  log_libfuse();
  if (!is_made) return make_error(EIO, "no FUSE session: {}", last_complaint_of_libfuse());
  return session;
}

// As a block device's own file system, as far as the kernel allows it: umount(2) then returns only when we
// have answered its last request, and syncfs(2) arrives where the kernel passes it on (Linux 6.18). The
// kernel claims the device for its mount, so ours must go first; anybody who comes in between makes this
// mount fail.
Result<MadeMount> connect(const SessionOptions& options, const MountHelper& helper) {
  if (!options.claim) return helper.mount();
  options.claim->give_up();
  auto made = helper.mount_as_block_device();
  if (made) return made;
  log(LogLevel::debug, "not mounted as a block device: {}", made.error().message);
  BF_ASSIGN(const int claim, helper.claim());
  BF_TRY(options.claim->take(claim));
  return helper.mount();
}

// Takes the mount out of the tree: the kernel ends the session when its last user is gone, and writes what it
// holds before; we go on serving meanwhile. Users that keep files open may keep the session for a while, not
// for ever: what they wrote is saved first.
void end_session(FuseContext& context, RequestLoop& loop, const SessionOptions& options,
                 const std::atomic<bool>& ending) {
  log(LogLevel::info, "unmounting {} on a signal", options.mountpoint);
  if (options.helper != nullptr)
    if (auto status = options.helper->detach(); !status) log(LogLevel::error, "{}", status.error().message);
  cancel_long_calls(context);
  if (auto status = context.mount.sync(); !status) log(LogLevel::error, "sync: {}", status.error().message);
  for (auto waited = 0ms; waited < kGraceForUsers; waited += kPollInterval) {
    if (ending) return;
    std::this_thread::sleep_for(kPollInterval);
  }
  log(LogLevel::warning, "{} is still in use: ending the session", options.mountpoint);
  loop.interrupt();
}

// From the mount to its end.
Status answer_requests(FuseContext& context, const SessionOptions& options) {
  const auto& words = context.mount.options().fuse_options;
  const bool asks_who = std::ranges::find(words, "allow_root") != words.end();
  BF_TRY(offer_more_features(context.session, fuse_session_fd(context.session),
                             asks_who ? CallersTold::all : CallersTold::makers));
  if (options.helper != nullptr)
    ask_for_user_namespaces([&helper = *options.helper](pid_t pid) { return helper.shares_user_namespace(pid); });
  keep_memory_reserve();
  RequestLoop loop(context, options.single_thread ? 1 : kThreadsMax);
  SignalWatch watch([&](const std::atomic<bool>& ending) { end_session(context, loop, options, ending); });
  const int result = loop.run();
  return result < 0 ? make_error(-result, "serving {} ended with an error", options.mountpoint) : Status{};
}

// libfuse's own unmounting goes by the path, whatever is mounted there: we do it ourselves (OwnMount).
Status connect_and_answer(FuseContext& context, const SessionOptions& options) {
  MadeMount made{.connection = fuse_descriptor_of(options.mountpoint).value_or(-1)};
  if (options.helper != nullptr) {
    BF_ASSIGN(made, connect(options, *options.helper));
  }
  context.device = made.device;
  BF_ASSIGN(const SessionHandle session, new_session(context, options, made.connection));
  context.session = session.get();
  return answer_requests(context, options);
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

MountPlan mount_plan(const MountOptions& mount, const SessionOptions& options) {
  return {.mountpoint = options.mountpoint,
          .options = libfuse_options(mount, options.source, false, options.claim.has_value()),
          .options_as_block_device = options.claim ? libfuse_options(mount, options.source, true, true) : "",
          .block_device_name = options.claim ? options.source : "",
          .block_device = options.claim ? options.claim->device : -1,
          .follow_symlinks = !mount.nosymfollow,
          .auto_unmount = mount.auto_unmount};
}

std::optional<int> fuse_descriptor_of(const std::string& mountpoint) {
  constexpr std::string_view kFolder = "/dev/fd/";
  if (!mountpoint.starts_with(kFolder)) return std::nullopt;
  const char* const end = mountpoint.data() + mountpoint.size();
  int number = -1;
  const auto [rest, error] = std::from_chars(mountpoint.data() + kFolder.size(), end, number);
  return error == std::errc() && rest == end && number >= 0 ? std::optional(number) : std::nullopt;
}

Status serve(Mount& mount, const SessionOptions& options) {
  FuseContext context{mount, options.on_live, nullptr};
  context.mountpoint = options.mountpoint;
  context.single_thread = options.single_thread;
  Status served;
  try {
    served = connect_and_answer(context, options);
  } catch (const std::system_error& error) {
    served = make_error(error.code().value(), "can't start a thread: {}", error.code().message());
  }
  // Where the kernel did not end it.
  if (options.helper != nullptr)
    if (const Status gone = options.helper->detach(); !gone)
      log(LogLevel::warning, "a dead mount is left: {}", gone.error().message);
  return served;
}

}  // namespace butterfuse
