// SPDX-License-Identifier: GPL-2.0-or-later
// Damage: changes to the tree blocks and superblocks of an image, as the bytes of a fuzzer have it.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <functional>

#include "tests/fuzz/base_image.h"

namespace butterfuse::fuzz {

// One block of the image after a few changes, under a right checksum.
std::vector<std::byte> damaged_block(const BaseImage& image, const BlockCopies& copies,
                                     FuzzedDataProvider& bytes);

// Overwrites a few bytes; its checksum is wrong then.
void damage_super(DiskSuper& super, FuzzedDataProvider& bytes);

// The image with all the changes that the bytes stand for, each in every copy and under a right checksum. It
// lives in memory, over the base's devices. `wanted` says which blocks may be changed; superblocks always.
Disks damage(const BaseImage& image, FuzzedDataProvider& bytes,
             const std::function<bool(const BlockCopies&)>& wanted);

}  // namespace butterfuse::fuzz
