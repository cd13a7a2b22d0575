// SPDX-License-Identifier: GPL-2.0-or-later
// Told owner: whose the kernel believes files to be, where that is not what stat(2) shows.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <string>

#include "core/base/mutex.h"
#include "fs/fuse/fuse_context.h"

namespace butterfuse {

// The kernel compares a file's owner with the caller before it hands on access control lists, chattr,
// O_NOATIME, links to privileged files and changes of names in sticky directories, whoever checks permissions
// otherwise. With `fakeroot` all that is to work whoever's the file is in the image. So the kernel learns
// from look-ups and changes that everything belongs to the one who serves the mount. What stat(2) shows is an
// answer of its own, which the kernel hands to the caller and does not keep: behind a notification that the
// attributes have changed it takes answers to older questions for outdated.

// For entries, and for answers to setattr. Without `fakeroot`: get_attr.
struct stat told_attr(Mount& mount, Inode& inode);
// How long the kernel may answer stat(2) by itself.
double attr_seconds(const Mount& mount);
// How long a name is good: with `fakeroot` files are looked up each time,
// since nothing else tells the kernel of their mode.
double entry_seconds(const Mount& mount, const Inode& inode);
// What to answer to getattr and statx at once. Hold no lock. May wait for the lesson below.
struct stat shown_attr(FuseContext& context, Inode& inode, pid_t caller);

// The top directory is never looked up: for the kernel to learn its owner, a thread of ours asks for it, and
// is told what look-ups tell. Others who ask wait until then.
class TopLesson {
 public:
  // At FUSE_INIT. The thread is not waited for: its question may outlive the session, which would wait for
  // its own answer. Null where there is nothing to teach or no thread to be had.
  static std::shared_ptr<TopLesson> begin(const Mount& mount, const std::string& mountpoint);

  bool is_asked_by(pid_t thread) const { return thread != 0 && thread == pupil_; }
  // A second at most.
  void wait();

 private:
  void learn(const std::string& mountpoint);

  std::atomic<pid_t> pupil_{0};
  Mutex mutex_;
  CondVar learnt_;
  bool is_over_ BF_GUARDED_BY(mutex_) = false;
};

}  // namespace butterfuse
