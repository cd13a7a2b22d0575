// SPDX-License-Identifier: GPL-2.0-or-later
// finish_ordered: the last stage, on a worker.
#include "core/writeback/finish_ordered.h"

#include <chrono>

#include "core/base/log.h"

namespace butterfuse {
namespace {

using Extents = std::vector<CowExtentRef>;

void count_written(PipelineStats& stats, const CowExtent& extent) {
  if (extent.inline_data) {
    ++(extent.inline_data->compression ? stats.extents_inline_compressed : stats.extents_inline);
    stats.bytes_inline += extent.inline_data->stored.size();
  } else if (extent.compression != 0) {
    ++stats.extents_compressed;
    stats.ram_bytes_compressed += extent.file().length();
    stats.disk_bytes_compressed += extent.disk.length();
  } else if (extent.in_place) {
    ++stats.extents_in_place;
    stats.bytes_in_place += extent.disk.length();
  } else {
    ++stats.extents_uncompressed;
    stats.bytes_uncompressed += extent.disk.length();
  }
}

// One transaction for extents that lie one behind the other.
Status insert_extents(FileState& file, const Extents& extents) {
  WritebackBackend& backend = file.pipeline.backend;
  Reservation metadata;
  for (const CowExtentRef& extent : extents) metadata.merge(std::move(extent->metadata));
  const auto tell = [&] {
    for (const CowExtentRef& extent : extents) {
      file.ordered.note_in_trees(extent);
      file.size.settle(extent->file());
    }
    return file.size.raise();
  };
  const ExtentsInTrees in_trees{tell, file.moving};
  const auto started = std::chrono::steady_clock::now();
  Status status;
  {
    MutexLock one_at_a_time(file.finish_mutex);
    if (extents.front()->inline_data) {
      status =
          backend.insert_inline(file.owner, *extents.front()->inline_data, std::move(metadata), in_trees);
    } else {
      std::vector<FinishedExtent> finished;
      for (const CowExtentRef& extent : extents)
        finished.push_back(
            {extent->file(), extent->disk, extent->compression, extent->csums, extent->in_place});
      status = backend.finish_regular(file.owner, finished, std::move(metadata), in_trees);
    }
  }
  const auto time = std::chrono::steady_clock::now() - started;
  file.pipeline.stats.finish_us +=
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
  return status;
}

void end_extents(FileState& file, const Extents& extents, const Error* error) {
  for (const CowExtentRef& extent : extents) {
    file.size.settle(extent->file());  // also what will never be there; before others can dirty its pages
    if (error) {
      ++file.pipeline.stats.failed_extents;
      log(LogLevel::error, "inode {}: bytes [{}, {}) were not written: {}", file.owner.ino(),
          extent->file().start, extent->file().end, error->message);
      file.record_error(*error);
      extent->pages.end_failed();
    } else {
      extent->pages.end();
    }
    extent->stored.reset();
    --file.pipeline.stats.ordered_extents;
    file.ordered.remove(extent);
  }
}

void end_unwritten(FileState& file, const CowExtentRef& extent, const Error* error) {
  WritebackBackend& backend = file.pipeline.backend;
  if (!extent->disk.empty() && !extent->in_place) backend.release_extent(extent->disk);
  if (error && !extent->dead()) {
    const auto tell = [&] {
      file.ordered.note_in_trees(extent);
      file.size.settle(extent->file());
      return file.size.raise();
    };
    const ExtentsInTrees in_trees{tell, file.moving};
    MutexLock one_at_a_time(file.finish_mutex);
    backend.cover_unwritten(file.owner, extent->file(), std::move(extent->metadata), in_trees);
  }
  extent->metadata = {};
  if (!error) ++file.pipeline.stats.dead_extents;
  end_extents(file, {extent}, error);
}

void finish_run(FileState& file, Extents& run) {
  if (run.empty()) return;
  const Status status = insert_extents(file, run);
  if (status) {
    for (const CowExtentRef& extent : run) count_written(file.pipeline.stats, *extent);
  }
  end_extents(file, run, status ? nullptr : &status.error());
  run.clear();
}

void finish_group(const CowGroupRef& group) {
  FileState& file = *group->file;
  Extents run;  // alive, written, and contiguous in the file
  for (const CowExtentRef& extent : group->extents) {
    const auto error = extent->error();
    if (error || extent->dead()) {
      finish_run(file, run);
      end_unwritten(file, extent, error ? &*error : nullptr);
      continue;
    }
    if (!run.empty() && run.back()->file().end != extent->file().start) finish_run(file, run);
    run.push_back(extent);
  }
  finish_run(file, run);
  // What keeps the file and the budget goes last, and now rather than with the last reference to the group.
  group->extents.clear();
  const InFlightLimit::Slot slot = std::move(group->slot);
  const FileState::Hold hold = std::move(group->hold);
}

}  // namespace

void finish_ordered(const CowGroupRef& group) {
  const std::vector<OrderedExtentRef> ordered(group->extents.begin(), group->extents.end());
  group->file->ordered.finish_in_order(ordered, [group] { finish_group(group); });
}

}  // namespace butterfuse
