// SPDX-License-Identifier: GPL-2.0-or-later
// Request kind: what the loop wants to know of a request before anybody works on it.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bytes.h"

namespace butterfuse {

// `request`: the header and all behind it, as the kernel sent it; may be short.

// It waits for the disk as a rule.
bool takes_long(ByteSpan request);
// Which request is not wanted any more, if that is what this one says (FUSE_INTERRUPT).
std::optional<uint64_t> interrupted_request(ByteSpan request);

}  // namespace butterfuse
