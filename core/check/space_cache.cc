// SPDX-License-Identifier: GPL-2.0-or-later
// The space cache (version 1) against the extents. In it the free ranges of a block group are the content of
// a file in the root tree, which a header (FREE_SPACE 0 <start of the group>) names:
//
//   page 0:  crc32c of each page, generation, entries ...    (the first crc is of what follows the crcs)
//   page n:  entries ..., none of them over a page's end
//   then one page for each entry that is a bitmap, in their order
//
// No kernel uses a file of another generation than its header's or of generation 0, one that can't be read,
// or one whose sum is not that of the block group's free space; and none at all when the superblock's cache
// generation is not that of the file system. One that has less than the sum is common in images that were not
// unmounted (log trees take space that no extent item tells of), so that it is no finding.
#include <algorithm>
#include <map>
#include <numeric>

#include "core/check/free_ranges.h"
#include "core/check/tree_walk.h"
#include "core/volume/super_mirrors.h"

namespace butterfuse::check {
namespace {

constexpr size_t kPage = 4096;  // that of the machine which wrote it; larger ones are not told apart
constexpr size_t kPagesMax = (kPage - sizeof(le64)) / sizeof(le32);  // the checksums are in the first page
constexpr uint8_t kEntryExtent = 1, kEntryBitmap = 2;

struct CacheFile {
  uint64_t generation = 0, size = 0;
  std::vector<std::pair<uint64_t, DiskFileExtent>> extents;  // by offset
};

struct SpaceCache {
  std::map<uint64_t, CacheFile> files;              // by inode number
  std::map<uint64_t, DiskFreeSpaceHeader> headers;  // by block group
};

SpaceCache find_caches(CheckState& state) {
  SpaceCache cache;
  walk_items(state, state.roots.at(objectid::kRootTree), [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type == key_type::kInodeItem && data.size() >= sizeof(DiskInodeItem)) {
      const auto inode = load<DiskInodeItem>(data);
      CacheFile& file = cache.files[key.objectid];
      file.generation = inode.generation;
      file.size = inode.size;
    } else if (key.type == key_type::kExtentData && data.size() >= sizeof(DiskFileExtent)) {
      cache.files[key.objectid].extents.emplace_back(key.offset, load<DiskFileExtent>(data));
    } else if (key.objectid == objectid::kFreeSpace && key.type == 0 &&
               data.size() >= sizeof(DiskFreeSpaceHeader)) {
      cache.headers[key.offset] = load<DiskFreeSpaceHeader>(data);
    }
  });
  return cache;
}

// Whole pages; what no written extent covers is zero.
Result<Block> read_file(Volume& volume, const CacheFile& file) {
  if (file.size > kPagesMax * kPage) return make_error(EUCLEAN, "its file has {} bytes", file.size);
  Block content(round_up(file.size, kPage));
  for (const auto& [offset, extent] : file.extents) {
    if (extent.type != file_extent_type::kRegular || extent.disk_bytenr == 0 || extent.compression != 0)
      continue;
    if (offset >= content.size() || extent.offset > extent.disk_num_bytes) continue;
    const uint64_t length = std::min<uint64_t>(
        {extent.num_bytes, extent.disk_num_bytes - extent.offset, content.size() - offset});
    BF_TRY(volume.read_best(extent.disk_bytenr + extent.offset,
                            MutableByteSpan(content).subspan(offset, length), false));
  }
  return content;
}

// Reads a file from its first page to its last.
class Pages {
 public:
  explicit Pages(ByteSpan content) : content_(content) {}

  Result<uint64_t> generation() {
    at_ = content_.size() / kPage * sizeof(le32);
    BF_TRY(verify(0));
    at_ += sizeof(le64);
    return uint64_t{load<le64>(content_.subspan(at_ - sizeof(le64)))};
  }

  Result<DiskFreeSpaceEntry> next_entry() {
    if (at_ % kPage + sizeof(DiskFreeSpaceEntry) > kPage || at_ % kPage == 0) BF_TRY(next_page());
    at_ += sizeof(DiskFreeSpaceEntry);
    return load<DiskFreeSpaceEntry>(content_.subspan(at_ - sizeof(DiskFreeSpaceEntry)));
  }

  Result<ByteSpan> next_bitmap() {
    BF_TRY(next_page());
    at_ += kPage;
    return content_.subspan(at_ - kPage, kPage);
  }

 private:
  Status next_page() {
    at_ = round_up(at_, kPage);
    if (at_ >= content_.size()) return make_error(EUCLEAN, "its file ends too early");
    return verify(at_ / kPage);
  }

  Status verify(size_t page) const {
    const size_t crcs = page == 0 ? content_.size() / kPage * sizeof(le32) : 0;
    if (crc32c(content_.subspan(page * kPage + crcs, kPage - crcs)) ==
        load<le32>(content_.subspan(page * sizeof(le32))))
      return {};
    return make_error(EUCLEAN, "page {} of its file has a bad checksum", page);
  }

  ByteSpan content_;
  size_t at_ = 0;
};

Result<Ranges> read_ranges(ByteSpan content, const DiskFreeSpaceHeader& header, uint64_t group_length,
                           uint64_t sectorsize) {
  if (content.empty()) return make_error(EUCLEAN, "its file is empty");
  Pages pages(content);
  BF_ASSIGN(const uint64_t generation, pages.generation());
  if (generation != header.generation)
    return make_error(EUCLEAN, "its file is of generation {}, its header of {}", generation,
                      uint64_t{header.generation});
  Ranges ranges;
  std::vector<uint64_t> bitmaps;
  for (uint64_t entries = header.num_entries; entries > 0; --entries) {
    BF_ASSIGN(const DiskFreeSpaceEntry entry, pages.next_entry());
    if (entry.type == kEntryBitmap) {
      bitmaps.push_back(entry.offset);
    } else if (entry.type == kEntryExtent && entry.bytes != 0 && entry.offset + entry.bytes > entry.offset) {
      ranges.push_back(ByteRange::at(entry.offset, entry.bytes));
    } else {
      return make_error(EUCLEAN, "entry of type {} with offset {} and {} bytes", entry.type,
                        uint64_t{entry.offset}, uint64_t{entry.bytes});
    }
  }
  const uint64_t bitmap_bytes = kPage * 8 * sectorsize;
  if (bitmaps.size() > group_length / bitmap_bytes + 2)
    return make_error(EUCLEAN, "{} bitmaps for {} bytes", bitmaps.size(), group_length);
  for (const uint64_t start : bitmaps) {
    BF_ASSIGN(const ByteSpan map, pages.next_bitmap());
    append_bitmap(ranges, start, map, kPage * 8, sectorsize);
  }
  std::sort(ranges.begin(), ranges.end(), [](ByteRange a, ByteRange b) { return a.start < b.start; });
  Ranges joined;  // an extent may end where a bitmap goes on
  for (const ByteRange& range : ranges) append(joined, range);
  return joined;
}

uint64_t bytes_of(const Ranges& ranges) {
  return std::accumulate(ranges.begin(), ranges.end(), uint64_t{0},
                         [](uint64_t sum, ByteRange range) { return sum + range.length(); });
}

class SpaceCaches {
 public:
  explicit SpaceCaches(CheckState& state) : state_(state), cache_(find_caches(state)) {}

  void check() {
    for (const auto& [start, header] : cache_.headers) {
      const auto group = state_.block_groups.find(start);
      const auto file = cache_.files.find(Key(header.location).objectid);
      if (group == state_.block_groups.end() || file == cache_.files.end()) continue;
      const bool given_up = header.generation == 0 || file->second.generation != header.generation;
      if (given_up || header.num_entries == 0) continue;
      if (state_.options.interrupted()) return;
      if (content_bytes_ > kContentMax)
        return state_.warning("space cache: too much of it: not all is checked");
      content_bytes_ += file->second.size;
      check_group(start, group->second, header, file->second);
    }
  }

 private:
  // That of a hundred TiB, and some seconds. A hostile image could have all files share their extents.
  static constexpr uint64_t kContentMax = uint64_t{1} << 30;

  void check_group(uint64_t start, const BlockGroupRecord& group, const DiskFreeSpaceHeader& header,
                   const CacheFile& file) {
    const auto chunk = state_.volume.chunk_at(start);
    if (!chunk) return;
    const auto content = read_file(state_.volume, file);
    const auto ranges = content ? read_ranges(*content, header, group.length, state_.volume.sectorsize())
                                : tl::unexpected(content.error());
    if (!ranges)
      return state_.warning("space cache: block group {}: {}; nobody uses it", start, ranges.error().message);
    const Ranges mirrors = super_mirrors_in(*chunk);
    if (bytes_of(*ranges) + group.used + bytes_of(mirrors) < group.length) return;
    compare_free_ranges(state_, "space cache", start, *ranges,
                        subtract(gaps_between_extents(state_, start, group.length), mirrors));
  }

  CheckState& state_;
  const SpaceCache cache_;
  uint64_t content_bytes_ = 0;
};

}  // namespace

void check_space_cache(CheckState& state) {
  const DiskSuper& super = state.volume.super();
  if (super.cache_generation == 0 || super.cache_generation != super.generation) return;
  SpaceCaches(state).check();
}

}  // namespace butterfuse::check
