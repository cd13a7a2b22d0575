// SPDX-License-Identifier: GPL-2.0-or-later
// butterfuse inspect: superblocks and trees as text.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "cli/commands.h"
#include "cli/mounts/dead_mount.h"
#include "cli/process/exit_codes.h"
#include "cli/process/standard_streams.h"
#include "cli/sources.h"
#include "core/base/numbers.h"
#include "core/check/dump.h"
#include "core/ondisk/constants.h"

namespace butterfuse {
namespace {

struct DumpSuperArguments {
  std::vector<std::string> sources;
  WindowArguments window;
  DumpSuperOptions options;
  std::string bytenr;
  int mirror = 0;
};

struct DumpTreeArguments {
  std::vector<std::string> sources;
  WindowArguments window;
  std::string tree;
  DumpTreeOptions options;
};

// Nobody waits for the rest of a dump that can't be printed: `| head` ends it, not the end of a tree of
// gigabytes. At once, without the destructors of what is open: it was only read.
void show(std::string_view text) {
  StandardStreams::write(text);
  if (!StandardStreams::has_failed()) return;
  StandardStreams::complain_of_write_error("butterfuse inspect");
  _exit(exit_codes_of("inspect").failed);
}

int fail_inspect(const Error& error) {
  complain("butterfuse inspect: {}", error.message);
  return exit_codes_of("inspect").failed;
}

int fail_inspect_usage(const Error& error) {
  fail_inspect(error);
  return exit_codes_of("inspect").usage;
}

// Looking does no harm, and people look at file systems in use: no lock.
constexpr OpenOptions kLooking{.mode = OpenMode::read_only, .lock_wait_ms = 0, .lock = false};

int run_dump_super(DumpSuperArguments arguments) {
  int exit_status = 0;
  if (!arguments.bytenr.empty()) {
    const auto bytenr = parse_size(arguments.bytenr, "bytenr");
    if (!bytenr) return fail_inspect_usage(bytenr.error());
    arguments.options.bytenr = *bytenr;
  }
  auto window = arguments.window.window();
  if (!window) return fail_inspect_usage(window.error());
  for (const std::string& source : arguments.sources) {
    auto device = open_window(source, kLooking, *window);
    Status status =
        device ? dump_super(**device, arguments.options, show) : Status(tl::unexpected(device.error()));
    if (!status) exit_status = fail_inspect(with_dead_mount(status.error(), source));
  }
  return exit_status;
}

int run_dump_tree(DumpTreeArguments arguments) {
  if (!arguments.tree.empty()) {
    arguments.options.tree = parse_tree_id(arguments.tree);
    if (!arguments.options.tree)
      return fail_inspect_usage(Error{EINVAL, fmt::format("unknown tree: {}", arguments.tree)});
  }
  auto window = arguments.window.window();
  if (!window) return fail_inspect_usage(window.error());
  auto devices = open_sources(arguments.sources, kLooking, *window);
  if (!devices) return fail_inspect(devices.error());
  auto errors = dump_tree(std::move(*devices), arguments.options, show);
  if (!errors) return fail_inspect(with_partitions(errors.error(), arguments.sources.front()));
  return *errors == 0 ? 0 : exit_codes_of("inspect").failed;
}

void add_dump_super(CLI::App& inspect, CommandResult& result) {
  auto arguments = std::make_shared<DumpSuperArguments>();
  CLI::App* command = add_command(inspect, "dump-super", "Print superblocks");
  command->add_option("SOURCE", arguments->sources, "image files or block devices")->required();
  add_window_options(*command, arguments->window);
  command->add_flag("-f,--full", arguments->options.full, "also the system chunks and the backup roots");
  command->add_flag("-a,--all", arguments->options.all, "all mirrors");
  auto* mirror = command->add_option("-s,--super", arguments->mirror, "the mirror of this number, 0 to 2")
                     ->type_name("NUMBER")
                     ->check(CLI::Range(0, kSuperMirrors - 1));
  command->add_option("--bytenr", arguments->bytenr, "the one at this byte")
      ->type_name("SIZE")
      ->excludes(mirror);
  command->callback([arguments, mirror, &result] {
    if (mirror->count() > 0) arguments->options.bytenr = super_mirror_offset(arguments->mirror);
    result.exit_status = run_dump_super(*arguments);
  });
}

void add_dump_tree(CLI::App& inspect, CommandResult& result) {
  auto arguments = std::make_shared<DumpTreeArguments>();
  CLI::App* command = add_command(inspect, "dump-tree", "Print trees, with all items");
  command->add_option("SOURCE", arguments->sources, "image files or block devices, all of one file system")
      ->required();
  add_window_options(*command, arguments->window);
  command
      ->add_option("-t,--tree", arguments->tree, "only the tree of this id or name (root, extent, fs, ...)")
      ->type_name("TREE");
  command
      ->add_option("-b,--block", arguments->options.blocks, "only the block at this bytenr; may be repeated")
      ->type_name("BYTENR")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_flag("-r,--roots", arguments->options.roots_only, "only where the roots are");
  command->callback([arguments, &result] { result.exit_status = run_dump_tree(*arguments); });
}

}  // namespace

void add_inspect_command(CLI::App& app, CommandResult& result) {
  CLI::App* inspect = add_command(
      app, "inspect", "Look into a file system",
      {.paragraphs =
           {"Prints what is stored, as text. It looks without a lock, also into file systems in use. "
            "`inspect-internal` is the same."},
       .examples = {{"butterfuse inspect dump-super -f disk.img", "The superblock, with its backup roots:"},
                    {"butterfuse inspect dump-tree -t 5 disk.img", "The tree of the top level subvolume:"}},
       .see_also = {"butterfuse-check(8)"}});
  inspect->alias("inspect-internal");
  inspect->require_subcommand(1);
  add_dump_super(*inspect, result);
  add_dump_tree(*inspect, result);
}

}  // namespace butterfuse
