// SPDX-License-Identifier: GPL-2.0-or-later
// Fixup: the worker side.
#include "core/writeback/fixup.h"

#include <memory>

#include "core/transaction/space_ladder.h"
#include "core/writeback/cow_file_range.h"

namespace butterfuse {
namespace {

// False: try again later.
bool fix_page(FileState& file, PageIndex index) {
  const PageRange page{index, index + 1};
  // A worker can't write back what waits for workers: only the commit is left to try.
  Result<SpacePromise> promise = climb_for_space([&] { return file.space.promise(bytes_of(page), 1); },
                                                 {[&] { return file.pipeline.backend.commit_for_space(); }});
  std::optional<LockedPage> locked = file.mapping->lock_next_dirty(page, LockMode::try_only);
  if (file.extents.is_delalloc(bytes_of(page))) return true;  // fixed meanwhile
  if (!locked) return !file.mapping->state(index).dirty;      // written or cancelled; or someone is at it
  if (promise) {
    file.space.commit(bytes_of(page), *promise);
  } else {
    abandon_pages(file, std::move(*locked).into_pages(), &promise.error());
  }
  return true;
}

// A worker never waits for a page lock: its owner may need this worker.
void submit_fixup(FileState& file, PageIndex index, const std::shared_ptr<FileState::Hold>& hold) {
  file.pipeline.workers.submit([&file, index, hold] {
    if (!fix_page(file, index)) return submit_fixup(file, index, hold);
    if (file.pipeline.on_dirty) file.pipeline.on_dirty(file);
    file.background_ended(FileState::Background::fixup);
    *hold = {};
  });
}

}  // namespace

void queue_fixup(FileState& file, LockedPage page) {
  ++file.pipeline.stats.fixups;
  file.background_started(FileState::Background::fixup);
  submit_fixup(file, page.index(), std::make_shared<FileState::Hold>(file));
}

}  // namespace butterfuse
