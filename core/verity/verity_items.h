// SPDX-License-Identifier: GPL-2.0-or-later
// Verity items: byte strings that are stored in pieces under one key type.
#pragma once

#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/btree/tree.h"

namespace butterfuse {

// Fills `into` with the bytes from `offset` on, which items (ino, type, n) with n up to there hold. EIO when
// some are missing. Takes the tree's shared lock.
Status read_verity_bytes(Tree& tree, uint64_t ino, uint8_t type, uint64_t offset, MutableByteSpan into);

// The descriptor and what follows it (a signature). EIO when it is missing, or of impossible form or size.
Result<std::vector<std::byte>> read_verity_descriptor(Tree& tree, uint64_t ino);

}  // namespace butterfuse
