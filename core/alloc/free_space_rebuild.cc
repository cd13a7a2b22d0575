// SPDX-License-Identifier: GPL-2.0-or-later
// Writing a free space tree anew from the extent tree.
#include "core/alloc/space_allocator.h"
#include "core/free_space/free_space_loader.h"
#include "core/free_space/free_space_tree.h"

namespace butterfuse {
namespace {

Status write_group(Tree& tree, CowContext& context, const FreeSpace& free, uint32_t sectorsize) {
  WriteCursor cursor(tree, context);
  FreeSpaceTreeEdit edit(cursor, free.range(), sectorsize);
  BF_TRY(edit.create());
  BF_TRY(edit.begin());
  Status status;
  uint64_t position = free.range().start;
  const auto use_up_to = [&](uint64_t end) {
    if (status && position < end) status = edit.remove({position, end});
  };
  free.for_each_run([&](ByteRange run) {
    use_up_to(run.start);
    position = run.end;
  });
  use_up_to(free.range().end);
  BF_TRY(std::move(status));
  return edit.finish();
}

}  // namespace

// Meanwhile no extent item changes: what the tree changes here need comes and goes as queued references.
Status SpaceAllocator::rebuild_free_space_tree(CowContext& context, Tree& tree) {
  {
    WriteCursor cursor(tree, context);
    BF_TRY(cursor.seek({0, 0, 0}));
    if (cursor.valid())
      BF_TRY(cursor.remove_while([](const Key&, ByteSpan) -> Result<bool> { return true; }));
  }
  std::vector<uint64_t> starts;
  {
    MutexLock lock(state_.mutex);
    starts = state_.groups.starts();
  }
  for (const uint64_t start : starts) {
    ByteRange range;
    {
      MutexLock lock(state_.mutex);
      const BlockGroup& group = *state_.groups.starting_at(start);
      if (group.items != BlockGroup::Items::inserted) continue;  // comes with its chunk
      range = group.range();
    }
    BF_TRY(FreeSpace::check_length(range));
    FreeSpace free(range, state_.sectorsize);
    {
      ReadCursor cursor(*state_.trees.extent);
      BF_TRY(scan_extent_tree(cursor, range, state_.sectorsize, state_.nodesize, free));
    }
    BF_TRY(write_group(tree, context, free, state_.sectorsize));
  }
  state_.trees.free_space = &tree;
  return {};
}

}  // namespace butterfuse
