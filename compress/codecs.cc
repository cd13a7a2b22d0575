// SPDX-License-Identifier: GPL-2.0-or-later
// The codec registry, and the null codec: the model every other codec follows.
#include "compress/codecs.h"

#include <algorithm>
#include <array>

namespace butterfuse {
namespace {

class NullCodec final : public Codec {
 public:
  uint8_t type() const override { return kNullType; }
  std::string_view name() const override { return "none"; }
  int default_level() const override { return 0; }
  int clamp_level(int) const override { return 0; }

  Result<std::optional<size_t>> compress(ByteSpan in, MutableByteSpan out, int) const override {
    if (in.size() > out.size()) return std::optional<size_t>{};
    std::ranges::copy(in, out.begin());
    return std::optional<size_t>{in.size()};
  }

  Status decompress(ByteSpan in, MutableByteSpan out) const override {
    const size_t copied = std::min(in.size(), out.size());
    std::ranges::copy(in.first(copied), out.begin());
    zero_tail(out, copied);
    return {};
  }
};

}  // namespace

void zero_tail(MutableByteSpan out, size_t produced) {
  std::ranges::fill(out.subspan(produced), std::byte{0});
}

const Codec& null_codec() {
  static const NullCodec codec;
  return codec;
}

std::vector<const Codec*> all_codecs() { return {&zlib_codec(), &lzo_codec(), &zstd_codec()}; }

const Codec* codec_by_type(uint8_t type) {
  static const std::array<const Codec*, 4> by_type{&null_codec(), &zlib_codec(), &lzo_codec(), &zstd_codec()};
  return type < by_type.size() ? by_type[type] : nullptr;
}

const Codec* codec_by_name(std::string_view name) {
  for (const Codec* codec : all_codecs())
    if (codec->name() == name) return codec;
  return nullptr;
}

}  // namespace butterfuse
