// Data checksums: every item covers data extents that exist; on demand all data is read and compared.
#include "core/check/tree_walk.h"

namespace butterfuse::check {
namespace {

bool covered_by_extents(const CheckState& state, ByteRange range) {
  auto extent = state.extents.upper_bound(range.start);
  if (extent == state.extents.begin()) return false;
  --extent;
  uint64_t cursor = range.start;
  for (; extent != state.extents.end() && cursor < range.end; ++extent) {
    if (!extent->second.has_item || extent->second.is_tree_block || extent->first > cursor) return false;
    cursor = std::max(cursor, extent->first + extent->second.length);
  }
  return cursor >= range.end;
}

class DataVerifier {
 public:
  explicit DataVerifier(CheckState& state) : state_(state), sector_(state.volume.sectorsize()) {}

  void verify(uint64_t bytenr, ByteSpan csums) {
    const size_t each = csum_size(state_.volume.csum_type());
    constexpr size_t kSectorsAtOnce = 256;
    for (size_t done = 0, sectors = 0; done < csums.size() / each && !state_.options.interrupted();
         done += sectors) {
      sectors = std::min(
          {kSectorsAtOnce, csums.size() / each - done, sectors_to_chunk_end(bytenr + done * sector_)});
      verify_run(bytenr + done * sector_, csums.subspan(done * each, sectors * each), each);
    }
  }

 private:
  size_t sectors_to_chunk_end(uint64_t bytenr) const {
    auto chunk = state_.volume.chunk_at(bytenr);
    return chunk ? std::max<uint64_t>((chunk->start + chunk->length - bytenr) / sector_, 1) : 1;
  }

  void verify_run(uint64_t bytenr, ByteSpan csums, size_t each) {
    const size_t sectors = csums.size() / each;
    buffer_.resize(sectors * sector_);
    std::vector<int> good(sectors, 0);
    const auto chunk = state_.volume.chunk_at(bytenr);
    const std::vector<int> mirrors = chunk ? Volume::distinct_mirrors(*chunk) : std::vector<int>();
    const int copies = static_cast<int>(mirrors.size());
    for (int mirror : mirrors) {
      if (!state_.volume.read(bytenr, buffer_, mirror)) continue;
      for (size_t index = 0; index < sectors; ++index) {
        const CsumValue have =
            checksum(state_.volume.csum_type(), ByteSpan(buffer_).subspan(index * sector_, sector_));
        good[index] += std::memcmp(have.data(), csums.data() + index * each, each) == 0;
      }
    }
    for (size_t index = 0; index < sectors; ++index) {
      if (good[index] == 0) {
        state_.error("data at {}: checksum matches on none of {} copies", bytenr + index * sector_, copies);
      } else if (good[index] < copies) {
        state_.summary.bad_copies += static_cast<uint64_t>(copies - good[index]);
      }
    }
  }

  CheckState& state_;
  const uint64_t sector_;
  std::vector<std::byte> buffer_;
};

}  // namespace

void check_csums(CheckState& state) {
  auto root = state.roots.find(objectid::kCsumTree);
  if (root == state.roots.end()) return;
  DataVerifier verifier(state);
  const uint64_t sector = state.volume.sectorsize();
  const size_t each = csum_size(state.volume.csum_type());
  uint64_t last_end = 0;
  uint64_t verified = 0;
  walk_items(state, root->second, [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type != key_type::kExtentCsum) return;
    const ByteRange range = ByteRange::at(key.offset, data.size() / each * sector);
    state.summary.csum_bytes += data.size();
    if (range.start < last_end)
      state.error("csum item {}: overlaps the one before, which ends at {}", range.start, last_end);
    last_end = range.end;
    if (!covered_by_extents(state, range)) {
      state.error("csum item [{}, {}): covers bytes that no data extent has", range.start, range.end);
    }
    if (!state.summed.empty() && state.summed.back().end == range.start) {
      state.summed.back().end = range.end;
    } else {
      state.summed.push_back(range);
    }
    if (state.options.data_csums) {
      verifier.verify(range.start, data);
      verified += range.length();
      state.options.on_progress("data checksums", static_cast<double>(verified) /
                                                      static_cast<double>(state.summary.data_bytes + 1));
    }
  });
}

}  // namespace butterfuse::check
