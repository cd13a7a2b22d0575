// SPDX-License-Identifier: GPL-2.0-or-later
// Engine: the header for programs that open btrfs images in their own process. What it includes is public.
#pragma once

#include "core/base/log.h"             // where messages go
#include "core/base/result.h"          // what everything answers with
#include "core/check/checker.h"        // judging a file system
#include "core/device/block_device.h"  // opening an image file or a block device
#include "core/mkfs/mkfs.h"            // a new file system
#include "fs/attributes/attr.h"        // stat
#include "fs/attributes/xattr.h"
#include "fs/data/file.h"  // open, read, write, fsync
#include "fs/data/truncate.h"
#include "fs/mount/mount.h"  // a file system, opened
#include "fs/mount/statfs.h"
#include "fs/names/create.h"
#include "fs/names/link.h"
#include "fs/names/lookup.h"
#include "fs/names/readdir.h"
#include "fs/names/rename.h"
#include "fs/names/unlink.h"
#include "fs/options/parse_options.h"  // "ro,subvol=home"
