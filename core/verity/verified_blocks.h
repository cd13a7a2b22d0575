// SPDX-License-Identifier: GPL-2.0-or-later
// VerifiedBlocks: blocks of Merkle trees known to be good, the last used ones of all files.
#pragma once

#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/mutex.h"

namespace butterfuse {

// Thread-safe.
class VerifiedBlocks {
 public:
  struct Name {
    uint64_t root_id = 0, ino = 0, block = 0;
    auto operator<=>(const Name&) const = default;
  };
  using Block = std::shared_ptr<const std::vector<std::byte>>;

  // `budget_bytes`: of blocks. The one that was added last stays in any case.
  explicit VerifiedBlocks(size_t budget_bytes) : budget_bytes_(budget_bytes) {}
  Block find(const Name& name);  // null: not here
  void add(const Name& name, Block block);
  size_t bytes() const;

 private:
  struct Entry {
    Name name;
    Block block;
  };
  mutable Mutex mutex_;
  const size_t budget_bytes_;
  size_t bytes_ BF_GUARDED_BY(mutex_) = 0;
  std::list<Entry> entries_ BF_GUARDED_BY(mutex_);  // the last used first
  std::map<Name, std::list<Entry>::iterator> by_name_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
