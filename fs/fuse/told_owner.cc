// SPDX-License-Identifier: GPL-2.0-or-later
// Told owner: one owner for look-ups, another for stat(2).
#include "fs/fuse/told_owner.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <thread>

#include "core/base/log.h"
#include "fs/attributes/attr.h"
#include "fs/fuse/forget.h"

namespace butterfuse {

struct stat told_attr(Mount& mount, Inode& inode) {
  struct stat attr = get_attr(mount, inode);
  if (!mount.options().fakeroot) return attr;
  attr.st_uid = geteuid();
  attr.st_gid = getegid();
  return attr;
}

double attr_seconds(const Mount& mount) { return mount.options().fakeroot ? 0 : kCacheSeconds; }

double entry_seconds(const Mount& mount, const Inode& inode) {
  return mount.options().fakeroot && !inode.is_dir() ? 0 : kCacheSeconds;
}

struct stat shown_attr(FuseContext& context, Inode& inode, pid_t caller) {
  Mount& mount = context.mount;
  if (!mount.options().fakeroot) return get_attr(mount, inode);
  if (context.top_lesson != nullptr && inode.key() == mount.root().key()) {
    if (context.top_lesson->is_asked_by(caller)) return told_attr(mount, inode);
    if (!context.single_thread) context.top_lesson->wait();
  }
  // Before the answer, which the kernel then takes for outdated: it shows it, and keeps what it
  // was told before.
  forget_attributes(mount, context.session, inode);
  return get_attr(mount, inode);
}

std::shared_ptr<TopLesson> TopLesson::begin(const Mount& mount, const std::string& mountpoint) {
  if (!mount.options().fakeroot || mountpoint.empty()) return nullptr;
  auto lesson = std::make_shared<TopLesson>();
  try {
    std::thread([lesson, mountpoint] { lesson->learn(mountpoint); }).detach();
  } catch (const std::system_error& error) {
    log(LogLevel::warning, "the top directory is not its user's: can't start a thread: {}",
        error.code().message());
    return nullptr;
  }
  return lesson;
}

void TopLesson::learn(const std::string& mountpoint) {
  pupil_ = gettid();
  struct statx info {};
  (void)::statx(AT_FDCWD, mountpoint.c_str(), AT_NO_AUTOMOUNT | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS,
                &info);
  pupil_ = 0;
  MutexLock lock(mutex_);
  is_over_ = true;
  learnt_.notify_all();
}

void TopLesson::wait() {
  MutexLock lock(mutex_);
  while (!is_over_)
    // The loop itself answers the question, in no time. Whatever keeps it from being asked keeps
    // nobody for longer.
    if (!learnt_.wait_for(lock, std::chrono::seconds(1))) is_over_ = true;
}

}  // namespace butterfuse
