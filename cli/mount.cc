// SPDX-License-Identifier: GPL-2.0-or-later
// butterfuse mount: serves an image or device on a directory.
//
// One mount, step by step. Each step stands where it does for a reason:
//
//   1. options                   wrong ones are told before anything is touched
//   2. mount point               made if wished, resolved: a path that means nothing must not start a daemon
//   3. Background::start         fork, before there is a thread; the parent waits for the verdict
//   4. sources opened, locked    with the caller's rights; may wait for another daemon's end
//   5. MountHelper::start        fork again: it keeps the rights, and must never see the image
//   6. sandbox                   one thread, everything open
//   7. Mount::open               reads the image, which may be hostile; starts the engine's threads
//   8. serve                     mount(2) by the helper, requests; on_live tells the parent, who exits with 0
//   9. Mount::close              the last commit; an error goes to the log, since nobody waits any more
//
// With -f and -d the third step is left out. Up to the sixth a failure has changed nothing but a mount point
// that was made; up to on_live it is one line on the terminal.
#include "fs/mount/mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/mount_notes.h"
#include "cli/mounts/dead_mount.h"
#include "cli/mounts/mount_namespace.h"
#include "cli/mounts/mount_point.h"
#include "cli/process/background.h"
#include "cli/process/exit_codes.h"
#include "cli/process/logging.h"
#include "cli/process/standard_streams.h"
#include "cli/process/user_namespace.h"
#include "cli/remount.h"
#include "cli/sources.h"
#include "core/base/log.h"
#include "core/device/file_device.h"
#include "core/device/source_name.h"
#include "fs/inode/inode.h"
#include "fs/mount/memory_budget.h"
#include "fs/options/parse_options.h"
#include "fs/session/sandbox.h"
#include "fs/session/session.h"
#include "fs/session/signal_watch.h"

namespace butterfuse {
namespace {

struct MountArguments {
  std::vector<std::string> paths;  // sources, and behind them the mount point
  std::string source() const { return paths.front(); }
  std::vector<std::string> sources() const { return {paths.begin(), paths.end() - 1}; }
  std::vector<std::string> options;
  std::string type;
  bool foreground = false;
  bool debug = false;
  bool single_thread = false;
  bool fake = false;
  bool sloppy = false;
  std::string mount_namespace;
  bool accepted = false;  // flags of mount(8) that mean nothing here
};

Result<MountOptions> mount_options_of(const MountArguments& arguments) {
  MountOptions options;
  const UnknownOptions unknown = arguments.sloppy ? UnknownOptions::pass_over : UnknownOptions::refuse;
  for (const std::string& text : arguments.options) BF_TRY(parse_mount_options(text, options, unknown));
  return options;
}

bool is_write_protection(const Error& error) {
  return error.code == EROFS || error.code == EACCES || error.code == EPERM;
}

// What can't be written is mounted read-only with a word about it, as mount(8) does it.
Result<BlockDevices> open_devices(const std::vector<std::string>& sources, MountOptions& options) {
  OpenOptions how;
  how.mode = options.read_only ? OpenMode::read_only : OpenMode::read_write;
  auto devices = open_sources(sources, how, options.window);
  if (devices || options.read_only || !is_write_protection(devices.error())) return devices;
  how.mode = OpenMode::read_only;
  auto readable = open_sources(sources, how, options.window);
  if (!readable) return readable;
  options.read_only = options.write_protected = true;
  return readable;
}

// Of a writable source that is one block device: only root can have it mounted as such.
// The mount owns `devices`.
std::optional<SessionOptions::DeviceClaim> claim_of(const BlockDevices& devices,
                                                    const MountOptions& options) {
  if (devices.size() != 1 || options.read_only || ::geteuid() != 0) return std::nullopt;
  auto* file = dynamic_cast<FileDevice*>(devices.front().get());
  if (file == nullptr || !file->is_block_device()) return std::nullopt;
  return SessionOptions::DeviceClaim{.device = file->descriptor(),
                                     .give_up = [file] { file->give_up_claim(); },
                                     .take = [file](int descriptor) { return file->take_claim(descriptor); }};
}

bool has_option(const std::vector<std::string>& words, std::string_view beginning) {
  return std::ranges::any_of(words, [&](const std::string& word) { return word.starts_with(beginning); });
}

void log_ignored(const MountOptions& options) {
  for (const std::string& option : options.ignored)
    log(LogLevel::debug, "mount option '{}' has no effect", option);
}

// With an arena for every thread, malloc keeps a third more than is in use.
void be_thrifty_where_memory_is_short() {
  constexpr uint64_t kShort = 1u << 30;
  if (memory_limit_bytes() < kShort) mallopt(M_ARENA_MAX, 1);
}

// Until the file system is to be mounted nothing is lost by ending at once; what waits for a source that is
// in use by others would otherwise mount it later, when nobody wants it any more. It has a thread, so there
// are two: the first ends before the helper is forked and the sandbox asks for a process of one thread, the
// second begins behind that.
class OpeningWatch {
 public:
  OpeningWatch(const std::string& source, Background* background)
      : watch_([source, background](const auto&) { give_up(source, background); },
               [background] { return background != nullptr && background->is_abandoned(); }) {}

 private:
  static void give_up(const std::string& source, Background* background) {
    const std::string line = fmt::format("butterfuse mount: {}: interrupted, nothing was mounted", source);
    background != nullptr ? background->fail(line) : complain("{}", line);
    _exit(exit_codes_of("mount").interrupted);
  }
  SignalWatch watch_;
};

// Whatever needs the rights and the file system of the machine is done and open by now: both are given up,
// while there is one thread, and before a byte of the image is judged.
void give_up_rights(const MountOptions& options, Background* background) {
  if (background != nullptr) background->prepare();
  if (!options.sandbox) return;
  const auto sandbox = enter_sandbox();
  if (sandbox) {
    log(LogLevel::debug, "sandbox: {}", *sandbox);
  } else {
    log(LogLevel::warning, "no sandbox: {}", sandbox.error().message);
  }
}

// In a user namespace the kernel refuses to write into a directory whose owner has no number there,
// and can't say why.
void warn_of_unknown_owner(Mount& mount, const MountOptions& options, const std::string& source,
                           const UserNamespace& known) {
  if (options.fakeroot) return;
  const InodeItem top = mount.root().item();
  const auto complaint =
      known.complaint_about(options.uids.to_shown(top.uid), options.gids.to_shown(top.gid), top.uid, top.gid);
  if (complaint) complain("mount: {}: {}", source, *complaint);
}

// Everything from opening the source to the last commit. Runs in the process that stays.
Status mount_and_serve(const MountArguments& arguments, MountOptions options, SessionOptions session,
                       Background* background) {
  block_ending_signals();
  be_thrifty_where_memory_is_short();
  std::optional<OpeningWatch> opening(std::in_place, arguments.source(), background);
  const std::vector<std::string> sources = with_others(arguments.sources(), options.devices);
  BF_ASSIGN(auto devices, open_devices(sources, options));
  options.read_only |= std::ranges::all_of(devices, [](const auto& device) { return device->read_only(); });
  session.claim = claim_of(devices, options);
  if (session.claim && has_option(options.fuse_options, "fsname="))
    complain("mount: {}: 'fsname' is passed over: a block device is shown by its own name", sources.front());
  const int first_source = ::open(sources.front().c_str(), O_RDONLY | O_CLOEXEC);  // for what it has instead
  opening.reset();

  std::optional<MountHelper> helper;
  if (!fuse_descriptor_of(session.mountpoint)) {
    auto started = MountHelper::start(mount_plan(options, session));
    if (!started) return tl::unexpected(started.error());
    session.helper = &helper.emplace(std::move(*started));
  }
  const UserNamespace known = UserNamespace::own();
  give_up_rights(options, background);
  opening.emplace(arguments.source(), background);
  auto opened = Mount::open(std::move(devices), options);
  if (!opened) return tl::unexpected(with_partitions(opened.error(), first_source));
  if (first_source >= 0) ::close(first_source);
  if (options.write_protected) complain("mount: {} is write-protected, mounting read-only", sources.front());
  warn_of_unknown_owner(**opened, options, sources.front(), known);
  log_ignored(options);
  opening.reset();
  Status served = serve(**opened, session);
  Status closed = (*opened)->close();
  log_left_out();
  return served ? std::move(closed) : std::move(served);
}

// The first word may be the source by a shorter path.
bool begins_with_name_of(const std::string& message, const std::string& source) {
  const std::filesystem::path word = message.substr(0, message.find_first_of(": "));
  return word.has_filename() && word.filename() == std::filesystem::path(source).filename();
}

// One line, to whoever waits for it: the terminal, the waiting parent, or the log of a daemon that was live.
// The source is named in front unless the message does so by itself.
int fail_mount(const std::string& source, const Error& error, Background* background = nullptr) {
  const bool named =
      error.message.find(source) != std::string::npos || begins_with_name_of(error.message, source);
  const std::string line = named ? error.message : fmt::format("{}: {}", source, error.message);
  if (background != nullptr && background->is_live()) {
    log(LogLevel::error, "{}", line);
  } else if (background != nullptr) {
    background->fail("butterfuse mount: " + line);
  } else {
    complain("butterfuse mount: {}", line);
  }
  return exit_codes_of("mount").failed;
}

int fail_mount_usage(const std::string& source, const Error& error) {
  fail_mount(source, error);
  return exit_codes_of("mount").usage;
}

int serve_in_foreground_or_not(const MountArguments& arguments, const MountOptions& options,
                               SessionOptions session) {
  std::optional<Background> background;
  if (!arguments.foreground && !arguments.debug) {
    auto started = Background::start(exit_codes_of("mount"));
    if (!started) return fail_mount(arguments.source(), started.error());
    background.emplace(std::move(*started));
    session.on_live = [&] {
      move_log(LogTarget::system_log);
      // Nobody would know of the mount: SignalWatch ends it.
      if (!background->report_live()) ::kill(::getpid(), SIGTERM);
    };
  }
  start_logging(LogTarget::terminal, arguments.debug);
  Background* const parent = background ? &*background : nullptr;
  Status status;
  try {
    status = mount_and_serve(arguments, options, session, parent);
  } catch (const std::system_error& error) {
    status = make_error(error.code().value(), "can't start a thread: {}", error.code().message());
  } catch (const std::exception& error) {
    status = make_error(ENOMEM, "{}", error.what());
  }
  return status ? 0 : fail_mount(arguments.source(), status.error(), parent);
}

// "Fake" of mount(8): all but the mount, as far as that takes nothing from anybody.
Status look_at_sources(const MountArguments& arguments) {
  for (const std::string& source : arguments.sources())
    if (::access(source.c_str(), F_OK) != 0)
      return tl::unexpected(
          with_dead_mount({errno, fmt::format("{}: {}", source, std::strerror(errno))}, source));
  return {};
}

int run_mount(const MountArguments& arguments) {
  StandardStreams::outlive_readers();
  if (auto own = check_own_mount_namespace(arguments.mount_namespace); !own)
    return fail_mount(arguments.source(), own.error());
  if (is_remount(arguments.options)) {
    if (arguments.fake) return 0;
    auto status = remount(arguments.paths.back(), arguments.options);
    return status ? 0
                  : fail_mount(arguments.source(), with_dead_mount(status.error(), arguments.paths.back()));
  }
  auto options = mount_options_of(arguments);
  if (!options) return fail_mount_usage(arguments.source(), options.error());
  if (auto fit = check_mount_options(*options); !fit) return fail_mount(arguments.source(), fit.error());
  if (arguments.fake) {
    const Status looked = look_at_sources(arguments);
    return looked ? 0 : fail_mount(arguments.source(), looked.error());
  }
  if (options->mount_point_mode)
    if (const Status made = make_mount_point(arguments.paths.back(), *options->mount_point_mode); !made)
      return fail_mount(arguments.source(), made.error());
  auto mountpoint = usable_mount_point(arguments.paths.back());
  if (!mountpoint) return fail_mount(arguments.source(), mountpoint.error());

  SessionOptions session;
  session.source = source_name(arguments.source());
  session.mountpoint = *mountpoint;
  session.single_thread = arguments.single_thread;
  session.debug = arguments.debug;
  return serve_in_foreground_or_not(arguments, *options, std::move(session));
}

}  // namespace

void add_mount_command(CLI::App& app, CommandResult& result) {
  auto arguments = std::make_shared<MountArguments>();
  CLI::App* command =
      add_command(app, "mount", "Mount a file system; also: butterfuse SOURCE MOUNTPOINT", mount_notes());
  command
      ->add_option("SOURCE... MOUNTPOINT", arguments->paths,
                   "image files or block devices, all of one file system; and an existing directory")
      ->required()
      ->expected(2, -1);
  command->add_option("-o,--options", arguments->options, "comma separated mount options")
      ->type_name("OPTIONS")
      ->allow_extra_args(false);
  command->add_flag("-r,--read-only", arguments->accepted, "the same as -o ro");
  command->add_flag("-w,--rw,--read-write", arguments->accepted, "the same as -o rw");
  command->add_flag("-f,--foreground", arguments->foreground,
                    "stay in the foreground, log to stderr; of mount(8)'s helper: --fake");
  command->add_flag("-d,--debug", arguments->debug, "foreground, and every FUSE request is printed");
  command->add_flag("-s,--single-thread", arguments->single_thread,
                    "answer one request at a time; of mount(8)'s helper: --sloppy");
  command->add_flag("--fake", arguments->fake, "look at options and sources, mount nothing");
  command->add_flag("--sloppy", arguments->sloppy, "pass over options that nobody knows");
  command->add_flag("-n,-v,--no-mtab,--verbose", arguments->accepted, "accepted from mount(8)");
  command->add_option("-t,--type,--types", arguments->type, "accepted from mount(8)")
      ->type_name("TYPE")
      ->allow_extra_args(false);
  command
      ->add_option("-N,--namespace", arguments->mount_namespace,
                   "from mount(8): this mount namespace, if it is ours")
      ->type_name("NAMESPACE")
      ->allow_extra_args(false);
  command->callback([arguments, &result] { result.exit_status = run_mount(*arguments); });
}

}  // namespace butterfuse
