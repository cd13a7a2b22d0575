// SPDX-License-Identifier: GPL-2.0-or-later
// CompressionProperty: what the attribute btrfs.compression of a file or directory says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace butterfuse {

struct CompressionProperty {
  uint8_t type = 0;      // compression_type::; kNone: no codec is asked for
  int level = 0;         // 0: none is named
  bool forbids = false;  // "no", "none": not even where the mount compresses

  // As an Inode holds it: the type below, the level above. No codec is 0, whether or not it is forbidden.
  uint8_t packed() const;
  static CompressionProperty unpacked(uint8_t packed);

  bool names_codec() const { return type != 0; }
  // As it is written for whoever inherits it: "zstd", "zstd:5"; empty without a codec.
  std::string text() const;
  friend bool operator==(const CompressionProperty&, const CompressionProperty&) = default;
};

// By the kernel's rule, which stores the value as it is: it must begin with a codec's name. A level
// behind a colon is cut to what the codec has; what is no level means none. "" is no property. Nothing
// for any other value.
std::optional<CompressionProperty> parse_compression_property(std::string_view value);

}  // namespace butterfuse
