// SPDX-License-Identifier: GPL-2.0-or-later
// DelallocSpace: promises move together with the delalloc bits they stand for.
#include "core/delalloc/delalloc_space.h"

#include <algorithm>

#include "core/base/assert.h"

namespace butterfuse {

Result<SpacePromise> DelallocSpace::promise(ByteRange pages, uint64_t extents) const {
  SpacePromise result;
  BF_ASSIGN(result.data, backend_.reserve_data(pages.length()));
  BF_ASSIGN(result.metadata,
            backend_.reserve_metadata(extents * backend_.metadata_bytes_per_extent(), root_));
  return result;
}

Result<SpacePromise> DelallocSpace::promise_in_place(uint64_t extents) const {
  SpacePromise result;
  BF_ASSIGN(result.metadata,
            backend_.reserve_metadata(extents * backend_.metadata_bytes_per_extent(), root_));
  result.in_place = true;
  return result;
}

void DelallocSpace::note_in_place(ByteRange pages) {
  for (const ByteRange fresh : extents_.not_delalloc(pages)) in_place_.add(fresh);
}

void DelallocSpace::commit(ByteRange pages, SpacePromise& from) noexcept {
  MutexLock lock(mutex_);
  if (from.in_place) note_in_place(pages);
  const ExtentState::Change change = extents_.set_delalloc(pages);
  if (!from.in_place) held_.data.merge(from.data.split(change.bytes));
  const uint64_t wanted = change.extents_after * backend_.metadata_bytes_per_extent();
  if (held_.metadata.bytes() >= wanted) return;
  const uint64_t missing = std::min(wanted - held_.metadata.bytes(), from.metadata.bytes());
  held_.metadata.merge(from.metadata.split(missing));
}

SpacePromise DelallocSpace::take(ByteRange pages) noexcept {
  MutexLock lock(mutex_);
  const ExtentState::Change change = extents_.clear_delalloc(pages);
  SpacePromise taken;
  if (change.bytes == 0) return taken;
  const uint64_t per_extent = backend_.metadata_bytes_per_extent();
  taken.data = held_.data.split(change.bytes - in_place_.remove(pages));
  const uint64_t kept = change.extents_after * per_extent;
  const uint64_t spare = held_.metadata.bytes() > kept ? held_.metadata.bytes() - kept : 0;
  // At least one extent's worth goes along, also when a cut made two extents of a range with one promise.
  taken.metadata = held_.metadata.split(std::min(std::max(spare, per_extent), held_.metadata.bytes()));
  BF_ASSERT(held_.data.bytes() + in_place_.bytes() == extents_.delalloc_bytes(),
            "{} bytes promised, {} in place, for {} delalloc bytes", held_.data.bytes(), in_place_.bytes(),
            extents_.delalloc_bytes());
  return taken;
}

uint64_t DelallocSpace::data_bytes() const {
  MutexLock lock(mutex_);
  return held_.data.bytes();
}

bool DelallocSpace::has_in_place() const {
  MutexLock lock(mutex_);
  return in_place_.bytes() != 0;
}

uint64_t DelallocSpace::metadata_bytes() const {
  MutexLock lock(mutex_);
  return held_.metadata.bytes();
}

}  // namespace butterfuse
