// SPDX-License-Identifier: GPL-2.0-or-later
// Codec: one compression method in the framing btrfs stores on disk. One file per codec behind this registry.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace butterfuse {

// Stateless to the caller, thread-safe: contexts are kept per thread inside.
// Inputs: at most 128 KiB of file data.
class Codec {
 public:
  virtual ~Codec() = default;
  virtual uint8_t type() const = 0;  // compression_type:: on disk: 1 zlib, 2 lzo, 3 zstd; 0 is the null codec
  virtual std::string_view name() const = 0;
  virtual int default_level() const = 0;
  virtual int clamp_level(int level) const = 0;  // 0 means default
  // Compressed size, or nothing when it does not fit `out` (the way to say "not smaller than wanted"). EIO,
  // ENOMEM: nothing about the data; the caller stores it as it is.
  virtual Result<std::optional<size_t>> compress(ByteSpan in, MutableByteSpan out, int level) const = 0;
  // Fills `out` (the whole extent's ram bytes, or its beginning) from `in` (may carry zero padding behind the
  // stream). A stream that ends early leaves zeros behind it, as the kernel does. EIO for a stream that is
  // broken; never reads or writes outside the spans whatever the input. Inline extents have the same framing
  // as the others.
  virtual Status decompress(ByteSpan in, MutableByteSpan out) const = 0;
};

const Codec* codec_by_type(uint8_t type);           // null when unknown; 0 gives the null codec
const Codec* codec_by_name(std::string_view name);  // zlib, lzo, zstd
std::vector<const Codec*> all_codecs();             // the three

}  // namespace butterfuse
