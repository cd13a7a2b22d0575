// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options: what is mounted, and which part of it.
#include <algorithm>

#include "fs/options/option_rows.h"

namespace butterfuse {
namespace {

Status add_device(const OptionWord& word, MountOptions& options) {
  if (word.value->empty()) return bad_option_value();
  options.devices.push_back(*word.value);
  return {};
}

// As it is written: see Mount::choose_subvolume, which tries the name without quotes and escapes first,
// then with them.
Status choose_subvolume(const OptionWord& word, MountOptions& options) {
  if (word.value->empty()) return bad_option_value();
  options.subvol = word.word.substr(word.word.find('=') + 1);
  return {};
}

std::optional<uint64_t> size_of(std::string_view text) { return parse_size(text); }

// Partitions count from 1: 0 stands for none in DeviceWindow.
std::optional<uint32_t> partition_of(std::string_view text) {
  const auto number = parse_whole_number<uint32_t>(text);
  return number && *number > 0 ? number : std::nullopt;
}

}  // namespace

MountOptionGroup source_option_group() {
  using enum OptionEffect;
  return {
      "What is mounted",
      {
          flag_row("ro", "read-only: the source is opened so, and nothing is written, no log replayed to it",
                   [](MountOptions& m) { m.read_only = true; }),
          flag_row("rw", "read-write (the default)", [](MountOptions& m) { m.read_only = false; }),
          {"device", "=PATH", acted_on, "another device of the same file system; may be repeated",
           add_device},
          flag_row("degraded", "mount with devices missing, as long as each chunk has what it needs",
                   [](MountOptions& m) { m.degraded = true; }),
          {"subvol", "=PATH", acted_on, "this subvolume; a comma is quoted (\"a,b\") or escaped (a\\,b)",
           choose_subvolume},
          value_row("subvolid", "=ID", "the subvolume of this number; 0 and 5 are the top level",
                    parse_kernel_number<uint64_t>,
                    [](MountOptions& m, uint64_t id) { m.subvolid = id == 0 ? objectid::kFsTree : id; }),
          value_row("part", "=NUMBER", "the partition of this number, from 1, of an MBR or GPT", partition_of,
                    [](MountOptions& m, uint32_t part) { m.window.partition = part; }),
          value_row("offset", "=SIZE", "where in the source the file system begins", size_of,
                    [](MountOptions& m, uint64_t bytes) { m.window.offset = bytes; }),
          value_row("sizelimit", "=SIZE", "how much of the source is meant, from there on", size_of,
                    [](MountOptions& m, uint64_t bytes) { m.window.bytes = bytes; }),
      }};
}

}  // namespace butterfuse
