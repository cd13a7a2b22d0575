// SPDX-License-Identifier: GPL-2.0-or-later
// Lanes: how many workers one kind of request, and one user's, may keep busy; the others wait in line.
#pragma once

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/mutex.h"
#include "fs/mount/caller.h"

namespace butterfuse {

// However many calls anybody makes, workers are left for look-ups and attributes, and for everybody else. A
// request that has to wait is set aside without a thread; whoever finishes one of its lane serves it next. Of
// those in line the one whose user has the least at work goes first. Thread-safe.
//
// Which request is where:
// - quick: LOOKUP, GETATTR, STATX, READLINK, OPEN, OPENDIR, READDIR, READDIRPLUS, STATFS, GETXATTR,
//   LISTXATTR, what libfuse answers by itself, and unknown ioctls. They read tree blocks at most, since
//   setting an access time needs no commit.
// - names: CREATE, TMPFILE, MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR, SETXATTR, REMOVEXATTR, SETATTR but
//   for the size, and what is not known here. Each begins a transaction, which waits for a commit that closes
//   one, and where space is short for writeback and a commit; with dirsync, chattr +D and +S it ends with an
//   fsync of the directory.
// - ends: RELEASE, RELEASEDIR, FORGET, BATCH_FORGET. The last of an unlinked inode deletes it, which takes as
//   many transactions as it has extents. Nobody waits for the answer, and the kernel does not say whose they
//   are: so they have a lane of their own, in which they are in nobody's way.
// - data: READ, WRITE, FSYNC, FSYNCDIR, FALLOCATE, copies, LSEEK (which asks for the kernel's pages), SETATTR
//   of the size, OPEN that truncates, RENAME (over a file it writes the new one's data first, and it may end
//   with an fsync, too), brief ioctls. They may wait for a file's lock, throttled writeback or the disk.
// - lasts: SYNCFS, which is a commit and all data before it, and ioctls of that kind.
// - scrub: ioctls that go over a whole device.
class Lanes {
 public:
  enum class Lane : uint8_t {
    quick,  // what only looks: as many as there are workers
    names,  // what changes a name or an attribute
    ends,   // what the kernel needs no more
    data,   // what may wait for a file's lock or for the disk
    lasts,  // what goes over a whole file or file system
    scrub,  // an administrator's, for hours
  };
  struct Ticket {
    Lane lane = Lane::quick;
    std::optional<uid_t> user;  // none: it was one of the first, nobody asked
  };

  // Of `workers` in all.
  explicit Lanes(size_t workers);
  ~Lanes();
  Lanes(const Lanes&) = delete;

  static Lane lane_of(ByteSpan request);
  // The ticket, or nothing: then a copy of the request is in line.
  std::optional<Ticket> enter(ByteSpan request);
  // Of a request that was served. The next one in line is put into `buffer`, if it may go; its ticket. Such a
  // buffer is only as long as the request.
  std::optional<Ticket> leave(const Ticket& ticket, fuse_buf& buffer);
  // The caller of request `unique` was killed or got a signal. True when it was still in line, and is gone.
  bool take_out(uint64_t unique);

 private:
  struct Waiting {
    uint64_t unique = 0;
    uid_t user = 0;
    void* bytes = nullptr;  // malloc(3)'s, as fuse_buf has it
    size_t size = 0;
  };
  struct State {
    size_t most = 0;         // at work at a time
    size_t unasked = 0;      // so many without asking who it is
    size_t most_of_one = 0;  // of one user's, beside those
    size_t at_work = 0, unasked_at_work = 0;
    std::map<uid_t, size_t> of_user{};
    std::list<Waiting> line{};
  };
  State& state_of(Lane lane) { return states_[static_cast<size_t>(lane)]; }
  bool may_go(const State& state, uid_t user) const BF_REQUIRES(mutex_);

  Mutex mutex_;
  std::array<State, 6> states_;
};

}  // namespace butterfuse
