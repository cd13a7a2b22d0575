// SPDX-License-Identifier: GPL-2.0-or-later
// PageSet: arithmetic on sets of pages; touches no page state.
// Segments are in the order of the file, one for each folio that has pages in the set.
#include "core/cache/page_set.h"

#include <algorithm>

#include "core/base/assert.h"

namespace butterfuse {

uint64_t PageSet::count() const {
  uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += static_cast<uint64_t>(std::popcount(segment.mask));
  return sum;
}

bool PageSet::contains(PageIndex page) const {
  return std::any_of(segments_.begin(), segments_.end(), [&](const Segment& segment) {
    return segment.folio->index() == folio_of(page) && (segment.mask & page_bit(page)) != 0;
  });
}

PageRange PageSet::hull() const {
  if (segments_.empty()) return {};
  const Segment& front = segments_.front();
  const Segment& back = segments_.back();
  return {front.folio->first_page() + static_cast<unsigned>(std::countr_zero(front.mask)),
          back.folio->first_page() + kPagesPerFolio - static_cast<unsigned>(std::countl_zero(back.mask))};
}

void PageSet::for_each_run(const std::function<void(PageRange, MutableByteSpan)>& visit) const {
  for (const Segment& segment : segments_) {
    butterfuse::for_each_run(segment.mask, [&](unsigned first, unsigned end) {
      const PageIndex base = segment.folio->first_page();
      visit({base + first, base + end}, {segment.folio->page_data(first), size_t{end - first} * kPageBytes});
    });
  }
}

MutableByteSpan PageSet::contiguous_bytes(ByteRange bytes) const {
  const PageRange pages = pages_touching(bytes);
  for (const Segment& segment : segments_) {
    const uint64_t folio = segment.folio->index();
    if (folio != folio_of(pages.first)) continue;
    const PageMask wanted = mask_in_folio(folio, pages);
    if (static_cast<uint64_t>(std::popcount(wanted)) != pages.count() || (segment.mask & wanted) != wanted)
      return {};
    return {segment.folio->page_data(0) + (bytes.start - folio * kFolioBytes), bytes.length()};
  }
  return {};
}

std::vector<ByteSpan> PageSet::gather(ByteRange bytes) const {
  std::vector<ByteSpan> pieces;
  uint64_t position = bytes.start;
  for_each_run([&](PageRange pages, MutableByteSpan memory) {
    const ByteRange run = bytes_of(pages);
    const ByteRange part = run.intersection({position, bytes.end});
    if (part.empty() || part.start != position) return;
    pieces.push_back(memory.subspan(part.start - run.start, part.length()));
    position = part.end;
  });
  BF_ASSERT(position == bytes.end, "pages of [{}, {}) are not all here: stopped at {}", bytes.start,
            bytes.end, position);
  return pieces;
}

// From the back: most sets grow in file order. A set has few folios, one for each 128 KiB.
void PageSet::add(const std::shared_ptr<Folio>& folio, PageMask mask) {
  if (mask == 0) return;
  auto at = segments_.end();
  while (at != segments_.begin() && std::prev(at)->folio->index() >= folio->index()) --at;
  if (at != segments_.end() && at->folio == folio) {
    BF_ASSERT((at->mask & mask) == 0, "folio {}: pages {:#x} are already in the set", folio->index(),
              at->mask & mask);
    at->mask |= mask;
    return;
  }
  segments_.insert(at, Segment{folio, mask});
}

void PageSet::add_all(PageSet&& other) {
  if (other.empty()) return;
  if (!mapping_) mapping_ = other.mapping_;
  BF_ASSERT(mapping_ == other.mapping_, "pages of two files in one set");
  for (Segment& segment : other.segments_) add(segment.folio, segment.mask);
  other.clear();
}

PageSet PageSet::take_from(PageIndex at) {
  PageSet taken(mapping_);
  const uint64_t folio = folio_of(at);
  const PageMask upper = mask_in_folio(folio, {at, (folio + 1) * kPagesPerFolio});
  auto first = std::find_if(segments_.begin(), segments_.end(),
                            [&](const Segment& segment) { return segment.folio->index() >= folio; });
  if (first == segments_.end()) return taken;
  if (first->folio->index() == folio && (first->mask & ~upper) != 0) {  // the cut goes through this folio
    if ((first->mask & upper) != 0) taken.segments_.push_back({first->folio, first->mask & upper});
    first->mask &= ~upper;
    ++first;
  }
  taken.segments_.insert(taken.segments_.end(), std::make_move_iterator(first),
                         std::make_move_iterator(segments_.end()));
  segments_.erase(first, segments_.end());
  return taken;
}

void PageSet::clear() {
  segments_.clear();
  mapping_.reset();
}

}  // namespace butterfuse
