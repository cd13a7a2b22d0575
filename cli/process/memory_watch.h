// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryWatch: tells a program when its memory comes near to the limit, so that it can end with words.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/base/result.h"

namespace butterfuse {

// What it may have: the machine's memory, or the limit of its control groups, and the free swap space.
class MemoryWatch {
 public:
  MemoryWatch();

  // Cheap enough to be asked for each tree block. Stays true.
  bool is_short();
  // ENOMEM and why, where it was short; else the error as it is.
  Error explain(const Error& error) const;

 private:
  const uint64_t limit_bytes_;
  std::atomic<uint32_t> asked_{0};
  std::atomic<bool> short_{false};
};

}  // namespace butterfuse
