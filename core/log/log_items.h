// SPDX-License-Identifier: GPL-2.0-or-later
// LogItems: the items of a log tree in key order, read a handful at a time.
#pragma once

#include <functional>
#include <vector>

#include "core/btree/cursor.h"

namespace butterfuse {

struct LogItem {
  Key key;
  std::vector<std::byte> bytes;
};

// Calls `visit` for each item of [first, end). No lock is held during a call, so that it may read this tree
// and change others. Items are copied in batches, so memory is bounded.
Status for_each_log_item(Tree& log, const Key& first, const Key& end,
                         const std::function<Status(const LogItem&)>& visit);

}  // namespace butterfuse
