// ioctl(2): what programs ask of a file or the file system beyond the system calls.
#pragma once

#include <functional>
#include <vector>

#include "core/base/bytes.h"
#include "fs/vfs/mount.h"

namespace butterfuse {

// One call. FUSE passes through those that say all in one block of memory: `in` of the size the command's
// number says, if its direction is in; the answer is as long as its number says.
struct IoctlCall {
  Mount& mount;
  Inode& inode;
  ByteSpan in;
  std::function<bool()> is_admin;  // the caller may administer the file system (CAP_SYS_ADMIN)
};
using IoctlAnswer = Result<std::vector<std::byte>>;

// ENOTTY for a command that btrfs or we do not have.
IoctlAnswer ioctl(uint32_t command, const IoctlCall& call);

// The families; null: not one of theirs.
using IoctlHandler = IoctlAnswer (*)(const IoctlCall& call);
IoctlHandler file_ioctl(uint32_t command);
IoctlHandler filesystem_ioctl(uint32_t command);
IoctlHandler subvolume_ioctl(uint32_t command);
IoctlHandler scrub_ioctl(uint32_t command);

inline Status require_admin(const IoctlCall& call) {  // EPERM
  return call.is_admin() ? Status{} : make_error(EPERM, "the caller may not administer the file system");
}

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
