// SPDX-License-Identifier: GPL-2.0-or-later
// butterfuse mkfs: makes a new file system in an image file or on a block device.
//
// Everything that can be wrong is found before a byte is written: options by themselves, then each target
// (MkfsTargets: is it there, in use, empty?), then both together in make_filesystem. What was made or grown
// for it is taken back when any of that says no.
#include "core/mkfs/mkfs.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/mkfs_target.h"
#include "cli/process/exit_codes.h"
#include "cli/process/standard_streams.h"
#include "cli/sources.h"
#include "core/base/numbers.h"
#include "core/base/shown_name.h"
#include "core/ondisk/constants.h"
#include "core/ondisk/raid_profile.h"

namespace butterfuse {
namespace {

struct MkfsArguments {
  std::vector<std::string> targets;
  std::string byte_count, nodesize, sectorsize, label, metadata, data, uuid, csum;
  std::vector<std::string> features;
  WindowArguments window;
  bool force = false, quiet = false, nodiscard = false;
  int verbose = 0;
};

Result<MkfsProfile> parse_profile(const std::string& name, const char* what) {
  if (const auto profile = profile_from_name(name)) return *profile;
  if (raid_profile_from_name(name))
    return make_error(EINVAL,
                      "{} profile {} is not supported: RAID5 and RAID6 can be read but not written; choose "
                      "single, dup, raid0, raid1, raid1c3, raid1c4 or raid10",
                      what, name);
  return make_error(EINVAL, "unknown {} profile '{}'", what, name);
}

Status parse_identity(const MkfsArguments& arguments, MkfsOptions& options) {
  options.label = arguments.label;
  options.root_uid = geteuid();  // who makes an image for himself wants to write into it
  options.root_gid = getegid();
  if (!arguments.uuid.empty()) {
    options.uuid = Uuid::parse(arguments.uuid);
    if (!options.uuid) return make_error(EINVAL, "could not parse UUID: {}", arguments.uuid);
  }
  if (!arguments.csum.empty()) {
    const auto csum = csum_from_name(arguments.csum);
    if (!csum) return make_error(EINVAL, "unknown checksum type '{}'", arguments.csum);
    options.csum = *csum;
  }
  return {};
}

Status parse_sizes(const MkfsArguments& arguments, MkfsOptions& options) {
  const auto parse_small = [](const std::string& text, const char* what, uint32_t& into) -> Status {
    if (text.empty()) return {};
    BF_ASSIGN(const uint64_t size, parse_size(text, what));
    if (size > UINT32_MAX) return make_error(EINVAL, "invalid {} '{}'", what, text);
    into = static_cast<uint32_t>(size);
    return {};
  };
  BF_TRY(parse_small(arguments.nodesize, "node size", options.nodesize));
  BF_TRY(parse_small(arguments.sectorsize, "sector size", options.sectorsize));
  if (arguments.byte_count.empty()) return {};
  BF_ASSIGN(options.byte_count, parse_size(arguments.byte_count, "byte count"));
  return {};
}

Result<MkfsOptions> mkfs_options_of(const MkfsArguments& arguments) {
  MkfsOptions options;
  BF_TRY(parse_identity(arguments, options));
  BF_TRY(parse_sizes(arguments, options));
  options.metadata = default_metadata_profile(arguments.targets.size());
  if (!arguments.metadata.empty()) {
    BF_ASSIGN(options.metadata, parse_profile(arguments.metadata, "metadata"));
  }
  if (!arguments.data.empty()) {
    BF_ASSIGN(options.data, parse_profile(arguments.data, "data"));
  }
  std::string features;
  for (const std::string& list : arguments.features) features += list + ",";
  BF_TRY(apply_feature_list(features, options.features));
  options.discard = !arguments.nodiscard;
  return options;
}

Result<MkfsSummary> make_on_targets(const MkfsArguments& arguments, const MkfsOptions& options) {
  // With a size given all can be judged before files are looked at, or made. Else the devices say it,
  // and make_filesystem asks.
  if (options.byte_count != 0)
    BF_TRY(check_mkfs_options(options, std::vector(arguments.targets.size(), options.byte_count)));
  BF_ASSIGN(const DeviceWindow window, arguments.window.window());
  BF_ASSIGN(MkfsTargets targets, MkfsTargets::prepare(arguments.targets, {.byte_count = options.byte_count,
                                                                          .force = arguments.force,
                                                                          .window = window}));
  BF_ASSIGN(const BlockDevices opened, open_sources(arguments.targets, OpenOptions{}, window));
  std::vector<BlockDevice*> devices;
  for (const auto& device : opened) devices.push_back(device.get());
  BF_ASSIGN(MkfsSummary summary, make_filesystem(devices, options));
  targets.keep();
  return summary;
}

// Two places behind the point and units of 1024, whatever the size: columns are to line up.
std::string human_size(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double size = static_cast<double>(bytes);
  size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(kUnits); ++unit) size /= 1024;
  return fmt::format("{:.2f}{}", size, kUnits[unit]);
}

std::string feature_names(const MkfsOptions& options) {
  std::string names = "extref, skinny-metadata";
  if (options.features.no_holes) names += ", no-holes";
  if (options.features.free_space_tree) names += ", free-space-tree";
  if (options.features.block_group_tree) names += ", block-group-tree";
  return names;
}

void print_chunk(const MkfsSummary::Chunk& chunk) {
  const char* type = (chunk.type & bg::kData) != 0     ? "Data:"
                     : (chunk.type & bg::kSystem) != 0 ? "System:"
                                                       : "Metadata:";
  print("  {:<17} {:<8} {:>14}\n", type, raid_profile(chunk.type).name, human_size(chunk.length));
}

void print_summary(const MkfsArguments& arguments, const MkfsOptions& options, const MkfsSummary& summary) {
  print("butterfuse {}\n\n", BUTTERFUSE_VERSION);
  const auto line = [](const char* what, const std::string& value) { print("{:<19} {}\n", what, value); };
  line("Label:", options.label.empty() ? "(null)" : shown_name(options.label));
  line("UUID:", summary.fsid.to_text());
  line("Node size:", std::to_string(options.nodesize));
  line("Sector size:", std::to_string(options.sectorsize));
  line("Filesystem size:", human_size(summary.total_bytes));
  print("Block group profiles:\n");
  for (uint64_t type : {bg::kData, bg::kMetadata, bg::kSystem})
    for (const MkfsSummary::Chunk& chunk : summary.chunks)
      if ((chunk.type & type) != 0) print_chunk(chunk);
  line("Features:", feature_names(options));
  line("Checksum:", std::string(csum_name(options.csum)));
  line("Number of devices:", std::to_string(summary.device_bytes.size()));
  print("Devices:\n   ID        SIZE  PATH\n");
  for (size_t i = 0; i < summary.device_bytes.size(); ++i)
    print("  {:>3}  {:>10}  {}\n", i + 1, human_size(summary.device_bytes[i]),
          shown_text(arguments.targets[i]));
}

int fail_mkfs(const Error& error) {
  complain("butterfuse mkfs: {}", error.message);
  return exit_codes_of("mkfs").failed;
}

int run_mkfs(const MkfsArguments& arguments) {
  StandardStreams::outlive_readers();
  for (const std::string& list : arguments.features)
    if (list == "list-all") {
      print("{}", feature_list_text());
      return 0;
    }
  if (arguments.targets.empty()) return fail_mkfs({EINVAL, "no image file or device given (see --help)"});
  const auto options = mkfs_options_of(arguments);
  if (!options) return fail_mkfs(options.error());
  const auto summary = make_on_targets(arguments, *options);
  if (!summary) return fail_mkfs(summary.error());
  if (!arguments.quiet) print_summary(arguments, *options, *summary);
  return 0;
}

CommandNotes mkfs_notes() {
  return {
      .paragraphs =
          {"Defaults are those of today's mkfs.btrfs: 16 KiB nodes, one copy of data and two of metadata (DUP; on "
           "several devices RAID1), no-holes, free space tree, block group tree. The top directory belongs to "
           "who makes it. Sizes are written 4096, 16k, 1M, 1MiB."},
      .examples = {{"butterfuse mkfs -b 10G disk.img",
                    "An image file of 10 GiB, which takes space as it fills:"},
                   {"butterfuse mkfs -b 1G -d raid1 a.img b.img", "Data and metadata on two devices:"}},
      .programs = {"mkfs.butterfuse"},
      .see_also = {"butterfuse-mount(8)", "mkfs(8)"}};
}

}  // namespace

void add_mkfs_command(CLI::App& app, CommandResult& result) {
  auto arguments = std::make_shared<MkfsArguments>();
  CLI::App* command =
      add_command(app, "mkfs", "Make a file system in an image file or on a block device", mkfs_notes());
  command->add_option("TARGET", arguments->targets, "image files or block devices, all for one file system");
  command
      ->add_option("-b,--byte-count", arguments->byte_count,
                   "size of each device; an image file that is missing or smaller is made so")
      ->type_name("SIZE");
  command->add_option("-L,--label", arguments->label, "label, at most 255 bytes")->type_name("LABEL");
  command->add_option("-n,--nodesize", arguments->nodesize, "size of tree blocks, 4k to 64k (default 16k)")
      ->type_name("SIZE");
  command->add_option("-s,--sectorsize", arguments->sectorsize, "only 4k is supported")->type_name("SIZE");
  command
      ->add_option(
          "-m,--metadata", arguments->metadata,
          "metadata profile: single, dup (default), raid0, raid1 (default for several devices), raid1c3, raid1c4, raid10")
      ->type_name("PROFILE");
  command->add_option("-d,--data", arguments->data, "data profile: single (default) or one of the others")
      ->type_name("PROFILE");
  command->add_option("-U,--uuid", arguments->uuid, "UUID of the file system")->type_name("UUID");
  command->add_option("--csum,--checksum", arguments->csum, "crc32c (default), xxhash, sha256 or blake2")
      ->type_name("TYPE");
  command
      ->add_option("-O,--features", arguments->features,
                   "comma separated features, ^ turns one off; list-all shows them")
      ->type_name("FEATURES")
      ->allow_extra_args(false);
  add_window_options(*command, arguments->window);
  command->add_flag("-f,--force", arguments->force, "overwrite an existing file system");
  command->add_flag("-q,--quiet", arguments->quiet, "print only errors");
  command->add_flag("-v,--verbose", arguments->verbose, "accepted; there is nothing more to tell");
  command->add_flag("-K,--nodiscard", arguments->nodiscard, "do not discard the old content first");
  command->callback([arguments, &result] { result.exit_status = run_mkfs(*arguments); });
}

}  // namespace butterfuse
