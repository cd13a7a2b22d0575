// The space cache (version 1) against the extents. In it the free ranges of a block group are the content of
// a file in the root tree, which a header (FREE_SPACE 0 <start of the group>) names:
//
//   page 0:  crc32c of each page, generation, entries ...    (the first crc is of what follows the crcs)
//   page n:  entries ..., none of them over a page's end
//   then one page for each entry that is a bitmap, in their order
//
// One file of an older or newer generation than its header says, or without entries, is not used by anybody,
// and none is when the superblock's cache generation is not that of the file system.
#include <algorithm>
#include <map>

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

Result<Ranges> read_ranges(const CheckState& state, ByteSpan content, const DiskFreeSpaceHeader& header) {
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
  for (const uint64_t start : bitmaps) {
    BF_ASSIGN(const ByteSpan map, pages.next_bitmap());
    append_bitmap(ranges, start, map, kPage * 8, state.volume.sectorsize());
  }
  std::sort(ranges.begin(), ranges.end(), [](ByteRange a, ByteRange b) { return a.start < b.start; });
  Ranges joined;  // an extent may end where a bitmap goes on
  for (const ByteRange& range : ranges) append(joined, range);
  return joined;
}

void check_group(CheckState& state, uint64_t start, const BlockGroupRecord& group,
                 const DiskFreeSpaceHeader& header, const CacheFile& file) {
  const bool unused = file.generation != header.generation || header.num_entries == 0;
  const auto chunk = state.volume.chunk_at(start);
  if (unused || !chunk) return;
  const auto content = read_file(state.volume, file);
  const auto ranges = content ? read_ranges(state, *content, header) : tl::unexpected(content.error());
  if (!ranges) return state.error("space cache: block group {}: {}", start, ranges.error().message);
  compare_free_ranges(state, "space cache", start, *ranges,
                      subtract(gaps_between_extents(state, start, group.length), super_mirrors_in(*chunk)));
}

}  // namespace

void check_space_cache(CheckState& state) {
  const DiskSuper& super = state.volume.super();
  if (super.cache_generation == 0 || super.cache_generation != super.generation) return;
  const SpaceCache cache = find_caches(state);
  for (const auto& [start, header] : cache.headers) {
    const auto group = state.block_groups.find(start);
    if (group == state.block_groups.end()) continue;  // nobody looks for it
    const auto file = cache.files.find(Key(header.location).objectid);
    if (file == cache.files.end()) {
      state.error("space cache: block group {}: there is no inode {}", start, Key(header.location).objectid);
    } else {
      check_group(state, start, group->second, header, file->second);
    }
  }
}

}  // namespace butterfuse::check
