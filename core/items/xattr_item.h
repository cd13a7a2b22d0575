// SPDX-License-Identifier: GPL-2.0-or-later
// Extended attributes: XATTR_ITEMs, by name hash, shaped like directory items.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/btree/cursor.h"

namespace butterfuse {

Result<std::optional<std::vector<std::byte>>> read_xattr(Tree& tree, uint64_t ino, std::string_view name);
Result<std::vector<std::string>> list_xattrs(Tree& tree, uint64_t ino);
// Creates or replaces. ENOSPC when it does not fit a leaf together with the names that hash alike.
Status write_xattr(Tree& tree, CowContext& context, uint64_t ino, std::string_view name, ByteSpan value);
// ENODATA when absent.
Status remove_xattr(Tree& tree, CowContext& context, uint64_t ino, std::string_view name);

}  // namespace butterfuse
