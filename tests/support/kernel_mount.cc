// SPDX-License-Identifier: GPL-2.0-or-later
// KernelMount: by mount(8) and a loop device.
#include "tests/support/kernel_mount.h"

#include <cstdio>

#include "tests/support/eventually.h"
#include "tests/support/run_command.h"

bool kernel_can_mount() {
  static const bool can = [] {
    if (!running_as_root() || !have_program("losetup")) return false;
    run_command({"modprobe", "btrfs"});
    run_command({"modprobe", "loop"});
    return run_command({"grep", "-qw", "btrfs", "/proc/filesystems"}).ok() &&
           run_command({"losetup", "-f"}).ok();
  }();
  if (!can) std::puts("SKIP: a kernel mount needs root, loop devices and a kernel with btrfs");
  return can;
}

namespace {

// The kernel lets go of a loop device some time after the unmount. Meanwhile mount(8) would take it for the
// next mount of the same image, and find nothing on it ("can't read superblock").
void wait_until_detached(const std::string& image) {
  (void)eventually([&] { return run_command({"losetup", "-j", image}).output.empty(); });
}

}  // namespace

KernelMount::KernelMount(std::string image, std::string mount_point, const std::string& options)
    : image_(std::move(image)), mount_point_(std::move(mount_point)) {
  run_command({"mkdir", "-p", mount_point_});
  const CommandResult result = run_command({"mount", "-o", options, image_, mount_point_});
  mounted_ = result.ok();
  if (!mounted_) std::fputs(result.output.c_str(), stdout);
}

KernelMount::~KernelMount() {
  if (!mounted_) return;
  run_command({"umount", mount_point_});
  wait_until_detached(image_);
}
