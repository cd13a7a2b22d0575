// SPDX-License-Identifier: GPL-2.0-or-later
// Open files: reading, writing, and making it durable.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "core/file_data/readahead_window.h"
#include "fs/mount/caller.h"
#include "fs/mount/mount.h"

namespace butterfuse {

// One open(2) of a regular file or directory; its pin keeps an unlinked inode alive.
struct OpenFile {
  explicit OpenFile(InodePtr pin, int flags = 0);  // of open(2)
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  InodePtr inode;
  const bool writable;  // opened for writing
  const bool appends;   // with O_APPEND, which fcntl(2) may have taken back since
  // Writable, and the inode was append-only by then (chattr +a): the kernel, which does not know of that, is
  // to keep none of its pages.
  const bool only_appends;
  const bool keeps_atime;    // opened with O_NOATIME, which the kernel lets the owner only
  const bool syncs;          // opened with O_SYNC or O_DSYNC
  const bool can_be_mapped;  // for writing: stores are in the kernel's pages until it writes them back
  Mutex mutex;
  uint64_t error_seen BF_GUARDED_BY(mutex) = 0;  // errors of writeback told to this opener so far
  std::atomic<uid_t> writer{kUnknownUser};       // who is charged for what is written
  std::atomic<uint64_t> listing_end{0};          // of a directory: see listing_end() in readdir.h
  ReadaheadWindow readahead;
};

// `flags` as of open(2). O_TRUNC truncates. EROFS, EPERM (immutable, append-only), EISDIR. Like most of what
// follows it takes locks of the inode, and may commit: hold none of them, and no handle.
Result<std::unique_ptr<OpenFile>> open_file(Mount& mount, InodePtr inode, int flags, const Caller& caller);
// See FileData::read: the pieces are good during the call of `sink` only.
Status read_file(Mount& mount, OpenFile& file, uint64_t offset, size_t length,
                 const std::function<void(const std::vector<ByteSpan>&)>& sink);

struct WriteRequest {
  uint64_t offset = 0;
  std::vector<ByteSpan> pieces;
  // From a shared mapping or the kernel's writeback cache (which sends times itself):
  // the writer's identity is lost.
  bool from_kernel_cache = false;
  // `all`: of a write that the kernel cut into requests at work in parallel.
  HowMuch how_much = HowMuch::what_fits;
};
// Bytes written, perhaps fewer than asked. ENOSPC after trying to free space by writeback and commit. EPERM
// when old bytes of an append-only inode would change.
Result<size_t> write_file(Mount& mount, OpenFile& file, const WriteRequest& request, const Caller& caller);
// What is written to the file is to be durable when the call returns: by O_SYNC or O_DSYNC, chattr +S, or the
// mount. The kernel sees to it itself for most of write(2).
bool writes_are_synchronous(const Mount& mount, const OpenFile& file);
// An error of earlier writeback this opener has not seen.
Status flush_file(OpenFile& file);
// The last close: starts writeback of a file that was emptied and written anew.
void close_file(OpenFile& file);
// Its data and inode are on stable storage when it returns without error.
Status sync_file(Mount& mount, OpenFile& file);

}  // namespace butterfuse
