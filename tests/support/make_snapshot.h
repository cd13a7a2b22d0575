// SPDX-License-Identifier: GPL-2.0-or-later
// make_snapshot: what the kernel's ioctl does, which the engine itself has no use for.
#pragma once

#include <string>

#include "core/transaction/filesystem.h"

// A writable snapshot of the top-level subvolume, as `name` in its top directory, committed. Nobody may have
// files of it open. Throws.
void make_snapshot(butterfuse::Filesystem& filesystem, const std::string& name);
