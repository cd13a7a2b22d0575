// SPDX-License-Identifier: GPL-2.0-or-later
// ioctls of scrub: as btrfs scrub(8) and butterfuse scrub ask for it, one device a call.
#include <linux/btrfs.h>

#include "fs/control/ioctl.h"
#include "fs/mount/scrub_table.h"

namespace butterfuse {
namespace {

void encode(const ScrubProgress& from, btrfs_scrub_progress& to) {
  to = {};
  to.data_extents_scrubbed = from.data_extents;
  to.tree_extents_scrubbed = from.tree_extents;
  to.data_bytes_scrubbed = from.data_bytes;
  to.tree_bytes_scrubbed = from.tree_bytes;
  to.read_errors = from.read_errors;
  to.csum_errors = from.csum_errors;
  to.no_csum = from.no_csum;
  to.super_errors = from.super_errors;
  to.uncorrectable_errors = from.uncorrectable;
  to.corrected_errors = from.corrected;
  to.last_physical = from.last_physical;
}

// Answers when it is done. One that was cancelled is an error in the kernel, too, with its progress lost to
// FUSE: so it is answered, and last_physical below the end says that it did not get there.
IoctlAnswer scrub(const IoctlCall& call) {
  BF_ASSIGN(auto arguments, argument_of<btrfs_ioctl_scrub_args>(call));
  if (arguments.flags & ~uint64_t{BTRFS_SCRUB_SUPPORTED_FLAGS})
    return make_error(EOPNOTSUPP, "scrub flags {:#x}", uint64_t{arguments.flags});
  const bool repair = !(arguments.flags & BTRFS_SCRUB_READONLY);
  if (repair) BF_TRY(check_writable(IoctlEffect::changes_filesystem, call));
  ScrubProgress progress;
  const Status done = call.mount.scrubs().run(call.mount.filesystem(), arguments.devid,
                                              {arguments.start, arguments.end}, repair, progress);
  if (!done && done.error().code != ECANCELED) return tl::unexpected(done.error());
  encode(progress, arguments.progress);
  return answer_of(arguments);
}

IoctlAnswer progress(const IoctlCall& call) {
  BF_ASSIGN(auto arguments, argument_of<btrfs_ioctl_scrub_args>(call));
  BF_ASSIGN(const ScrubProgress now, call.mount.scrubs().progress(arguments.devid));
  encode(now, arguments.progress);
  return answer_of(arguments);
}

IoctlAnswer cancel(const IoctlCall& call) {
  BF_TRY(call.mount.scrubs().stop());
  return std::vector<std::byte>{};
}

using enum IoctlRight;
using enum IoctlEffect;
constexpr IoctlCommand kCommands[] = {
    // Whether it changes anything its flags say.
    {BTRFS_IOC_SCRUB, scrub, administer, reads, IoctlLength::scrub},
    {BTRFS_IOC_SCRUB_PROGRESS, progress, administer, reads, IoctlLength::brief},
    {BTRFS_IOC_SCRUB_CANCEL, cancel, administer, reads, IoctlLength::brief},
};

}  // namespace

std::span<const IoctlCommand> scrub_ioctls() { return kCommands; }

}  // namespace butterfuse
