// SPDX-License-Identifier: GPL-2.0-or-later
// Buffered write: promise, lock, fill edges, copy, mark delalloc and dirty, unlock.
#include "core/file_data/buffered_write.h"

#include <algorithm>
#include <cstring>

#include "core/file_data/page_fill.h"
#include "core/transaction/space_ladder.h"

namespace butterfuse {
namespace {

// Walks through gathered memory.
class PieceReader {
 public:
  explicit PieceReader(const std::vector<ByteSpan>& pieces) : pieces_(pieces) {}

  void copy_to(MutableByteSpan out) {
    while (!out.empty()) {
      const ByteSpan rest = pieces_[index_].subspan(offset_);
      const size_t bytes = std::min(rest.size(), out.size());
      std::memcpy(out.data(), rest.data(), bytes);
      out = out.subspan(bytes);
      offset_ += bytes;
      if (offset_ == pieces_[index_].size()) {
        ++index_;
        offset_ = 0;
      }
    }
  }

 private:
  const std::vector<ByteSpan>& pieces_;
  size_t index_ = 0;
  size_t offset_ = 0;
};

struct Granted {
  ByteRange bytes;
  SpacePromise promise;
};

// What was preallocated can be written when nothing else can.
// Not to be written anew, as that needs other space.
bool fits_in_place(FileState& file, ByteRange pages) {
  if (file.owner.is_rewritten()) return false;
  if (!file.owner.nodatacow() && !file.owner.has_prealloc()) return false;
  const auto places = file.pipeline.backend.in_place_ranges(file.owner, pages);
  if (!places) return false;
  uint64_t bytes = 0;
  for (const InPlaceRange& place : *places) bytes += place.file.length();
  return bytes == pages.length();
}

Result<Granted> try_promise(FileState& file, ByteRange bytes) {
  const ByteRange pages = bytes_of(pages_touching(bytes));
  const uint64_t extents = (pages.end - 1) / kPieceBytes - pages.start / kPieceBytes + 1;
  auto promise = file.space.promise(pages, extents);
  if (!promise && promise.error().code == ENOSPC && fits_in_place(file, pages))
    promise = file.space.promise_in_place(extents);
  if (!promise) return tl::unexpected(std::move(promise).error());
  return Granted{bytes, std::move(*promise)};
}

bool is_no_space(const Result<Granted>& granted) { return !granted && granted.error().code == ENOSPC; }

// Worst-case promises of other dirty data may be all that is in the way: turned into extents they shrink. And
// what is pinned may be free after a commit.
Result<Granted> promise_space(FileState& file, ByteRange bytes, HowMuch how_much = HowMuch::all) {
  const Rung write_back = [&] {
    ++file.pipeline.stats.write_enospc_retries;
    if (file.pipeline.flush_everything) file.pipeline.flush_everything();
    return true;
  };
  const Rung commit = [&] { return file.pipeline.backend.commit_for_space(); };
  Result<Granted> granted = climb_for_space([&] { return try_promise(file, bytes); }, {write_back, commit});
  while (how_much == HowMuch::what_fits && is_no_space(granted) && bytes.length() > kPageBytes) {
    const uint64_t first_page_end = round_down(bytes.start, kPageBytes) + kPageBytes;
    bytes.end = std::max(round_down(bytes.start + bytes.length() / 2, kPageBytes), first_page_end);
    granted = try_promise(file, bytes);
  }
  return granted;
}

// Makes the parts of edge page `page` that the copy will not cover hold the file's content.
Status prepare_edge_page(FileState& file, const LockedPages& pages, PageIndex page, ByteRange covered) {
  const ByteRange whole = bytes_of({page, page + 1});
  if (covered.contains(whole) || file.mapping->state(page).uptodate) return {};
  const MutableByteSpan memory = pages.contiguous_bytes(whole);
  const bool nothing_kept = whole.start >= file.size.in_memory() ||
                            (covered.start <= whole.start && covered.end >= file.size.in_memory());
  if (!nothing_kept) return read_page_run(file, {page, page + 1}, memory);
  std::memset(memory.data(), 0, memory.size());
  return {};
}

bool all_fit_in_place(FileState& file, const std::vector<ByteRange>& ranges) {
  return std::all_of(ranges.begin(), ranges.end(),
                     [&](ByteRange range) { return fits_in_place(file, range); });
}

// Locks pages to change them. What was granted in place may have lost its place before they were locked: a
// preallocated extent that writeback is filling is an ordinary one as soon as it has finished. ENOSPC then.
Result<LockedPages> lock_granted(FileState& file, PageRange touched, const SpacePromise& promise) {
  while (true) {
    LockedPages pages = file.mapping->lock(touched);
    if (!promise.in_place) return pages;
    const std::vector<ByteRange> fresh = file.extents.not_delalloc(bytes_of(touched));
    const bool in_flight =
        std::any_of(fresh.begin(), fresh.end(), [&](ByteRange range) { return file.ordered.overlap(range); });
    if (in_flight) {
      pages.unlock();
      file.ordered.wait(bytes_of(touched));
      continue;
    }
    if (all_fit_in_place(file, fresh)) return pages;
    return make_error(ENOSPC, "no space for bytes [{}, {}): they are no longer preallocated",
                      bytes_of(touched).start, bytes_of(touched).end);
  }
}

// The flusher hears of the file, however far the change came.
class TellsDirty {
 public:
  explicit TellsDirty(FileState& file) : file_(file) {}
  ~TellsDirty() {
    if (file_.pipeline.on_dirty) file_.pipeline.on_dirty(file_);
  }
  TellsDirty(const TellsDirty&) = delete;

 private:
  FileState& file_;
};

// What needs memory comes first: delalloc without a dirty page would be nobody's.
void make_dirty(FileState& file, LockedPages& pages, ByteRange range, SpacePromise& promise,
                const DomainRef& domain, uint64_t size = 0) {
  pages.expect_dirty(domain);
  file.size.note_dirty(range, size);
  file.space.commit(range, promise);
  pages.set_dirty(domain);
}

// One folio's part of a write.
Status write_part(FileState& file, ByteRange part, PieceReader& source, SpacePromise& promise,
                  const DomainRef& domain) {
  const PageRange touched = pages_touching(part);
  BF_ASSIGN(LockedPages pages, lock_granted(file, touched, promise));
  BF_TRY(prepare_edge_page(file, pages, touched.first, part));
  if (touched.count() > 1) BF_TRY(prepare_edge_page(file, pages, touched.end - 1, part));
  source.copy_to(pages.contiguous_bytes(part));
  pages.set_uptodate();
  // The size changes before the unlock: writeback cancels pages behind it.
  make_dirty(file, pages, bytes_of(touched), promise, domain, part.end);
  return {};
}

// Of bytes inside one page; reads it.
Result<bool> is_zero(FileState& file, ByteRange bytes) {
  const PageRange page = pages_touching(bytes);
  while (!bytes.empty()) {
    const PinnedPages pinned = file.mapping->pin_uptodate(page);
    if (pinned.empty()) {
      BF_TRY(fill_pages(file, page, LockMode::wait));
      continue;
    }
    const ByteSpan memory = pinned.contiguous_bytes(bytes);
    return std::all_of(memory.begin(), memory.end(), [](std::byte one) { return one == std::byte{0}; });
  }
  return true;
}

// Zeroes bytes inside one page, whose space is promised, and makes it dirty.
Status zero_granted(FileState& file, ByteRange bytes, SpacePromise& promise, const DomainRef& domain) {
  const PageRange page = pages_touching(bytes);
  BF_ASSIGN(LockedPages locked, lock_granted(file, page, promise));
  if (!file.mapping->state(page.first).uptodate) BF_TRY(fill_locked_pages(file, locked));
  const MutableByteSpan memory = locked.contiguous_bytes(bytes);
  std::memset(memory.data(), 0, memory.size());
  const TellsDirty told(file);
  make_dirty(file, locked, bytes_of(page), promise, domain);
  locked.unlock();
  return {};
}

}  // namespace

Result<size_t> buffered_write(FileState& file, uint64_t offset, const std::vector<ByteSpan>& pieces,
                              const DomainRef& domain, HowMuch how_much) {
  uint64_t total = 0;
  for (const ByteSpan piece : pieces) total += piece.size();
  if (total == 0) return 0;
  if (offset > file.size.in_memory()) BF_TRY(zero_tail_of_old_end(file, domain));
  BF_ASSIGN(Granted granted, promise_space(file, ByteRange::at(offset, total), how_much));
  PieceReader source(pieces);
  const TellsDirty told(file);
  uint64_t at = granted.bytes.start;
  while (at < granted.bytes.end) {
    const ByteRange part{at, std::min(granted.bytes.end, round_down(at, kFolioBytes) + kFolioBytes)};
    const Status status = write_part(file, part, source, granted.promise, domain);
    if (!status && (at == offset || how_much == HowMuch::all)) return tl::unexpected(status.error());
    if (!status) break;  // a short write; the error comes again with the rest
    at = part.end;
  }
  return at - offset;
}

Status zero_in_pages(FileState& file, const std::vector<ByteRange>& ranges, const DomainRef& domain) {
  std::vector<std::pair<ByteRange, Granted>> granted;
  for (const ByteRange bytes : ranges) {
    BF_ASSIGN(const bool zero, is_zero(file, bytes));
    if (zero) continue;
    BF_ASSIGN(Granted space, promise_space(file, bytes));
    granted.emplace_back(bytes, std::move(space));
  }
  for (auto& [bytes, space] : granted) BF_TRY(zero_granted(file, bytes, space.promise, domain));
  return {};
}

// A folio at a time, as writing does.
Status rewrite_pages(FileState& file, ByteRange range, const DomainRef& domain) {
  range = range.intersection({0, file.size.in_memory()});
  const TellsDirty told(file);
  while (!range.empty()) {
    const ByteRange part{range.start,
                         std::min(range.end, round_down(range.start, kFolioBytes) + kFolioBytes)};
    BF_ASSIGN(Granted granted, promise_space(file, part, HowMuch::what_fits));
    const PageRange pages = pages_touching(granted.bytes);
    BF_TRY(fill_pages(file, pages, LockMode::wait));
    BF_ASSIGN(LockedPages locked, lock_granted(file, pages, granted.promise));
    if (!locked.all_uptodate()) continue;  // evicted in between
    make_dirty(file, locked, bytes_of(pages), granted.promise, domain);
    range.start = std::min(range.end, bytes_of(pages).end);
  }
  return {};
}

Status zero_tail_of_old_end(FileState& file, const DomainRef& domain) {
  const uint64_t size = file.size.in_memory();
  const ByteRange tail{size, round_up(size, kPageBytes)};
  if (tail.empty()) return {};
  BF_ASSIGN(Granted granted, promise_space(file, tail));
  return zero_granted(file, tail, granted.promise, domain);
}

}  // namespace butterfuse
