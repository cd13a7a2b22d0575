// KernelMount: by mount(8) and a loop device.
#include "tests/support/kernel_mount.h"

#include <cstdio>

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

KernelMount::KernelMount(const std::string& image, std::string mount_point, const std::string& options)
    : mount_point_(std::move(mount_point)) {
  run_command({"mkdir", "-p", mount_point_});
  mounted_ = run_command({"mount", "-o", options, image, mount_point_}).ok();
}

KernelMount::~KernelMount() {
  if (mounted_) run_command({"umount", mount_point_});
}
