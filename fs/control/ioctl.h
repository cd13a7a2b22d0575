// SPDX-License-Identifier: GPL-2.0-or-later
// ioctl(2): what programs ask of a file or the file system beyond the system calls.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "fs/control/credentials.h"

namespace butterfuse {

// One call. FUSE passes through those that say all in one block of memory: `in` of the size the command's
// number says, if its direction is in; the answer is as long as its number says.
struct IoctlCall {
  Mount& mount;
  Inode& inode;
  ByteSpan in;
  bool opened_for_writing = false;           // the descriptor the call came through
  std::function<Credentials()> credentials;  // of the caller; asked for only where they matter
  std::function<bool()> mounted_read_only;   // by remount,ro: what the kernel enforces for all but ioctls
  std::function<bool()> cancelled;  // the caller was killed, or the mount ends: long calls stop (EINTR)
};
using IoctlAnswer = Result<std::vector<std::byte>>;
using IoctlHandler = IoctlAnswer (*)(const IoctlCall& call);

// What the caller must be allowed, as in kernel btrfs.
enum class IoctlRight {
  none,        // whoever could open the file
  owner,       // the file's owner, and CAP_LINUX_IMMUTABLE for a and i: the kernel has looked (since 5.13)
  write_file,  // to write the file: opened for writing, or its permissions say so; EPERM
  administer,  // the file system: EPERM
  handler_decides,  // depends on the arguments
};
// What changes something: EROFS where that can't be written.
enum class IoctlEffect { reads, changes_file, changes_filesystem };
enum class IoctlLength { brief, lasts, scrub };  // see fs/session/lanes.h

// One row for each command, in one of the families. The only place that says who may do what. A number has
// the size of its argument in it, so FUSE has copied so much of it, and will copy back no more than that.
struct IoctlCommand {
  uint32_t number;
  IoctlHandler handler;
  IoctlRight right;
  IoctlEffect effect;
  IoctlLength length;
};
// Null: neither btrfs nor we have it.
const IoctlCommand* find_ioctl(uint32_t number);

// Looks the command up, checks the right and that it can be done, and does it. ENOTTY for what neither btrfs
// nor we have, and of placeholders; EPERM, EROFS, EINTR, and the handler's own. Hold no lock. Lasting ones
// run for as long as it takes.
IoctlAnswer ioctl(uint32_t number, const IoctlCall& call);

// The families.
std::span<const IoctlCommand> file_ioctls();
std::span<const IoctlCommand> filesystem_ioctls();
std::span<const IoctlCommand> subvolume_ioctls();
std::span<const IoctlCommand> scrub_ioctls();

Status require_admin(const IoctlCall& call);                       // EPERM
Status check_writable(IoctlEffect effect, const IoctlCall& call);  // EROFS

template <class T>
std::vector<std::byte> answer_of(const T& object) {
  const ByteSpan bytes = object_bytes(object);
  return {bytes.begin(), bytes.end()};
}
template <class T>
Result<T> argument_of(const IoctlCall& call) {
  if (call.in.size() < sizeof(T))
    return make_error(EINVAL, "ioctl with {} bytes, not {}", call.in.size(), sizeof(T));
  return load<T>(call.in);
}

}  // namespace butterfuse
