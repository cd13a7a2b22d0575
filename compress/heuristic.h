// SPDX-License-Identifier: GPL-2.0-or-later
// The heuristic: looks at samples of a range and says whether compressing it is worth a try.
#pragma once

#include "core/base/bytes.h"

namespace butterfuse {

enum class Compressibility { likely, unlikely };

// Samples byte patterns, symbol counts and entropy of `data` (up to 128 KiB); a few microseconds. Pure.
Compressibility judge_compressibility(ByteSpan data);

}  // namespace butterfuse
