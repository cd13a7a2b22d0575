// ioctl: which family a command is of.
#include "fs/vfs/ioctl.h"

namespace butterfuse {

IoctlAnswer ioctl(uint32_t command, const IoctlCall& call) {
  if (call.inode.is_placeholder()) return make_error(ENOTTY, "ioctl {:#x} of a placeholder", command);
  for (const auto& family : {file_ioctl, filesystem_ioctl, subvolume_ioctl, scrub_ioctl})
    if (const IoctlHandler handler = family(command)) return handler(call);
  return make_error(ENOTTY, "ioctl {:#x}", command);
}

}  // namespace butterfuse
