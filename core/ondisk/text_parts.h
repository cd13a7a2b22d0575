// SPDX-License-Identifier: GPL-2.0-or-later
// What the to_text files share: flag names, times, uuids.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <iterator>
#include <string>

#include "core/base/bytes.h"
#include "core/ondisk/format.h"

namespace butterfuse {

struct FlagName {
  uint64_t bit;
  const char* name;
};

// "A|B"; bits without a name as one hex number; `none` when no bit is set.
std::string flags_to_text(uint64_t flags, std::initializer_list<FlagName> names, const char* none);
std::string group_type_to_text(uint64_t type);  // "METADATA|DUP", "DATA|single"
std::string uuid_to_text(const uint8_t (&bytes)[16]);
std::string time_to_text(const DiskTimespec& time);  // "1795347836.48 (2026-11-22 11:43:56)", local time

template <class... Args>
void add_line(std::string& text, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
  text += '\n';
}

// The parts of item_to_text, by family. REQUIRES items that passed tree_checker; opaque ones may be anything.
std::string inode_family_to_text(const Key& key, ByteSpan item);   // inodes, their names, xattrs
std::string root_family_to_text(const Key& key, ByteSpan item);    // roots, root refs, uuids
std::string extent_family_to_text(const Key& key, ByteSpan item);  // extents, backrefs, file extents
std::string chunk_family_to_text(const Key& key, ByteSpan item);   // chunks, devices, groups, free space
std::string opaque_to_text(const Key& key, ByteSpan item);         // what no check looks into
// `indent` tabs before each line.
std::string chunk_to_text(ByteSpan item, int indent);

}  // namespace butterfuse
