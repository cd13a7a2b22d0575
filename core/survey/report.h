// SPDX-License-Identifier: GPL-2.0-or-later
// Report: what repair does, one line each.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "core/ondisk/key.h"

namespace butterfuse::repair {

using Report = std::function<void(const std::string&)>;

// Tells what is changed in a subvolume, and counts it.
class Changes {
 public:
  Changes(uint64_t subvolume, const Report& report) : subvolume_(subvolume), report_(report) {}
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    ++count_;
    report_(
        fmt::format("root {}: {}", tree_name(subvolume_), fmt::format(format, std::forward<Args>(args)...)));
  }
  uint64_t count() const { return count_; }

 private:
  const uint64_t subvolume_;
  const Report& report_;
  uint64_t count_ = 0;
};

}  // namespace butterfuse::repair
