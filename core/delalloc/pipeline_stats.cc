// SPDX-License-Identifier: GPL-2.0-or-later
// PipelineStats: the names of the counters.
#include "core/delalloc/pipeline_stats.h"

#include <fmt/format.h>

#include <utility>

namespace butterfuse {

std::string PipelineStats::to_text() const {
  const std::pair<const char*, const Counter*> lines[] = {
      {"batches", &batches},
      {"async_chunks", &async_chunks},
      {"pieces_tried", &pieces_tried},
      {"extents_compressed", &extents_compressed},
      {"extents_uncompressed", &extents_uncompressed},
      {"extents_in_place", &extents_in_place},
      {"bytes_in_place", &bytes_in_place},
      {"extents_inline", &extents_inline},
      {"extents_inline_compressed", &extents_inline_compressed},
      {"ram_bytes_compressed", &ram_bytes_compressed},
      {"disk_bytes_compressed", &disk_bytes_compressed},
      {"bytes_uncompressed", &bytes_uncompressed},
      {"bytes_inline", &bytes_inline},
      {"fallback_heuristic", &fallback_heuristic},
      {"fallback_not_smaller", &fallback_not_smaller},
      {"fallback_skipped", &fallback_skipped},
      {"fallback_one_sector", &fallback_one_sector},
      {"fallback_codec_error", &fallback_codec_error},
      {"fallback_no_room", &fallback_no_room},
      {"fixups", &fixups},
      {"cancelled_pages", &cancelled_pages},
      {"failed_extents", &failed_extents},
      {"dead_extents", &dead_extents},
      {"ordered_extents", &ordered_extents},
      {"write_enospc_retries", &write_enospc_retries},
      {"pages_read", &pages_read},
      {"readahead_folios", &readahead_folios},
      {"writeback_us", &writeback_us},
      {"finish_us", &finish_us},
  };
  std::string text;
  for (const auto& [name, counter] : lines) text += fmt::format("{} {}\n", name, counter->load());
  return text;
}

}  // namespace butterfuse
