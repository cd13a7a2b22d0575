// SPDX-License-Identifier: GPL-2.0-or-later
// Entry type: what a directory entry says of its inode's kind, and the type bits of a mode that say the same.
#pragma once

#include <cstdint>

namespace butterfuse {

uint8_t entry_type_of_mode(uint32_t mode);  // file_type::
uint32_t mode_of_entry_type(uint8_t type);  // S_IFMT bits; 0 for no kind of inode

}  // namespace butterfuse
