// SPDX-License-Identifier: GPL-2.0-or-later
// PipelineStats: counters on each path of the pipeline, readable while it runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace butterfuse {

struct PipelineStats {
  using Counter = std::atomic<uint64_t>;
  Counter batches{0};       // delalloc ranges found by writepages
  Counter async_chunks{0};  // cut for compression
  Counter pieces_tried{0};  // handed to a codec
  Counter extents_compressed{0};
  Counter extents_uncompressed{0};
  Counter extents_inline{0};
  Counter extents_inline_compressed{0};
  Counter ram_bytes_compressed{0};  // file bytes that went into compressed extents
  Counter disk_bytes_compressed{0};
  Counter bytes_uncompressed{0};
  Counter bytes_inline{0};      // stored
  Counter extents_in_place{0};  // written into nodatacow or preallocated extents
  Counter bytes_in_place{0};
  // Pieces that were not compressed, by reason.
  Counter fallback_heuristic{0};
  Counter fallback_not_smaller{0};
  Counter fallback_skipped{0};  // a few behind one that did not get smaller
  Counter fallback_one_sector{0};
  Counter fallback_codec_error{0};
  Counter fallback_no_room{0};  // compressed, but no free run of that size
  Counter fixups{0};
  Counter cancelled_pages{0};  // truncated before they were written
  Counter failed_extents{0};
  Counter dead_extents{0};     // truncated while they were written
  Counter ordered_extents{0};  // in flight now
  Counter write_enospc_retries{0};
  Counter pages_read{0};
  Counter readahead_folios{0};
  Counter writeback_us{0};  // time workers spent writing to the device
  Counter finish_us{0};     // time workers spent changing trees

  std::string to_text() const;  // "name value" lines
};

}  // namespace butterfuse
