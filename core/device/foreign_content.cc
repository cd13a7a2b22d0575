// SPDX-License-Identifier: GPL-2.0-or-later
// ForeignContent: a table of magic numbers, and a few formats that need a second look.
// Without libblkid: a window is no file that it could open, and whoever reads a superblock may be in the
// sandbox by then. A wrong answer costs a wrong hint, or one question more before something is overwritten.
#include "core/device/foreign_content.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/device/foreign_magic.h"

namespace butterfuse {
namespace {

// The deepest look at the head, at the root blocks of ZFS, ends at 256 KiB.
constexpr size_t kHeadBytes = 264u << 10, kSectorBytes = 512;

// The beginning and the end of a device, with blanks where it is too short.
class Glimpse {
 public:
  explicit Glimpse(BlockDevice& device)
      : head_(std::min<uint64_t>(device.size_bytes(), kHeadBytes)),
        tail_(std::min<uint64_t>(device.size_bytes(), kSectorBytes)) {
    readable_ =
        device.read(0, bytes_of(head_)) && device.read(device.size_bytes() - tail_.size(), bytes_of(tail_));
  }

  bool readable() const { return readable_ && !head_.empty(); }
  bool is_blank() const {
    return !head_.empty() && std::ranges::all_of(head_, [](char byte) { return byte == 0; });
  }
  bool has(uint64_t offset, std::string_view magic) const {
    return offset <= head_.size() &&
           std::string_view(head_.data(), head_.size()).substr(offset).starts_with(magic);
  }
  bool ends_with_sector(std::string_view magic) const {
    return tail_.size() == kSectorBytes && std::string_view(tail_.data(), tail_.size()).starts_with(magic);
  }
  uint8_t byte(uint64_t offset) const {
    return offset < head_.size() ? static_cast<uint8_t>(head_[offset]) : 0;
  }

 private:
  static MutableByteSpan bytes_of(std::vector<char>& buffer) {
    return {reinterpret_cast<std::byte*>(buffer.data()), buffer.size()};
  }
  std::vector<char> head_, tail_;
  bool readable_ = false;
};

// All three have the same magic: what came later is known by its features.
std::optional<ForeignContent> ext_of(const Glimpse& glimpse) {
  constexpr uint64_t kSuper = 1024;
  if (!glimpse.has(kSuper + 0x38, "\x53\xef")) return std::nullopt;
  const bool has_journal = glimpse.byte(kSuper + 0x5c) & 0x04;
  const uint8_t incompat = glimpse.byte(kSuper + 0x60);
  const uint8_t incompat_high = glimpse.byte(kSuper + 0x61);
  const bool is_ext4 = (incompat & 0xc0) != 0 || incompat_high != 0;  // extents, 64bit, and all behind
  if (is_ext4) return ForeignContent{"an ext4 file system", ""};
  return ForeignContent{has_journal ? "an ext3 file system" : "an ext2 file system", ""};
}

// Any of the root blocks, of which the first may not be in use yet.
std::optional<ForeignContent> zfs_of(const Glimpse& glimpse) {
  constexpr uint64_t kFirst = 128u << 10, kBytes = 1024;
  constexpr std::string_view kLittle("\x0c\xb1\xba\x00", 4), kBig("\x00\xba\xb1\x0c", 4);
  for (uint64_t at = kFirst; at < 2 * kFirst; at += kBytes)
    if (glimpse.has(at, kLittle) || glimpse.has(at + 4, kBig)) return ForeignContent{"a ZFS pool", ""};
  return std::nullopt;
}

// The sector of a page's last bytes, for all sizes of pages.
std::optional<ForeignContent> swap_of(const Glimpse& glimpse) {
  for (const uint64_t page : {4096u, 8192u, 16384u, 65536u})
    if (glimpse.has(page - 10, "SWAPSPACE2") || glimpse.has(page - 10, "SWAP-SPACE"))
      return ForeignContent{"a swap area", ""};
  return std::nullopt;
}

std::optional<ForeignContent> partition_table_of(const Glimpse& glimpse) {
  constexpr std::string_view kHint = "part=NUMBER (elsewhere --part NUMBER) chooses a partition";
  constexpr uint64_t kEntries = 446, kEntryBytes = 16, kType = 4;
  if (!glimpse.has(510, "\x55\xaa")) return std::nullopt;
  for (const uint64_t sector : {512u, 4096u})
    if (glimpse.has(sector, "EFI PART")) return ForeignContent{"a GPT partition table", std::string(kHint)};
  size_t used = 0;
  for (uint64_t entry = kEntries; entry < kEntries + 4 * kEntryBytes; entry += kEntryBytes) {
    // Boot code, as it is in front of file systems.
    if ((glimpse.byte(entry) & 0x7f) != 0) return std::nullopt;
    used += glimpse.byte(entry + kType) != 0 ? 1 : 0;
  }
  if (used == 0) return std::nullopt;
  return ForeignContent{"a dos partition table (MBR)", std::string(kHint)};
}

}  // namespace

std::optional<ForeignContent> foreign_content(BlockDevice& device) {
  const Glimpse glimpse(device);
  if (!glimpse.readable() || glimpse.has(kBtrfsMagicAt, kBtrfsMagic)) return std::nullopt;
  for (const ForeignMagic& row : kForeignMagics)
    if (glimpse.has(row.offset, row.magic))
      return ForeignContent{std::string(row.name), std::string(row.hint)};
  // The partition table is last: its two bytes are in front of many file systems, too.
  for (const auto look : {ext_of, swap_of, zfs_of, partition_table_of})
    if (auto found = look(glimpse)) return found;
  for (const ForeignMagic& row : kForeignTails)
    if (glimpse.ends_with_sector(row.magic))
      return ForeignContent{std::string(row.name), std::string(row.hint)};
  return std::nullopt;
}

std::string foreign_content_text(BlockDevice& device) {
  const auto content = foreign_content(device);
  if (!content) return Glimpse(device).is_blank() ? ": it begins with zeros" : "";
  return ", but " + content->name + (content->hint.empty() ? "" : ": " + content->hint);
}

}  // namespace butterfuse
