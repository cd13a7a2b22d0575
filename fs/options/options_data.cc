// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options: how data is stored, and when it is durable.
#include <algorithm>

#include "compress/codec.h"
#include "fs/options/option_rows.h"

namespace butterfuse {
namespace {

void turn_compression_off(MountOptions& options) { options.compress = {}; }

// As in Linux 6.18: a level out of range is the nearest one that is in it, 0 is the default one, lzo's is
// passed over; what is no number is refused. "no" takes back a compress-force, too.
//
// Compression needs copy-on-write and checksums, and the options say so to each other: the last word wins,
// whichever it is. "nodatacow,compress" compresses, "compress,nodatacow" writes in place.
Status choose_compression(const OptionWord& word, MountOptions& options, bool force) {
  const std::string value = word.value.value_or("zlib");
  if (value == "no" || value == "none") {
    turn_compression_off(options);
    return {};
  }
  const size_t colon = value.find(':');
  const Codec* codec = codec_by_name(value.substr(0, colon));
  if (codec == nullptr || codec->type() == compression_type::kNone) return bad_option_value();
  int level = 0;
  if (colon != std::string::npos) {
    const auto number = parse_integer<int>(std::string_view(value).substr(colon + 1));
    if (!number) return bad_option_value();
    if (*number != 0) level = codec->clamp_level(*number);
  }
  options.compress = {.type = codec->type(), .level = level, .force = force};
  options.datacow = options.datasum = true;  // as in btrfs: compression needs both
  return {};
}

Status discard_freed(const OptionWord& word, MountOptions& options) {
  if (word.value && *word.value != "sync" && *word.value != "async") return bad_option_value();
  options.discard = true;
  return {};
}

std::optional<uint64_t> size_of(std::string_view text) { return parse_size(text); }

// A pool of no threads would never compress anything.
std::optional<uint32_t> positive(std::string_view text) {
  const auto number = parse_kernel_number<uint32_t>(text);
  return number && *number > 0 ? number : std::nullopt;
}

constexpr std::string_view kCompression = "[=zlib|lzo|zstd[:LEVEL]|no]";

}  // namespace

MountOptionGroup data_option_group() {
  using enum OptionEffect;
  return {
      "How data is stored",
      {
          {"compress", kCompression, acted_on,
           "compress what gets smaller by it; bare is zlib; zlib has levels 1 to 9, zstd -15 to 15",
           [](const OptionWord& word, MountOptions& m) { return choose_compression(word, m, false); }},
          {"compress-force", kCompression, acted_on, "compress without asking the heuristic first",
           [](const OptionWord& word, MountOptions& m) { return choose_compression(word, m, true); }},
          flag_row("datacow", "copy on write (the default)", [](MountOptions& m) { m.datacow = true; }),
          flag_row("nodatacow", "new files are written in place, without checksums and compression",
                   [](MountOptions& m) {
                     m.datacow = m.datasum = false;
                     turn_compression_off(m);
                   }),
          // Checksums without copy-on-write can't be: asking for the one asks for the other, too.
          flag_row("datasum", "checksums of data (the default)",
                   [](MountOptions& m) { m.datasum = m.datacow = true; }),
          flag_row("nodatasum", "new files have no checksums, and no compression",
                   [](MountOptions& m) {
                     m.datasum = false;
                     turn_compression_off(m);
                   }),
          value_row("max_inline", "=SIZE", "largest file that is stored in the tree itself (2048)",
                    parse_kernel_size,
                    [](MountOptions& m, uint64_t bytes) {
                      m.max_inline_bytes = static_cast<uint32_t>(std::min<uint64_t>(bytes, UINT32_MAX));
                    }),
          value_row("commit", "=SECONDS", "time between commits (30); 0 is the default",
                    parse_kernel_number<uint32_t>,
                    [](MountOptions& m, uint32_t seconds) { m.commit_interval_s = seconds ? seconds : 30; }),
          value_row("thread_pool", "=COUNT", "compression workers, 1 to 256", positive,
                    [](MountOptions& m, uint32_t threads) { m.thread_pool = std::min(threads, 256u); }),
          value_row("cache_size", "=SIZE", "budget of the page cache", size_of,
                    [](MountOptions& m, uint64_t bytes) { m.cache_bytes = bytes; }),
          {"discard", "[=sync|async]", acted_on,
           "freed ranges are punched out of image files, discarded on devices", discard_freed},
          flag_row("nodiscard", "freed ranges stay as they are (the default); fstrim(8) discards on request",
                   [](MountOptions& m) { m.discard = false; }),
          flag_row("flushoncommit", "dirty data goes with each commit",
                   [](MountOptions& m) { m.flush_on_commit = true; }),
          flag_row("noflushoncommit", "it does not (the default)",
                   [](MountOptions& m) { m.flush_on_commit = false; }),
          flag_row("treelog", "fsync writes a log tree (the default)",
                   [](MountOptions& m) { m.tree_log = true; }),
          flag_row("notreelog", "fsync commits", [](MountOptions& m) { m.tree_log = false; }),
          flag_row("acl", "POSIX access control lists, enforced by the kernel (the default)",
                   [](MountOptions& m) { m.acl = true; }),
          flag_row("noacl", "no access control lists", [](MountOptions& m) { m.acl = false; }),
          flag_row("clear_cache", "build the free space tree anew",
                   [](MountOptions& m) { m.clear_cache = true; }),
          flag_row("writeback_cache",
                   "the kernel caches writes: small ones are faster, a full disk is told at close or fsync",
                   [](MountOptions& m) { m.writeback_cache = true; }),
          flag_row("no_writeback_cache", "it does not (the default)",
                   [](MountOptions& m) { m.writeback_cache = false; }),
      }};
}

}  // namespace butterfuse
