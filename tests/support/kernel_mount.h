// SPDX-License-Identifier: GPL-2.0-or-later
// KernelMount: an image mounted by the Linux kernel as long as this lives. Never a damaged or hostile one.
#pragma once

#include <string>

// Says SKIP and why, each time, when it can't.
bool kernel_can_mount();

class KernelMount {
 public:
  // The mount point is made where there is none. `options` as mount(8) takes them.
  // What mount(8) complains of is printed.
  KernelMount(std::string image, std::string mount_point, const std::string& options = "loop");
  ~KernelMount();
  KernelMount(const KernelMount&) = delete;
  KernelMount& operator=(const KernelMount&) = delete;
  bool mounted() const { return mounted_; }

 private:
  const std::string image_, mount_point_;
  bool mounted_;
};
