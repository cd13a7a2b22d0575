// SPDX-License-Identifier: GPL-2.0-or-later
// RequestCounts: how many requests of each kind the kernel has sent.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace butterfuse {

// By opcode (FUSE_* of <linux/fuse.h>). What a program's call costs is, more than anything, how many requests
// it becomes. Thread-safe.
class RequestCounts {
 public:
  void note(uint32_t opcode) {
    counts_[opcode < counts_.size() ? opcode : 0].fetch_add(1, std::memory_order_relaxed);
  }
  uint64_t of(uint32_t opcode) const {
    return opcode < counts_.size() ? counts_[opcode].load(std::memory_order_relaxed) : 0;
  }
  // "requests_lookup 17\n...", what was never sent left out; then "requests 170" of all, and
  // "requests_per_file 10.3" for each file that was created.
  std::string text() const;

 private:
  std::array<std::atomic<uint64_t>, 64> counts_{};  // 0: of no opcode that is counted
};

}  // namespace butterfuse
