// SPDX-License-Identifier: GPL-2.0-or-later
// Null operations: what FUSE asks for, answered out of a MemoryTree.
#pragma once

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>

namespace butterfuse::null {

// Their userdata is the MemoryTree. The kernel is asked for the same as by butterfuse, so that programs cause
// the same requests.
fuse_lowlevel_ops null_operations();

}  // namespace butterfuse::null
