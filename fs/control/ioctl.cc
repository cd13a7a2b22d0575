// SPDX-License-Identifier: GPL-2.0-or-later
// ioctl: from the number to the row, and what has to be right before its handler runs.
//
// Who may do what is asked of nobody but us: the kernel passes an ioctl on to whoever has the file open,
// whatever for. So before a handler runs:
//
//   the right     none             whoever has it open
//                 owner            flags of chattr: the kernel has looked at owner and capability
//                 write_file       opened for writing; or the mode, the list or a capability would allow it
//                 administer       CAP_SYS_ADMIN in our user namespace, or the user who serves the mount
//   the effect    changes          the mount, the file system and the subvolume are writable
//   the length    lasts, scrub     not begun where the caller is gone, or the mount ends
//
// in this order, since who may not do it learns nothing else. A caller who can't be seen (another pid
// namespace, gone) has no rights but those of his open file.
#include "fs/control/ioctl.h"

#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

Status check_right(IoctlRight right, const IoctlCall& call) {
  switch (right) {
    case IoctlRight::none:
    case IoctlRight::owner:
    case IoctlRight::handler_decides:
      return {};
    case IoctlRight::administer:
      return require_admin(call);
    case IoctlRight::write_file: {
      if (call.opened_for_writing && check_can_be_added_to(call.inode)) return {};
      const Credentials who = call.credentials();
      if (who.may_administer()) return {};
      BF_ASSIGN(const bool may, may_write(call.mount, call.inode, who));
      return may ? Status{} : make_error(EPERM, "the caller may not write inode {}", call.inode.ino());
    }
  }
  return make_error(EPERM, "no right {}", static_cast<int>(right));
}

}  // namespace

Status require_admin(const IoctlCall& call) {
  return call.credentials().may_administer()
             ? Status{}
             : make_error(EPERM, "the caller may not administer the file system");
}

// A read-only subvolume does not keep the file system around it from being changed.
Status check_writable(IoctlEffect effect, const IoctlCall& call) {
  if (effect == IoctlEffect::reads) return {};
  if (call.mounted_read_only()) return make_error(EROFS, "the mount is read-only");
  if (effect == IoctlEffect::changes_file) return call.mount.check_writable(call.inode);
  if (effect == IoctlEffect::changes_filesystem && call.mount.is_read_only())
    return make_error(EROFS, "the file system is read-only");
  return {};
}

const IoctlCommand* find_ioctl(uint32_t number) {
  for (const auto family : {file_ioctls(), filesystem_ioctls(), subvolume_ioctls(), scrub_ioctls()})
    for (const IoctlCommand& command : family)
      if (command.number == number) return &command;
  return nullptr;
}

// Rights come first: who may not do it learns nothing else.
IoctlAnswer ioctl(uint32_t number, const IoctlCall& call) {
  if (call.inode.is_placeholder()) return make_error(ENOTTY, "ioctl {:#x} of a placeholder", number);
  const IoctlCommand* command = find_ioctl(number);
  if (command == nullptr) return make_error(ENOTTY, "ioctl {:#x}", number);
  BF_TRY(check_right(command->right, call));
  BF_TRY(check_writable(command->effect, call));
  if (command->length != IoctlLength::brief && call.cancelled())
    return make_error(EINTR, "ioctl {:#x} was interrupted before it began", number);
  return command->handler(call);
}

}  // namespace butterfuse
