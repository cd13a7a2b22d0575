// SPDX-License-Identifier: GPL-2.0-or-later
// Session: the mount, the RequestLoop around our operations, and the end.
//
// A session and its end:
//
//   helper mounts          connect(): as a block device's own file system, or else as any other
//   FUSE_INIT              on_live: whoever waits for the mount hears of it
//   requests               RequestLoop, on up to 96 threads
//   umount(2)              the kernel ends the session: the loop returns
//   a signal               end_session(): detach, stop long calls, save all, wait for users, end the loop
//   always                 detach once more, where the kernel did not; the caller closes the mount
//
// On a signal the mount is taken out of the tree first, so that nobody new comes in, and everything is saved
// at once: whoever keeps a file open after that gets five more seconds to let the kernel hand over what it
// holds. Then the loop ends, and their next call fails.
#include "fs/session/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "core/base/log.h"
#include "core/base/numbers.h"
#include "core/ondisk/constants.h"
#include "fs/fuse/dispatch.h"
#include "fs/fuse/features.h"
#include "fs/fuse/low_memory.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/process.h"
#include "fs/mount/scrub_table.h"
#include "fs/session/libfuse_log.h"
#include "fs/session/request_loop.h"
#include "fs/session/signal_watch.h"

namespace butterfuse {
namespace {

using namespace std::chrono_literals;

constexpr auto kPollInterval = 20ms;  // no unmount on a signal takes noticeably longer than the kernel's end
// Shorter: programs that are ended by the same signal lose what they write last. Longer: whoever ends the
// daemon waits as long where a file stays open.
constexpr auto kGraceForUsers = 5'000ms;
// More than all background requests (16, fs/fuse/init_op.cc) and what throttled writers hold, so that they
// starve no one; Lanes shares them out. Each costs its stack and a request buffer, once it was needed.
constexpr unsigned kThreadsMax = 96;

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
// The type says that it is ours (MountEntry::is_butterfuse_by_type), but of a block device, which is plain
// "fuseblk": scripts know that word, and not one with a suffix.
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

// As a block device's own file system, as far as the kernel allows it: umount(2) then returns only
// when we have answered its last request, and syncfs(2) arrives where the kernel passes it on (Linux
// 6.18). The kernel claims the device for its mount, so ours must go first; anybody who comes in
// between makes this mount fail.
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

// Ioctls that take long end soon (EINTR), scrubs too, and no more begin: the mount ends. From any thread.
void cancel_long_calls(FuseContext& context) {
  context.ending = true;
  context.mount.scrubs().close();
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
    ask_for_user_namespaces(
        [&helper = *options.helper](pid_t pid) { return helper.shares_user_namespace(pid); });
  keep_memory_reserve();
  if (!options.single_thread && !context.mount.is_read_only()) context.mount.inodes().deletions().start();
  RequestLoop loop(context.session,
                   {.process = [&](const fuse_buf& request) { process_request(context, request); },
                    .cancel = [&] { cancel_long_calls(context); }},
                   options.single_thread ? 1 : kThreadsMax);
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
  const auto number = parse_integer<int>(std::string_view(mountpoint).substr(kFolder.size()));
  return number && *number >= 0 ? number : std::nullopt;
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
