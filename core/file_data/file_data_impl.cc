// SPDX-License-Identifier: GPL-2.0-or-later
// FileData: the front of the data side; each function a few calls into the room.
#include "core/file_data/file_data_impl.h"

#include <algorithm>
#include <limits>

#include "core/base/assert.h"
#include "core/file_data/buffered_write.h"
#include "core/file_data/cancel_pages.h"
#include "core/file_data/page_fill.h"
#include "core/file_data/readahead.h"
#include "core/writeback/writepages.h"

namespace butterfuse {

namespace {

using Writer = DomainRegistry::Writer;

constexpr uint64_t kMaxFileBytes = std::numeric_limits<int64_t>::max();
constexpr uint64_t kLittleBytes = 256u << 10;  // dirty, of one file, with what is being written

Writer writer_of(const FileState& file, uint64_t bytes) {
  return file.mapping->dirty_pages() * kPageBytes + bytes <= kLittleBytes ? Writer::of_little
                                                                          : Writer::of_much;
}

}  // namespace

FileData::FileData(DataEngine& engine, DataOwner& owner, uint64_t size)
    : impl_(std::make_unique<Impl>(engine.services(), owner, size)) {}

FileData::~FileData() = default;

uint64_t FileData::size() const { return impl_->state.size.in_memory(); }
uint64_t FileData::disk_size() const { return impl_->state.size.on_disk(); }
uint64_t FileData::delalloc_bytes() const { return impl_->state.extents.delalloc_bytes(); }

// Delalloc first: an ordered extent is there before its delalloc bits go, so that no byte is missed.
void FileData::with_pending(const std::function<void(const std::vector<ByteRange>&)>& count) {
  FileState& file = impl_->state;
  const ReaderLock still(file.moving);
  RangeSet pending(kPageBytes);
  for (const ByteRange range : file.extents.delalloc_ranges()) pending.add(range);
  for (const ByteRange range : file.ordered.pending()) pending.add(range);
  count(pending.ranges());
}

Result<size_t> FileData::write(uint64_t offset, const std::vector<ByteSpan>& pieces, DomainId domain_id,
                               HowMuch how_much) {
  uint64_t total = 0;
  for (const ByteSpan piece : pieces) total += piece.size();
  if (offset > kMaxFileBytes || total > kMaxFileBytes - offset)
    return make_error(EFBIG, "write of {} bytes at {}: behind the largest file size", total, offset);
  const auto domain = impl_->services.domains.get(domain_id);
  impl_->last_domain = domain_id;
  Pipeline& pipeline = impl_->services.pipeline;
  pipeline.domains.throttle(*domain, writer_of(impl_->state, total), pipeline.kick_writeback);
  pipeline.wait_for_memory(total / kPageBytes + 2);
  return buffered_write(impl_->state, offset, pieces, domain, how_much);
}

// Pins and lists the bytes of a part of one folio, reading what is missing.
Status FileData::Impl::pin_part(ByteRange part, std::vector<PinnedPages>& pins,
                                std::vector<ByteSpan>& pieces) {
  PageRange wanted = pages_touching(part);
  while (!wanted.empty()) {
    PinnedPages pinned = state.mapping->pin_uptodate(wanted);
    if (pinned.empty()) {
      if (bytes_of(wanted).start >= state.page_end())
        return make_error(EIO, "read at {} behind the end", part.start);
      BF_TRY(fill_pages(state, wanted, LockMode::wait));
      continue;
    }
    const ByteRange here = pinned.byte_hull().intersection(part);
    pieces.push_back(pinned.contiguous_bytes(here));
    wanted.first = pinned.hull().end;
    pins.push_back(std::move(pinned));
  }
  return {};
}

Status FileData::read(uint64_t offset, size_t length, ReadaheadWindow& reader,
                      const std::function<void(const std::vector<ByteSpan>&)>& sink) {
  std::vector<ByteSpan> pieces;
  const uint64_t size = impl_->state.size.in_memory();
  if (offset >= size || length == 0) {
    sink(pieces);
    return {};
  }
  const ByteRange wanted{offset, offset + std::min<uint64_t>(length, size - offset)};
  impl_->services.pipeline.wait_for_memory(wanted.length() / kPageBytes + 2);
  ByteRange ahead = reader.advance(wanted);
  // The folio that the request begins in is read here.
  ahead.start = std::max(ahead.start, round_down(wanted.start, kFolioBytes) + kFolioBytes);
  if (!ahead.empty()) start_readahead(impl_->state, impl_->services.readers, ahead);
  std::vector<PinnedPages> pins;
  for (uint64_t at = wanted.start; at < wanted.end;) {
    const ByteRange part{at, std::min(wanted.end, round_down(at, kFolioBytes) + kFolioBytes)};
    BF_TRY(impl_->pin_part(part, pins, pieces));
    at = part.end;
  }
  sink(pieces);
  return {};
}

Status FileData::flush(ByteRange range, bool wait) {
  if (!wait) {
    writepages(impl_->state, {.range = range, .all = false, .whole_folios = false});
    return {};
  }
  const uint64_t before = impl_->state.errors.position();
  writepages_and_wait(impl_->state, range);
  return impl_->state.errors.since(before);
}

Status FileData::flush_to_share(ByteRange range) {
  return flush(impl_->state.space.has_in_place() ? ByteRange{0, impl_->state.page_end()} : range, true);
}

Status FileData::take_error(uint64_t& seen) { return impl_->state.errors.take(seen); }
uint64_t FileData::error_cursor() const { return impl_->state.errors.cursor(); }

Status FileData::truncate_pages(uint64_t new_size) {
  return butterfuse::truncate_pages(impl_->state, new_size, impl_->domain());
}

Status FileData::zero_old_end() { return butterfuse::zero_old_end(impl_->state, impl_->domain()); }

void FileData::extend(uint64_t size) {
  impl_->state.size.extend(size);
  impl_->state.size.raise();
}

void FileData::lower_disk_size(uint64_t end) { impl_->state.size.lower_on_disk(end); }
void FileData::raise_disk_size() { impl_->state.size.raise(); }

Status FileData::zero_edges(ByteRange range) {
  return butterfuse::zero_edges(impl_->state, range, impl_->domain());
}

void FileData::drop_pages(ByteRange pages) { butterfuse::drop_pages(impl_->state, pages); }

Status FileData::rewrite(ByteRange range) {
  Pipeline& pipeline = impl_->services.pipeline;
  const auto domain = impl_->domain();
  for (uint64_t at = range.start; at < std::min(range.end, size()); at += kChunkBytes) {
    pipeline.domains.throttle(*domain, Writer::of_much, pipeline.kick_writeback);
    pipeline.wait_for_memory(kChunkBytes / kPageBytes);
    BF_TRY(rewrite_pages(impl_->state, {at, std::min(range.end, at + kChunkBytes)}, domain));
  }
  return {};
}

uint64_t FileData::extent_bytes_max() const { return butterfuse::extent_bytes_max(impl_->state); }

void FileData::invalidate() { invalidate_pages(impl_->state); }
bool FileData::has_dirty_or_ordered() const { return impl_->state.has_dirty_or_ordered(); }
Mutex& FileData::items_mutex() { return impl_->state.finish_mutex; }
void FileData::drop_clean_pages() { impl_->state.mapping->drop_clean(); }

}  // namespace butterfuse
