// SPDX-License-Identifier: GPL-2.0-or-later
// Writing extents: one task a write; whoever ends the last one finishes the group.
#include "core/writeback/write_extent.h"

#include <chrono>

#include "core/base/courtesy.h"
#include "core/writeback/finish_ordered.h"

namespace butterfuse {
namespace {

Status timed_write(FileState& file, uint64_t bytenr, const std::vector<ByteSpan>& pieces) {
  const auto started = std::chrono::steady_clock::now();
  Status status = file.pipeline.backend.write(bytenr, pieces);
  const auto time = std::chrono::steady_clock::now() - started;
  file.pipeline.stats.writeback_us +=
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
  return status;
}

// Page memory is stable here: the extent owns its pages' writeback state.
void write_unit(const CowGroupRef& group, ByteRange unit) {
  FileState& file = *group->file;
  CowExtent& extent = *group->extents.front();
  const std::vector<ByteSpan> pieces = extent.pages.gather(unit);
  const uint64_t offset = unit.start - extent.file().start;
  if (!extent.csums.empty()) {
    const CsumType type = file.pipeline.backend.csum_type();
    std::byte* out = extent.csums.data() + offset / kSectorBytes * csum_size(type);
    for (const ByteSpan piece : pieces) {
      checksum_sectors(type, piece, out);
      out += piece.size() / kSectorBytes * csum_size(type);
      let_others_run();
    }
  }
  if (const Status status = timed_write(file, extent.disk.start + offset, pieces); !status)
    extent.record_error(status.error());
  if (--group->writes_left == 0) finish_ordered(group);
}

void write_stored(const CowGroupRef& group) {
  std::vector<ByteSpan> pieces;
  for (const CowExtentRef& extent : group->extents)
    pieces.push_back(ByteSpan(extent->stored.bytes()).first(extent->disk.length()));
  if (const Status status = timed_write(*group->file, group->extents.front()->disk.start, pieces); !status) {
    for (const CowExtentRef& extent : group->extents) extent->record_error(status.error());
  }
  finish_ordered(group);
}

}  // namespace

void checksum_sectors(CsumType type, ByteSpan stored, std::byte* out) {
  const size_t bytes = csum_size(type);
  for (size_t at = 0; at < stored.size(); at += kSectorBytes, out += bytes) {
    const CsumValue value = checksum(type, stored.subspan(at, kSectorBytes));
    std::memcpy(out, value.data(), bytes);
  }
}

void write_uncompressed(const CowGroupRef& group) {
  FileState& file = *group->file;
  CowExtent& extent = *group->extents.front();
  if (!file.owner.nodatasum())
    extent.csums.resize(extent.disk.length() / kSectorBytes * csum_size(file.pipeline.backend.csum_type()));
  std::vector<ByteRange> units;
  for (uint64_t at = extent.file().start; at < extent.file().end; at = units.back().end)
    units.push_back({at, std::min(at + kWriteUnitBytes, extent.file().end)});
  group->writes_left = static_cast<uint32_t>(units.size());
  Executor& workers = file.pipeline.workers;  // the last unit may end group and file before this loop does
  const Lane lane = file.lane();
  for (const ByteRange unit : units) workers.submit([group, unit] { write_unit(group, unit); }, lane);
}

void write_compressed(const CowGroupRef& group) {
  group->file->pipeline.workers.submit([group] { write_stored(group); }, group->file->lane());
}

void write_inline(const CowGroupRef& group) {
  group->file->pipeline.workers.submit([group] { finish_ordered(group); }, group->file->lane());
}

}  // namespace butterfuse
