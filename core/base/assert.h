// SPDX-License-Identifier: GPL-2.0-or-later
// BF_ASSERT: a broken invariant ends the process, in release builds too.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace butterfuse {
[[noreturn]] void assert_failed(const char* file, int line, const char* condition, std::string_view message);
}

#define BF_ASSERT(condition, ...)                                                               \
  do {                                                                                          \
    if (!(condition)) [[unlikely]]                                                              \
      ::butterfuse::assert_failed(__FILE__, __LINE__, #condition, fmt::format("" __VA_ARGS__)); \
  } while (false)
