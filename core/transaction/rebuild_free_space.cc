// SPDX-License-Identifier: GPL-2.0-or-later
// Replacing a free space tree that is not to be trusted, and giving up old space caches that are not.
#include "core/transaction/filesystem_state.h"

namespace butterfuse {
namespace {

// An info and some extents; a fragmented tree has more, which a part of its old number of items stands for.
constexpr uint32_t kItemsPerGroup = 4;
constexpr uint32_t kCachesAtOnce = 256;  // two items each, so that one transaction needs bounded space

// Reads all of it, so that a damaged one is met before anything has changed.
Result<uint64_t> count_items(Tree& tree) {
  ReadCursor cursor(tree);
  BF_TRY(cursor.seek({0, 0, 0}));
  uint64_t items = 0;
  for (; cursor.valid(); ++items) BF_TRY(cursor.next());
  return items;
}

}  // namespace

bool Filesystem::wants_free_space_tree() const {
  return !read_only_ && state_->free_space_tree == nullptr &&
         (state_->super.compat_ro_flags & compat_ro::kFreeSpaceTree);
}

Status Filesystem::rebuild_free_space_tree() {
  auto& s = *state_;
  BF_ASSIGN(Tree * tree, s.trees->open(objectid::kFreeSpaceTree));
  BF_ASSIGN(const uint64_t old_items, count_items(*tree));
  const uint64_t items = old_items / 64 + volume_->chunks().size() * kItemsPerGroup;
  {
    BF_ASSIGN(TransactionHandle handle,
              begin_freeing(static_cast<uint32_t>(std::min<uint64_t>(items, 1 << 16))));
    if (Status built = allocator_->rebuild_free_space_tree(handle, *tree); !built) {
      handle.abort(built.error());
      return built;
    }
    s.free_space_tree = tree;
    s.super.compat_ro_flags = s.super.compat_ro_flags | compat_ro::kFreeSpaceTreeValid;
  }
  return commit();
}

bool Filesystem::has_stale_space_caches() const {
  return !read_only_ && !state_->space_caches_current && allocator_->has_old_space_caches();
}

// A crash in between leaves some given up and some not, which are as stale as they were.
Status Filesystem::give_up_old_space_caches() {
  for (bool more = allocator_->has_old_space_caches(); more;) {
    {
      BF_ASSIGN(TransactionHandle handle, begin_freeing(2 * kCachesAtOnce));
      auto given_up = allocator_->give_up_old_space_caches(handle, kCachesAtOnce);
      if (!given_up) {
        handle.abort(given_up.error());
        return tl::unexpected(std::move(given_up).error());
      }
      more = *given_up;
    }
    BF_TRY(commit());
  }
  return {};
}

}  // namespace butterfuse
