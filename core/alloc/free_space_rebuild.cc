// Writing a free space tree anew from the extent tree.
#include "core/alloc/free_space_loader.h"
#include "core/alloc/free_space_tree.h"
#include "core/alloc/space_allocator.h"

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
  for (const uint64_t start : group_starts()) {
    ByteRange range;
    {
      MutexLock lock(mutex_);
      const BlockGroup& group = *groups_.at(start);
      if (group.items != BlockGroup::Items::inserted) continue;  // comes with its chunk
      range = group.range();
    }
    BF_TRY(FreeSpace::check_length(range));
    FreeSpace free(range, sectorsize_);
    {
      ReadCursor cursor(*trees_.extent);
      BF_TRY(scan_extent_tree(cursor, range, sectorsize_, nodesize_, free));
    }
    BF_TRY(write_group(tree, context, free, sectorsize_));
  }
  trees_.free_space = &tree;
  return {};
}

}  // namespace butterfuse
