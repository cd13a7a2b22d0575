// SPDX-License-Identifier: GPL-2.0-or-later
// Streams of any content are decompressed; FUZZ_CODEC names the method. What compresses comes back the same.
#include <cstdlib>

#include "compress/codec.h"

using namespace butterfuse;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Codec* const codec = codec_by_name(FUZZ_CODEC);
  if (size < 2 || size > (128 << 10)) return 0;
  const size_t out_bytes = (data[0] | data[1] << 8) * size_t{2} + 1;  // at most 128 KiB
  const ByteSpan in = as_bytes(std::string_view(reinterpret_cast<const char*>(data) + 2, size - 2));
  std::vector<std::byte> out(out_bytes);
  if (!codec->decompress(in, out)) return 0;
  std::vector<std::byte> packed(out.size() * 2 + 4096), again(out.size());
  const auto length = codec->compress(out, packed, 0);
  if (!length || !*length) std::abort();
  packed.resize(**length);
  if (!codec->decompress(packed, again) || again != out) std::abort();
  return 0;
}
