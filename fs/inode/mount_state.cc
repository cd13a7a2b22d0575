// SPDX-License-Identifier: GPL-2.0-or-later
// MountState: the questions that take more than a member.
#include "fs/inode/mount_state.h"

namespace butterfuse {

// 64 MiB and a thirty-second of the whole. The kernel may hold dirty pages for more than that: it is
// where trouble gets likely, no proof that there is none before. A file system of less than that is
// always low, which costs a commit behind each deletion, and with writeback_cache the kernel's cache of
// what is open for writing.
bool MountState::space_is_low() const {
  const StatfsNumbers numbers = filesystem->allocator().statfs();
  return numbers.available < (64u << 20) + numbers.total / 32;
}

}  // namespace butterfuse
