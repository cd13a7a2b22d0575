// SPDX-License-Identifier: GPL-2.0-or-later
// Data checksums: every item covers data extents that exist; on demand all data is read and compared.
//
// Each copy is read and compared, not only until one is good: a bad copy beside a good one is what a check is
// for. A sector where no copy is right is an error, others count in bad_copies.
#include <deque>
#include <future>

#include "core/check/tree_walk.h"

namespace butterfuse::check {
namespace {

// Where the data at `bytenr` ends; 0 where there is none. A log tree brings extents that have no item yet.
uint64_t data_end(const CheckState& state, uint64_t bytenr) {
  const auto extent = state.extents.upper_bound(bytenr);
  if (extent != state.extents.begin()) {
    const auto& [start, record] = *std::prev(extent);
    if (record.has_item && !record.is_tree_block && bytenr < start + record.length)
      return start + record.length;
  }
  const auto logged = state.logged_data.upper_bound(bytenr);
  if (logged == state.logged_data.begin() || std::prev(logged)->second <= bytenr) return 0;
  return std::prev(logged)->second;
}

bool covered_by_extents(const CheckState& state, ByteRange range) {
  for (uint64_t cursor = range.start; cursor < range.end;) {
    const uint64_t end = data_end(state, cursor);
    if (end == 0) return false;
    cursor = end;
  }
  return true;
}

// What reading a run of sectors came to.
struct VerifiedRun {
  std::vector<uint64_t> bad;  // sectors that no copy has right
  uint64_t bad_copies = 0;    // where another copy is right
  int copies = 0;
};

VerifiedRun verify_run(Volume& volume, uint64_t bytenr, ByteSpan csums) {
  const CsumGeometry geometry = volume.csum_geometry();
  const size_t sector = geometry.sectorsize, sectors = geometry.count(csums);
  std::vector<std::byte> buffer(sectors * sector);
  std::vector<int> good(sectors, 0);
  const auto chunk = volume.chunk_at(bytenr);
  const std::vector<int> mirrors = chunk ? Volume::distinct_mirrors(*chunk) : std::vector<int>();
  for (int mirror : mirrors) {
    if (!volume.read(bytenr, buffer, mirror)) continue;
    for (size_t index = 0; index < sectors; ++index) {
      const CsumValue have = checksum(volume.csum_type(), ByteSpan(buffer).subspan(index * sector, sector));
      const ByteSpan want = geometry.at(csums, index);
      good[index] += std::memcmp(have.data(), want.data(), want.size()) == 0;
    }
  }
  VerifiedRun run;
  run.copies = static_cast<int>(mirrors.size());
  for (size_t index = 0; index < sectors; ++index) {
    if (good[index] == 0) {
      run.bad.push_back(bytenr + index * sector);
    } else {
      run.bad_copies += static_cast<uint64_t>(run.copies - good[index]);
    }
  }
  return run;
}

// Reads data by runs of sectors on the workers, and reports in order.
class DataVerifier {
 public:
  explicit DataVerifier(CheckState& state) : state_(state) {}
  ~DataVerifier() { report(0); }

  void verify(uint64_t bytenr, ByteSpan csums) {
    // Large enough that seeking does not matter, and each worker holds one such buffer.
    constexpr uint64_t kBytesAtOnce = 1 << 20;
    const CsumGeometry geometry = state_.volume.csum_geometry();
    const ByteRange all = geometry.sectors(bytenr, csums);
    for (uint64_t at = all.start, end = at; at < all.end && !state_.options.interrupted(); at = end) {
      end = at + std::min({kBytesAtOnce, all.end - at, bytes_to_chunk_end(at)});
      start(at, csums.subspan(geometry.csum_bytes(at - all.start), geometry.csum_bytes(end - at)));
    }
  }

 private:
  // Only their checksums wait in memory; the data is read by the task.
  static constexpr size_t kRunsAhead = 32;  // of at most 1 MiB each

  // A sector at least, also where nothing is.
  uint64_t bytes_to_chunk_end(uint64_t bytenr) const {
    const uint64_t sector = state_.volume.sectorsize();
    const auto chunk = state_.volume.chunk_at(bytenr);
    return chunk ? std::max(round_down(chunk->start + chunk->length - bytenr, sector), sector) : sector;
  }

  void start(uint64_t bytenr, ByteSpan csums) {
    auto task = std::make_shared<std::packaged_task<VerifiedRun()>>(
        [&volume = state_.volume, bytenr, sums = std::vector<std::byte>(csums.begin(), csums.end())] {
          return verify_run(volume, bytenr, sums);
        });
    runs_.push_back(task->get_future());
    state_.workers->submit([task] { (*task)(); });
    report(kRunsAhead);
  }

  // Waits until no more than `left` runs are under way.
  void report(size_t left) {
    for (; runs_.size() > left; runs_.pop_front()) {
      const VerifiedRun run = runs_.front().get();
      for (const uint64_t bytenr : run.bad)
        state_.error("data at {}: checksum matches on none of {} copies", bytenr, run.copies);
      state_.summary.bad_copies += run.bad_copies;
    }
  }

  CheckState& state_;
  std::deque<std::future<VerifiedRun>> runs_;
};

}  // namespace

void check_csums(CheckState& state) {
  auto root = state.roots.find(objectid::kCsumTree);
  if (root == state.roots.end()) return;
  DataVerifier verifier(state);
  const bool no_data = state.volume.super().flags & (super_flag::kMetadump | super_flag::kMetadumpV2);
  if (state.options.data_csums && no_data)
    state.warning("this is a metadata dump: there is no data to compare with its checksums");
  const CsumGeometry geometry = state.volume.csum_geometry();
  uint64_t last_end = 0;
  uint64_t verified = 0;
  walk_items(state, root->second, [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type != key_type::kExtentCsum) return;
    const ByteRange range = geometry.sectors(key.offset, data);
    state.summary.csum_bytes += data.size();
    if (range.start < last_end)
      state.error("csum item {}: overlaps the one before, which ends at {}", range.start, last_end);
    last_end = range.end;
    if (!covered_by_extents(state, range)) {
      state.error("csum item [{}, {}): covers bytes that no data extent has", range.start, range.end);
    }
    // Joined, so that an extent that several items cover lies in one range.
    if (!state.summed.empty() && state.summed.back().end == range.start) {
      state.summed.back().end = range.end;
    } else {
      state.summed.push_back(range);
    }
    if (state.options.data_csums && !no_data) {
      verifier.verify(range.start, data);
      verified += range.length();
      state.options.on_progress("data checksums", static_cast<double>(verified) /
                                                      static_cast<double>(state.summary.data_bytes + 1));
    }
  });
}

}  // namespace butterfuse::check
