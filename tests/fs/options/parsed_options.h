// SPDX-License-Identifier: GPL-2.0-or-later
// Parsed options: a text of mount options as what it asks for, or as the message that refuses it.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "fs/options/options.h"
#include "fs/options/parse_options.h"

// REQUIREs that the text is taken.
inline butterfuse::MountOptions parse(std::string_view text) {
  butterfuse::MountOptions options;
  const auto status = parse_mount_options(text, options);
  INFO(text << ": " << (status ? "" : status.error().message));
  REQUIRE(status);
  return options;
}

// Empty when it is taken.
inline std::string refusal(std::string_view text) {
  butterfuse::MountOptions options;
  const auto status = parse_mount_options(text, options);
  return status ? std::string() : status.error().message;
}
