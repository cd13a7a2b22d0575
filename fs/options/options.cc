// SPDX-License-Identifier: GPL-2.0-or-later
// MountOptions: which of them go together, and which ask for the same.
#include "fs/options/options.h"

#include <algorithm>

namespace butterfuse {

// The mode of a mount point that was made says nothing of the mount. What is handed to libfuse is compared as
// a set: the words that exclude each other have been sorted out as they came.
bool same_effect(MountOptions a, MountOptions b) {
  for (MountOptions* options : {&a, &b}) {
    options->text.clear();
    options->ignored.clear();
    options->mount_point_mode.reset();
    auto& passed = options->fuse_options;
    std::sort(passed.begin(), passed.end());
    passed.erase(std::unique(passed.begin(), passed.end()), passed.end());
  }
  return a == b;
}

// Why each of these needs `ro`. A log that is left alone lies in blocks that no extent item protects: the
// first transaction would write over it, and what was fsynced would be gone. Without checksums of data, a
// rewritten part of a block would be sealed together with a rest that may be wrong. And what is read in spite
// of damage is no ground to build on.
Status check_mount_options(const MountOptions& options) {
  const auto& passed = options.fuse_options;
  if (options.fakeroot && std::find(passed.begin(), passed.end(), "allow_other") != passed.end())
    return make_error(EINVAL, "'fakeroot' lets everyone in do everything: not with 'allow_other'");
  if (!options.replay_log && !options.read_only)
    return make_error(EINVAL, "mounting without the log (norecovery, rescue=nologreplay) needs 'ro'");
  if (!options.check_data_csums && !options.read_only)
    return make_error(EINVAL, "mounting without checksums (rescue=ignoredatacsums) needs 'ro'");
  if ((options.rescue.may_change_trees() || options.rescue.metadata_csums || options.rescue.super_flags) &&
      !options.read_only)
    return make_error(EINVAL, "mounting in spite of damage (usebackuproot, rescue=) needs 'ro'");
  return {};
}

}  // namespace butterfuse
