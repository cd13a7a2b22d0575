// SPDX-License-Identifier: GPL-2.0-or-later
// CompressionProperty: from the attribute's value and back.
#include "fs/inode/compression_property.h"

#include <charconv>

#include "compress/codec.h"
#include "core/ondisk/constants.h"

namespace butterfuse {
namespace {

// The level behind "NAME": 0 where there is none, or what is there is no number. A number too long for an int
// is a level all the same, beyond what any codec has.
int level_of(const Codec& codec, std::string_view rest) {
  if (!rest.starts_with(':') || codec.type() == compression_type::kLzo) return 0;
  rest.remove_prefix(1);
  int level = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), level);
  if (error == std::errc::result_out_of_range) return codec.clamp_level(rest.starts_with('-') ? -100 : 100);
  if (error != std::errc{} || end != rest.data() + rest.size() || level == 0) return 0;
  return codec.clamp_level(level);
}

// Two bits for the types of btrfs, 0 to 3. The level above them is counted from 32, so that it is positive. 0
// stands for no property: no codec comes to that, whatever its level.
constexpr int kTypeBits = 2, kLevelBase = 32;  // levels from -15 to 15

}  // namespace

uint8_t CompressionProperty::packed() const {
  if (!names_codec()) return 0;
  return static_cast<uint8_t>(type | (level + kLevelBase) << kTypeBits);
}

CompressionProperty CompressionProperty::unpacked(uint8_t packed) {
  if (packed == 0) return {};
  return {.type = static_cast<uint8_t>(packed & ((1 << kTypeBits) - 1)),
          .level = (packed >> kTypeBits) - kLevelBase};
}

std::string CompressionProperty::text() const {
  const Codec* codec = names_codec() ? codec_by_type(type) : nullptr;
  if (codec == nullptr) return {};
  std::string text(codec->name());
  if (level != 0) text += ":" + std::to_string(level);
  return text;
}

std::optional<CompressionProperty> parse_compression_property(std::string_view value) {
  if (value.empty()) return CompressionProperty{};
  if (value == "no" || value == "none") return CompressionProperty{.forbids = true};
  for (const Codec* codec : all_codecs())
    if (value.starts_with(codec->name()))
      return CompressionProperty{.type = codec->type(),
                                 .level = level_of(*codec, value.substr(codec->name().size()))};
  return std::nullopt;
}

}  // namespace butterfuse
