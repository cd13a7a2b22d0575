// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryWatch: /proc/self/status, now and then.
#include "cli/process/memory_watch.h"

#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "fs/mount/memory_budget.h"

namespace butterfuse {
namespace {

// Questions between two looks, each of which reads a file of /proc. That many tree blocks make a few
// megabytes of records: the eighth that is_short() leaves free is for them, too.
constexpr uint32_t kLookEvery = 64;

uint64_t free_swap_bytes() {
  struct sysinfo info {};
  return ::sysinfo(&info) == 0 ? uint64_t{info.freeswap} * info.mem_unit : 0;
}

// What nobody can take from the process but by writing it to swap space.
uint64_t held_bytes() {
  std::ifstream status("/proc/self/status");
  uint64_t kib = 0, number = 0;
  for (std::string word; status >> word;)
    if ((word == "RssAnon:" || word == "VmSwap:") && status >> number) kib += number;
  return kib << 10;
}

}  // namespace

MemoryWatch::MemoryWatch() : limit_bytes_(memory_limit_bytes() + free_swap_bytes()) {}

bool MemoryWatch::is_short() {
  if (short_ || asked_++ % kLookEvery != 0) return short_;
  // An eighth is for page tables, for files being read, and for what comes until the next look.
  if (held_bytes() > limit_bytes_ / 8 * 7) short_ = true;
  return short_;
}

Error MemoryWatch::explain(const Error& error) const {
  if (!short_) return error;
  return Error{ENOMEM, fmt::format("it needs more memory than the {} MiB there are", limit_bytes_ >> 20)};
}

}  // namespace butterfuse
