// SPDX-License-Identifier: GPL-2.0-or-later
// FuseContext: what every request finds behind fuse_req_userdata.
#pragma once

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "fs/data/clipped_ends.h"
#include "fs/fuse/open_files.h"
#include "fs/mount/mount.h"

namespace butterfuse {

class TopLesson;

// Only we change the file system: what the kernel learnt stays true until it changes it itself. A question an
// hour costs nothing.
constexpr double kCacheSeconds = 3600;

struct FuseContext {
  Mount& mount;
  std::function<void()> on_live;  // the kernel has said hello: the mount works
  fuse_session* session = nullptr;
  std::atomic<bool> long_setxattr = false;   // the kernel sends it: see dispatch.cc
  std::string mountpoint{};                  // empty: none that the kernel knows of
  dev_t device = 0;                          // st_dev of all that is in it; 0: somebody else has mounted it
  std::atomic<bool> seen_read_only = false;  // when a mount table was last looked at
  std::atomic<bool> ending = false;          // long calls are to stop: see fs/session
  // The kernel lets files that it does not cache be mapped.
  std::atomic<bool> direct_io_can_be_mapped = false;
  bool single_thread = false;                  // nobody else answers while a request is at work
  std::atomic<unsigned> waiting_for_pages{0};  // requests: see kernel_pages.h
  bool kernel_clips_ends = false;              // set at FUSE_INIT
  ClippedEnds clipped_ends{};
  OpenFiles open_files{};
  std::shared_ptr<TopLesson> top_lesson{};  // with `fakeroot`; set at FUSE_INIT
};

}  // namespace butterfuse
