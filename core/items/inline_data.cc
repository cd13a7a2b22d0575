// SPDX-License-Identifier: GPL-2.0-or-later
// Inline extents: copying or decompressing their bytes.
// ram_bytes may be more than what is stored (a damaged item) and less than asked for (the tail of the
// sector): either way what is missing is zeros, and never what was in memory before.
#include "core/items/inline_data.h"

#include "compress/codec.h"

namespace butterfuse {

Status read_inline_data(const FileExtent& extent, MutableByteSpan into) {
  const size_t wanted = std::min<uint64_t>(into.size(), extent.ram_bytes);
  size_t filled = wanted;
  if (extent.compression == compression_type::kNone) {
    filled = std::min(wanted, extent.data.size());
    if (filled != 0) std::memcpy(into.data(), extent.data.data(), filled);
  } else {
    const Codec* codec = codec_by_type(extent.compression);
    if (codec == nullptr)
      return make_error(EUCLEAN, "inline extent of compression type {}", extent.compression);
    BF_TRY(codec->decompress(extent.data, into.first(wanted)));
  }
  std::memset(into.data() + filled, 0, into.size() - filled);
  return {};
}

}  // namespace butterfuse
