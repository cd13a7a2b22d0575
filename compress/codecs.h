// SPDX-License-Identifier: GPL-2.0-or-later
// Codecs: those behind the registry, and the bit they share. Private to this room.
#pragma once

#include "compress/codec.h"

namespace butterfuse {

// On disk; this room lies below core/ondisk, where the same numbers are compression_type::.
constexpr uint8_t kNullType = 0, kZlibType = 1, kLzoType = 2, kZstdType = 3;

const Codec& null_codec();
const Codec& zlib_codec();
const Codec& lzo_codec();
const Codec& zstd_codec();

// What a stream did not fill reads as zeros. REQUIRES: produced <= out.size().
void zero_tail(MutableByteSpan out, size_t produced);

}  // namespace butterfuse
