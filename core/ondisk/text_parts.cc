// SPDX-License-Identifier: GPL-2.0-or-later
// Small pieces of text that several structs need.
#include "core/ondisk/text_parts.h"

#include <ctime>

#include "core/base/uuid.h"

namespace butterfuse {

std::string flags_to_text(uint64_t flags, std::initializer_list<FlagName> names, const char* none) {
  std::string text;
  for (const FlagName& flag : names) {
    if (!(flags & flag.bit)) continue;
    if (!text.empty()) text += '|';
    text += flag.name;
    flags &= ~flag.bit;
  }
  if (flags != 0) fmt::format_to(std::back_inserter(text), "{}0x{:x}", text.empty() ? "" : "|", flags);
  return text.empty() ? none : text;
}

std::string group_type_to_text(uint64_t type) {
  std::string content =
      flags_to_text(type & bg::kTypeMask,
                    {{bg::kData, "DATA"}, {bg::kSystem, "SYSTEM"}, {bg::kMetadata, "METADATA"}}, "none");
  std::string profile = flags_to_text(type & ~bg::kTypeMask,
                                      {{bg::kRaid0, "RAID0"},
                                       {bg::kRaid1, "RAID1"},
                                       {bg::kDup, "DUP"},
                                       {bg::kRaid10, "RAID10"},
                                       {bg::kRaid5, "RAID5"},
                                       {bg::kRaid6, "RAID6"},
                                       {bg::kRaid1c3, "RAID1C3"},
                                       {bg::kRaid1c4, "RAID1C4"}},
                                      "single");
  return content + "|" + profile;
}

std::string uuid_to_text(const uint8_t (&bytes)[16]) {
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), bytes, sizeof bytes);
  return uuid.to_text();
}

std::string time_to_text(const DiskTimespec& time) {
  const std::time_t seconds = static_cast<std::time_t>(uint64_t{time.sec});
  std::tm local{};
  char date[64] = "out of range";
  if (::localtime_r(&seconds, &local) != nullptr)
    std::strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &local);
  return fmt::format("{}.{} ({})", uint64_t{time.sec}, uint32_t{time.nsec}, date);
}

}  // namespace butterfuse
