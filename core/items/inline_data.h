// SPDX-License-Identifier: GPL-2.0-or-later
// Inline extents: file bytes that live in the tree itself, perhaps compressed.
#pragma once

#include "core/items/file_extent.h"

namespace butterfuse {

// Fills `into` with the file bytes from the extent's start on; what lies behind ram_bytes reads as zero.
// EIO when the compressed bytes are broken, EUCLEAN when their codec is unknown.
Status read_inline_data(const FileExtent& extent, MutableByteSpan into);

}  // namespace butterfuse
